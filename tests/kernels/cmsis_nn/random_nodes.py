# SPDX-License-Identifier: Apache-2.0
"""Random nodes of the shapes that kernels treat apart, by the name of the family."""

from __future__ import annotations

from collections.abc import Callable

import nodes
import numpy as np

from tinyq_deploy.graph import NodeView

Rng = np.random.Generator
Pair = tuple[int, int]


def _pair(rng: Rng, low: int, high: int) -> Pair:
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def _window(rng: Rng, kernel: Pair) -> tuple[Pair, Pair, Pair, str]:
    """Input size, stride, dilation and padding for a kernel."""
    stride = _pair(rng, 1, 4)
    dilation = _pair(rng, 1, 3) if rng.random() < 0.2 and stride == (1, 1) else (1, 1)
    padding = str(rng.choice(["SAME", "VALID"]))
    least = [(k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (max(int(rng.integers(1, 10)), n) for n in least)
    return (height, width), stride, dilation, padding


def convolution(rng: Rng) -> NodeView:
    """Any CONV_2D, one in seven grouped."""
    kernel, groups = _pair(rng, 1, 5), 1 if rng.random() < 0.85 else 2
    channels, outputs = (n * groups for n in _pair(rng, 1, 20))
    size, stride, dilation, padding = _window(rng, kernel)
    return nodes.conv_2d(rng, size, channels, outputs, kernel, stride, dilation, padding, groups)


def pointwise(rng: Rng) -> NodeView:
    """CONV_2D of 1 by 1, strided or not."""
    channels, outputs = _pair(rng, 1, 70)
    return nodes.conv_2d(rng, _pair(rng, 1, 9), channels, outputs, (1, 1), _pair(rng, 1, 3))


def one_row(rng: Rng) -> NodeView:
    """CONV_2D of 1 by N over one row, as converters make it of a Conv1D."""
    kernel, padding = int(rng.integers(1, 7)), str(rng.choice(["SAME", "VALID"]))
    width = max(kernel if padding == "VALID" else 1, int(rng.integers(1, 20)))
    channels = int(rng.integers(1, 5)) * int(rng.choice([1, 4]))
    stride = (1, int(rng.integers(1, 4)))
    return nodes.conv_2d(rng, (1, width), channels, int(rng.integers(1, 10)), (1, kernel), stride, padding=padding)


def depthwise(rng: Rng) -> NodeView:
    """DEPTHWISE_CONV_2D, often 3 by 3, some with more channels than a block of the MVE kernel."""
    kernel = (3, 3) if rng.random() < 0.4 else _pair(rng, 1, 5)
    channels = int(rng.choice([1, 64, 123, 124, 125, 130])) if rng.random() < 0.25 else int(rng.integers(1, 20))
    size, stride, dilation, padding = _window(rng, kernel)
    multiplier = 1 if rng.random() < 0.6 else int(rng.integers(2, 9))
    return nodes.depthwise_conv_2d(rng, size, channels, multiplier, kernel, stride, dilation, padding)


def fully_connected(rng: Rng) -> NodeView:
    """FULLY_CONNECTED with one scale."""
    depth, outputs = int(rng.integers(1, 150)), int(rng.integers(1, 20))
    return nodes.fully_connected(rng, int(rng.integers(1, 4)), depth, outputs, per_channel=False)


def fully_connected_per_channel(rng: Rng) -> NodeView:
    """FULLY_CONNECTED with a scale per output."""
    depth, outputs = int(rng.integers(1, 150)), int(rng.integers(2, 20))
    return nodes.fully_connected(rng, int(rng.integers(1, 4)), depth, outputs, per_channel=True)


def _pool(rng: Rng, op: str) -> NodeView:
    kernel = _pair(rng, 1, 6)
    size, stride, _, padding = _window(rng, kernel)
    size = (max(size[0], kernel[0]), max(size[1], kernel[1]))
    return nodes.pool_2d(rng, op, size, int(rng.integers(1, 40)), kernel, stride, padding)


def average_pool(rng: Rng) -> NodeView:
    """AVERAGE_POOL_2D."""
    return _pool(rng, "AVERAGE_POOL_2D")


def max_pool(rng: Rng) -> NodeView:
    """MAX_POOL_2D."""
    return _pool(rng, "MAX_POOL_2D")


def add(rng: Rng) -> NodeView:
    """ADD."""
    return nodes.add(rng, int(rng.integers(1, 70)))


def softmax(rng: Rng) -> NodeView:
    """SOFTMAX."""
    return nodes.softmax(rng, *_pair(rng, 1, 40))


def padded_convolution(rng: Rng) -> NodeView:
    """CONV_2D with any padding."""
    return nodes.padded(rng, convolution(rng))


def padded_depthwise(rng: Rng) -> NodeView:
    """DEPTHWISE_CONV_2D with any padding."""
    return nodes.padded(rng, depthwise(rng))


def padded_max_pool(rng: Rng) -> NodeView:
    """MAX_POOL_2D with any padding."""
    return nodes.padded(rng, max_pool(rng))


PADDED = (padded_convolution, padded_depthwise, padded_max_pool)
FAMILIES: tuple[Callable[[Rng], NodeView], ...] = (
    convolution, pointwise, one_row, depthwise, fully_connected, fully_connected_per_channel, average_pool, max_pool,
    add, softmax, *PADDED,
)  # fmt: skip
