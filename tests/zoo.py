# SPDX-License-Identifier: Apache-2.0
"""Architectures that users bring, small, with random weights and the batch-norm statistics that their own data give.

Needs TensorFlow's Keras 3; imported by tests that have made sure of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

Array = npt.NDArray[np.float32]
CLASSES = 10


def data(model: Any, count: int, seed: int = 7) -> Array:
    """Smooth noise [count, ...] in -1..1: neighbours are alike, as in images and sound, and samples differ in mean."""
    shape = (count, *model.inputs[0].shape[1:])
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, shape)
    for axis in range(1, len(shape) - 1):
        values = values + np.roll(values, 1, axis) + np.roll(values, 2, axis)
    values = values / values.std() + rng.normal(0, 0.7, (count, *[1] * (len(shape) - 2), shape[-1]))
    return np.tanh(values).astype(np.float32)


def build(name: str) -> Any:
    """The Keras model of that name, the same one each time."""
    keras.utils.set_random_seed(11)
    model = MODELS[name]()
    _settle(model)
    return model


def _settle(model: Any) -> None:
    """Scales and shifts as training leaves them, and the statistics of what really arrives at each batch norm."""
    rng = np.random.default_rng(3)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    for norm in norms:
        channels = norm.moving_mean.shape[0]
        if norm.gamma is not None:
            norm.gamma.assign(rng.uniform(0.7, 1.3, channels))
        if norm.beta is not None:
            norm.beta.assign(rng.normal(0, 0.3, channels))
        norm.momentum = 0.0
    if norms:
        model(data(model, 32), training=True)


def _bn_relu(x: Any, activation: str = "relu6") -> Any:
    return layers.Activation(activation)(layers.BatchNormalization()(x))


def _classifier(inputs: Any, x: Any) -> Any:
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def mobilenet_v2() -> Any:
    """Inverted residuals at width 0.35."""
    return keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=CLASSES)


def mobilenet_v3_small() -> Any:
    """Hard swish, hard sigmoid, squeeze and excite."""
    return keras.applications.MobileNetV3Small(
        (96, 96, 3), alpha=0.5, weights=None, classes=CLASSES, include_preprocessing=False
    )


def mbconv() -> Any:
    """EfficientNet's block: expand, depthwise, squeeze and excite by sigmoid, project; swish throughout."""
    inputs = keras.Input((48, 48, 3))
    x = _bn_relu(layers.Conv2D(16, 3, 2, "same", use_bias=False)(inputs), "swish")
    for outputs, kernel, stride in ((16, 3, 1), (24, 3, 2), (24, 5, 1), (40, 5, 2)):
        channels = x.shape[-1]
        y = _bn_relu(layers.Conv2D(channels * 4, 1, use_bias=False)(x), "swish")
        y = _bn_relu(layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)(y), "swish")
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(max(1, channels // 4), 1, activation="swish")(gate)
        y = layers.Multiply()([y, layers.Conv2D(channels * 4, 1, activation="sigmoid")(gate)])
        y = layers.BatchNormalization()(layers.Conv2D(outputs, 1, use_bias=False)(y))
        x = layers.Add()([x, y]) if stride == 1 and channels == outputs else y
    return _classifier(inputs, layers.GlobalAveragePooling2D()(x))


def unet() -> Any:
    """Down by pooling, up by transposed convolutions, joined by concatenation; a mask of the input's size."""
    inputs = keras.Input((32, 32, 3))
    x, skips = inputs, []
    for channels in (8, 16):
        x = _bn_relu(layers.Conv2D(channels, 3, padding="same", use_bias=False)(x), "relu")
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _bn_relu(layers.Conv2D(32, 3, padding="same", use_bias=False)(x), "relu")
    for channels, kernel in ((16, 2), (8, 3)):
        x = layers.Conv2DTranspose(channels, kernel, 2, "same")(x)
        x = layers.Concatenate()([x, skips.pop()])
        x = _bn_relu(layers.Conv2D(channels, 3, padding="same", use_bias=False)(x), "relu")
    return keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(x))


def lstm() -> Any:
    """A long short-term memory over 16 steps, unrolled: TensorFlow's converter leaves a loop as it is."""
    inputs = keras.Input((16, 8))
    return _classifier(inputs, layers.LSTM(20, unroll=True)(inputs))


def gru() -> Any:
    """A gated recurrent unit over 16 steps, unrolled."""
    inputs = keras.Input((16, 8))
    return _classifier(inputs, layers.GRU(20, unroll=True)(inputs))


def tcn() -> Any:
    """Causal dilated convolutions over time with residuals."""
    inputs = keras.Input((64, 8))
    x = layers.Conv1D(16, 1)(inputs)
    for dilation in (1, 2, 4, 8):
        y = layers.Conv1D(16, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([x, layers.Conv1D(16, 1)(y)])
    return _classifier(inputs, layers.GlobalAveragePooling1D()(x))


def conv_mixer() -> Any:
    """Patches, then large depthwise and pointwise convolutions in turn, with GELU."""
    inputs = keras.Input((32, 32, 3))
    x = _bn_relu(layers.Conv2D(32, 4, 4)(inputs), "gelu")
    for _ in range(2):
        y = _bn_relu(layers.DepthwiseConv2D(7, padding="same")(x), "gelu")
        x = _bn_relu(layers.Conv2D(32, 1)(layers.Add()([x, y])), "gelu")
    return _classifier(inputs, layers.GlobalAveragePooling2D()(x))


def transformer() -> Any:
    """One encoder block: attention of two heads, layer norms, a feed-forward part with GELU."""
    inputs = keras.Input((16, 24))
    x = layers.LayerNormalization()(inputs)
    x = layers.Add()([inputs, layers.MultiHeadAttention(2, 12)(x, x)])
    y = layers.Dense(48, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(24)(y)])
    return _classifier(inputs, layers.GlobalAveragePooling1D()(x))


MODELS: dict[str, Callable[[], Any]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_small": mobilenet_v3_small,
    "mbconv": mbconv,
    "unet": unet,
    "lstm": lstm,
    "gru": gru,
    "tcn": tcn,
    "conv_mixer": conv_mixer,
    "transformer": transformer,
}
