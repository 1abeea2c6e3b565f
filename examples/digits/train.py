# SPDX-License-Identifier: Apache-2.0
"""Trains the float model of this example and writes it with its data.

Needs tensorflow, keras and scikit-learn; takes about a minute on two cores:
    python examples/digits/train.py

Writes beside itself digits_float.tflite (batch 1), representative.npz (100 training samples) and test.npz (360
samples that took no part in training).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

HERE = Path(__file__).resolve().parent
SEED = 7
CHANNELS = 24
EPOCHS = 60
TEST_SAMPLES = 360
REPRESENTATIVE_SAMPLES = 100

Array = npt.NDArray[Any]


def load() -> tuple[Array, Array, Array, Array]:
    """x_train, x_test as float32 [N, 8, 8, 1] in 0..1, y_train, y_test as int64 [N]; classes equally split."""
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[..., None]
    y = digits.target.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=TEST_SAMPLES, random_state=SEED, stratify=y)
    return x_train, x_test, y_train, y_test


def separable(x: Any, channels: int) -> Any:
    """Depthwise 3x3, then pointwise 1x1, each with batch norm and ReLU."""
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(channels, 1, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def build() -> Any:
    """A small DS-CNN with one residual block: 8x8x1 -> 10."""
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(CHANNELS, 3, padding="same", use_bias=False)(image)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Add()([x, separable(x, CHANNELS)])
    x = keras.layers.MaxPooling2D(2)(x)
    x = separable(x, CHANNELS)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x))


def shifted(x: Array, rng: np.random.Generator) -> Array:
    """Each image moved by at most one pixel, edges filled with background."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moves = rng.integers(0, 3, (len(x), 2))
    return np.stack([image[r : r + 8, c : c + 8] for image, (r, c) in zip(padded, moves, strict=True)])


def train(model: Any, x: Array, y: Array) -> None:
    """Adam with a cosine schedule; a new shift of every image in each epoch."""
    rng = np.random.default_rng(SEED)
    steps = EPOCHS * -(-len(x) // 32)
    schedule = keras.optimizers.schedules.CosineDecay(4e-3, steps)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(EPOCHS):
        model.fit(shifted(x, rng), y, batch_size=32, epochs=1, verbose=0)


def to_tflite(model: Any) -> bytes:
    """The float model with batch 1, batch norms folded by the converter."""
    spec = tf.TensorSpec([1, 8, 8, 1], tf.float32, name="image")
    call = tf.function(lambda image: model(image, training=False), input_signature=[spec])
    frozen = convert_variables_to_constants_v2(call.get_concrete_function())
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())


def main() -> None:
    """Train, export, report."""
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x_train, x_test, y_train, y_test = load()
    model = build()
    train(model, x_train, y_train)
    accuracy = float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())
    (HERE / "digits_float.tflite").write_bytes(to_tflite(model))
    few = slice(REPRESENTATIVE_SAMPLES)
    np.savez_compressed(HERE / "representative.npz", x=x_train[few], y=y_train[few].astype(np.uint8))
    np.savez_compressed(HERE / "test.npz", x=x_test, y=y_test.astype(np.uint8))
    print(f"{model.count_params()} parameters, float accuracy {accuracy:.2%} on {len(y_test)} held-out samples")


if __name__ == "__main__":
    main()
