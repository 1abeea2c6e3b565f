# SPDX-License-Identifier: Apache-2.0
"""Small whole models on int16, on int8 and int16, and with int4 weights."""

from __future__ import annotations

import numpy as np
from models import Op, T, constant, model
from nets import POOL

WINDOW = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
STEP = 2.0**-15


def _weights(rng: np.random.Generator, *shape: int, dtype: str = "int8", axis: int = 0) -> T:
    low, high = (-8, 8) if dtype == "int4" else (-127, 128)
    count = shape[axis]
    scales = [float(np.float32(0.02 / (1 + i))) for i in range(count)]
    return constant(rng.integers(low, high, shape), scales, dtype=dtype, axis=axis)


def wide() -> bytes:
    """int16 throughout: a 6x4 image through convolutions, ADD, a pool and a matrix product to 3 classes."""
    rng = np.random.default_rng(7)
    tensors = [
        T((1, 6, 4, 1), 0.001, 0, "int16", name="image"),
        _weights(rng, 2, 3, 3, 1),
        constant([10000, -(1 << 40)], [2e-5, 1e-5], dtype="int64"),
        T((1, 6, 4, 2), 0.002, 0, "int16", name="net/conv"),
        _weights(rng, 1, 3, 3, 2, axis=3),
        constant([7000, -9000], [4e-5, 2e-5], dtype="int64"),
        T((1, 6, 4, 2), 0.002, 0, "int16", name="net/depthwise"),
        T((1, 6, 4, 2), 0.003, 0, "int16", name="net/sum"),
        T((1, 3, 2, 2), 0.003, 0, "int16", name="net/pool"),
        T((1, 12), 0.003, 0, "int16", name="net/flat"),
        constant([1, 12], dtype="int32"),
        constant(rng.integers(-127, 128, (3, 12)), 0.02),
        constant([10, 20, -30], 6e-5, dtype="int64"),
        T((1, 3), 0.004, 0, "int16", name="net/logits"),
        T((1, 3), STEP, 0, "int16", name="class"),
    ]
    ops = [
        Op("CONV_2D", [0, 1, 2], [3], {**WINDOW, "fused_activation_function": "RELU"}, version=4),
        Op("DEPTHWISE_CONV_2D", [3, 4, 5], [6], {**WINDOW, "depth_multiplier": 1}, version=5),
        Op("ADD", [3, 6], [7], {}, version=3),
        Op("MAX_POOL_2D", [7], [8], POOL, version=3),
        Op("RESHAPE", [8, 10], [9]),
        Op("FULLY_CONNECTED", [9, 11, 12], [13], {}, version=7),
        Op("SOFTMAX", [13], [14], {"beta": 1.0}, version=3),
    ]
    return model(tensors, ops, [0], [14])


def mixed() -> bytes:
    """int8 convolution, one with int4 weights, then int16: a depthwise convolution, TANH and a gate; int8 again. The
    second int8 channel is always the zero point; a PAD lies before each window."""
    rng = np.random.default_rng(9)
    pads = constant([[0, 0], [1, 1], [1, 1], [0, 0]], dtype="int32")
    first = constant(np.concatenate([rng.integers(-127, 128, (1, 3, 3, 1)), np.zeros((1, 3, 3, 1))]), 0.01)
    tensors = [
        T((1, 6, 4, 1), 0.05, -1, name="image"),
        first,
        constant([100, 0], 0.0005, dtype="int32"),
        T((1, 6, 4, 2), 0.05, -128),
        _weights(rng, 3, 3, 3, 2, dtype="int4"),
        T((1, 6, 4, 3), 0.05, 4),
        T((1, 6, 4, 3), 0.0004, 0, "int16"),
        pads,
        T((1, 8, 6, 3), 0.0004, 0, "int16"),
        _weights(rng, 1, 3, 3, 3, axis=3),
        T((1, 6, 4, 3), 0.0005, 0, "int16"),
        T((1, 6, 4, 3), STEP, 0, "int16"),
        T((1, 6, 4, 3), 0.0003, 0, "int16"),
        constant([[0, 0], [1, 0], [0, 0], [0, 0]], dtype="int32"),
        constant([-128], 0.0003, dtype="int16"),
        T((1, 7, 4, 3), 0.0003, 0, "int16"),
        T((1, 3, 2, 3), 0.0003, 0, "int16"),
        T((1, 3, 2, 3), 0.07, 3, name="out"),
    ]
    ops = [
        Op("CONV_2D", [0, 1, 2], [3], WINDOW, version=3),
        Op("CONV_2D", [3, 4], [5], {**WINDOW, "fused_activation_function": "RELU"}, version=4),
        Op("QUANTIZE", [5], [6], version=2),
        Op("PAD", [6, 7], [8]),
        Op("DEPTHWISE_CONV_2D", [8, 9], [10], {**WINDOW, "padding": "VALID", "depth_multiplier": 1}, version=5),
        Op("TANH", [10], [11], version=2),
        Op("MUL", [10, 11], [12], version=2),
        Op("PADV2", [12, 13, 14], [15]),
        Op("MAX_POOL_2D", [15], [16], POOL, version=3),
        Op("QUANTIZE", [16], [17], version=2),
    ]
    return model(tensors, ops, [0], [17])


def rows() -> bytes:
    """16x16 on int16: a pointwise convolution from 4 to 16 channels, then a depthwise one of stride 2."""
    rng = np.random.default_rng(8)
    tensors = [
        T((1, 16, 16, 4), 0.001, 0, "int16"),
        _weights(rng, 16, 1, 1, 4),
        T((1, 16, 16, 16), 0.002, 0, "int16"),
        _weights(rng, 1, 3, 3, 16, axis=3),
        T((1, 8, 8, 16), 0.002, 0, "int16"),
    ]
    ops = [
        Op("CONV_2D", [0, 1], [2], WINDOW, 4),
        Op("DEPTHWISE_CONV_2D", [2, 3], [4], {**WINDOW, "stride_h": 2, "stride_w": 2, "depth_multiplier": 1}, 5),
    ]
    return model(tensors, ops, [0], [4])


NETS = {"wide": wide(), "mixed": mixed(), "rows": rows()}
