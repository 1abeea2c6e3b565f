# SPDX-License-Identifier: Apache-2.0
"""Small whole models for the tests of the stages."""

from __future__ import annotations

import numpy as np
from models import Op, T, constant, model, tree

POOL = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}


def _parts() -> tuple[list[T], list[Op], list[int], list[int]]:
    rng = np.random.default_rng(7)

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape)

    tensors = [
        T((1, 6, 4, 1), 0.05, -1, name="image"),
        constant(weights(2, 3, 3, 1), [0.01, 0.02]),
        constant([100, -200], [0.0005, 0.001], dtype="int32"),
        T((1, 6, 4, 2), 0.05, 4, name="net/conv"),
        constant(weights(1, 3, 3, 2), [0.02, 0.01], axis=3),
        constant([7, -9], [0.001, 0.0005], dtype="int32"),
        T((1, 6, 4, 2), 0.05, -8, name="net/depthwise"),
        T((1, 6, 4, 2), 0.1, 2, name="net/sum"),
        T((1, 3, 2, 2), 0.1, 2, name="net/pool"),
        T((1, 12), 0.1, 2, name="net/flat"),
        constant([1, 12], dtype="int32"),
        constant(weights(3, 12), 0.02),
        constant([10, 20, -30], 0.002, dtype="int32"),
        T((1, 3), 0.3, 0, name="net/logits"),
        T((1, 3), 1 / 256, -128, name="class"),
    ]
    window = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    ops = [
        Op("CONV_2D", [0, 1, 2], [3], {**window, "fused_activation_function": "RELU"}, version=3),
        Op("DEPTHWISE_CONV_2D", [3, 4, 5], [6], {**window, "depth_multiplier": 1}, version=3),
        Op("ADD", [3, 6], [7], {}, version=2),
        Op("MAX_POOL_2D", [7], [8], POOL, version=2),
        Op("RESHAPE", [8, 10], [9]),
        Op("FULLY_CONNECTED", [9, 11, 12], [13], {}, version=4),
        Op("SOFTMAX", [13], [14], {"beta": 1.0}, version=2),
    ]
    return tensors, ops, [0], [14]


def small() -> bytes:
    """Every kind of layer once: 6x4 image to 3 classes, with a branch."""
    return model(*_parts())


def small_tree() -> object:
    """`small` as an object tree, for tests that break it."""
    return tree(*_parts())


def chain(count: int) -> bytes:
    """`count` 1x1 pools in a row."""
    options = {**POOL, "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1}
    tensors = [T((1, 2, 2, 1), 0.5, 3) for _ in range(count + 1)]
    return model(tensors, [Op("MAX_POOL_2D", [i], [i + 1], options) for i in range(count)], [0], [count])


def wide() -> bytes:
    """16x16: a pointwise convolution from 4 to 16 channels, then a depthwise one of stride 2: the most lies between."""
    rng = np.random.default_rng(8)
    tensors = [
        T((1, 16, 16, 4), 0.05, 3),
        constant(rng.integers(-127, 128, (16, 1, 1, 4)), 0.01),
        T((1, 16, 16, 16), 0.05, -4),
        constant(rng.integers(-127, 128, (1, 3, 3, 16)), 0.01, axis=3),
        T((1, 8, 8, 16), 0.05, 5),
    ]
    options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    ops = [
        Op("CONV_2D", [0, 1], [2], options, 3),
        Op("DEPTHWISE_CONV_2D", [2, 3], [4], {**options, "stride_h": 2, "stride_w": 2, "depth_multiplier": 1}, 3),
    ]
    return model(tensors, ops, [0], [4])


def two_in_two_out(first: str | bytes = "a", second: str | bytes = "b") -> bytes:
    """Two inputs, two outputs: their sum, and its largest values."""
    tensors = [
        T((1, 4, 2, 1), 0.5, 3, name=first),
        T((1, 4, 2, 1), 0.25, -3, name=second),
        T((1, 4, 2, 1), 0.75, 0, name="sum"),
        T((1, 2, 1, 1), 0.75, 0, name="most"),
    ]
    return model(tensors, [Op("ADD", [0, 1], [2]), Op("MAX_POOL_2D", [2], [3], POOL)], [0, 1], [2, 3])


def moves() -> bytes:
    """Elements of a 4x6 image that move in every way that has a kernel of its own, resized and cast on the way."""

    def q(*shape: int) -> T:
        return T(shape, 0.5, 3)

    def numbers(*values: object) -> T:
        return constant(values, dtype="int32")

    entries = [q(4, 2, 2) for _ in range(11)]
    tensors = [
        q(1, 4, 6, 2), q(1, 6, 7, 2), q(1, 6, 5, 2), q(1, 8, 11, 2), q(4, 4, 6, 2), q(1, 8, 11, 2), q(11, 4, 2, 2),
        T((11, 4, 2, 2), None, 0, "int32"), numbers([0, 0], [1, 1], [0, 1], [0, 0]), numbers(6, 0, 3, 3, 1),
        numbers(8, 11), numbers(2, 2), numbers([0, 0], [0, 1]), *entries, q(4, 11, 2, 2), numbers(1, 0, 2, 3),
        numbers(4, 11, 2, 2),
    ]  # fmt: skip
    parts = list(range(13, 24))
    ops = [
        Op("MIRROR_PAD", [0, 8], [1], {"mode": "SYMMETRIC"}),
        Op("GATHER", [1, 9], [2], {"axis": 2}),
        Op("RESIZE_BILINEAR", [2, 10], [3], {"half_pixel_centers": True}, 3),
        Op("SPACE_TO_BATCH_ND", [3, 11, 12], [4]),
        Op("BATCH_TO_SPACE_ND", [4, 11, 12], [5]),
        Op("RESHAPE", [5, 26], [24]),
        Op("UNPACK", [24], parts, {"axis": 1, "num": 11}),
        Op("PACK", parts[::-1], [6], {"axis": 0, "values_count": 11}),
        Op("CAST", [6], [7]),
    ]
    return model(tensors, ops, [0], [7])


def views() -> bytes:
    """Nothing to compute."""
    return model([T((2, 3), 0.5, 3), T((6,), 0.5, 3)], [Op("RESHAPE", [0], [1])], [0], [1])
