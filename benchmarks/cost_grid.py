# SPDX-License-Identifier: Apache-2.0
"""Graphs of many single layers, from small to middling: what fit_costs.py measures.

All layers read inputs of the graph, none reads another's output. Values and weights are random; scales are such that
the outputs fill int8. To cover a new operator: a function that adds its layers, and a line in `others`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyq_deploy.graph import Graph, Node, Option, Quantization, Tensor
from tinyq_deploy.ops.rules import window_output

SEED = 20261124
IMAGES = ((16, 16, 1), (16, 16, 3), (20, 20, 8), (12, 6, 16), (9, 9, 32), (5, 5, 40), (4, 4, 64), (1, 24, 32),
          (3, 3, 128), (6, 1, 48), (25, 5, 64), (12, 12, 32))  # fmt: skip
FILTERS = ((1, 1), (1, 1), (3, 3), (3, 3), (5, 5), (1, 5), (4, 10), (3, 1))
OUTPUTS = (4, 8, 10, 16, 24, 32, 64)
CONVOLUTIONS = 64
MOST_MACS = 400_000
Pair = tuple[int, int]


class Grid:
    """A graph that grows by single layers."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.inputs: dict[tuple[int, ...], int] = {}

    def tensor(self, shape: Sequence[int], scale: float | tuple[float, ...], data: Any = None, dtype: str = "int8",
               zero: int = 0, axis: int = 0) -> int:  # fmt: skip
        """The index of a new tensor."""
        scales = scale if isinstance(scale, tuple) else (scale,)
        quantization = Quantization(scales, (zero,) * len(scales), axis)
        index = len(self.tensors)
        self.tensors.append(Tensor(index, f"t{index}", tuple(shape), dtype, quantization, data))
        return index

    def input(self, shape: Sequence[int]) -> int:
        """The graph's input of this shape."""
        key = tuple(shape)
        if key not in self.inputs:
            self.inputs[key] = self.tensor(key, 0.05, zero=-3)
        return self.inputs[key]

    def weights(self, shape: Sequence[int], axis: int) -> int:
        """Random int8 weights with a scale for each slice along `axis`."""
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = tuple(float(s) for s in np.float32(self.rng.uniform(0.005, 0.015, shape[axis])))
        return self.tensor(shape, scales, data, axis=axis)

    def layer(self, op: str, inputs: Sequence[int], output: int, options: dict[str, Option]) -> None:
        """A node."""
        self.nodes.append(Node(len(self.nodes), op, 3, tuple(inputs), (output,), options))

    def linear(self, op: str, source: int, weights: int, shape: Sequence[int], options: dict[str, Option]) -> None:
        """A layer that multiplies by weights and adds a bias."""
        filter_, count = self.tensors[weights], shape[-1]
        assert filter_.quantization is not None
        fan = filter_.size // count
        bias = self.rng.integers(-3000, 3000, count).astype(np.int32)
        scales = tuple(float(np.float32(0.05 * s)) for s in filter_.quantization.scale)
        reach = 0.05 * 0.01 * 73 * 73 * fan**0.5 * 2.5 / 127
        output = self.tensor(shape, float(np.float32(reach)), zero=-5)
        third = self.tensor((count,), scales, bias, "int32")
        options = {"fused_activation_function": "RELU" if len(self.nodes) % 2 else "NONE", **options}
        self.layer(op, (source, weights, third), output, options)

    def graph(self) -> Graph:
        """The graph as it is now; its output is the last layer's."""
        digest = hashlib.sha256(repr([(n.op, n.inputs, n.options) for n in self.nodes]).encode()).hexdigest()
        outputs = self.nodes[-1].outputs
        return Graph(
            "grid.tflite", digest, tuple(self.tensors), tuple(self.nodes), tuple(self.inputs.values()), outputs
        )


def _window(image: tuple[int, int, int], size: Pair, stride: Pair, padding: str) -> tuple[dict[str, Option], Pair]:
    """Options, and the output's height and width."""
    options: dict[str, Option] = {"stride_h": stride[0], "stride_w": stride[1], "padding": padding}
    pairs = zip(image[:2], size, stride, strict=True)
    height, width = (window_output(extent, k, s, padding) for extent, k, s in pairs)
    return options, (height, width)


def convolutions(grid: Grid) -> None:
    """CONV_2D: images, filters, strides and channels in many pairs."""
    pairs = itertools.cycle(itertools.product(IMAGES, FILTERS))
    while len(grid.nodes) < CONVOLUTIONS:
        for _ in range(int(grid.rng.integers(1, 5))):
            image, size = next(pairs)
        stride, padding = int(grid.rng.choice((1, 1, 2))), str(grid.rng.choice(("SAME", "VALID")))
        channels = int(grid.rng.choice(OUTPUTS))
        options, (height, width) = _window(image, size, (stride, stride), padding)
        macs = height * width * channels * size[0] * size[1] * image[2]
        if min(height, width) > 0 and macs <= MOST_MACS:
            weights = grid.weights((channels, *size, image[2]), 0)
            grid.linear("CONV_2D", grid.input((1, *image)), weights, (1, height, width, channels), options)


def depthwise(grid: Grid) -> None:
    """DEPTHWISE_CONV_2D: mostly 3 by 3; also few output pixels, and several outputs for each channel."""
    for image, size, stride in itertools.product(
        (*IMAGES[2:], (24, 24, 16), (6, 6, 128)), ((3, 3), (3, 3), (5, 5), (1, 3), (6, 1)), ((1, 1), (2, 2))
    ):
        padding = str(grid.rng.choice(("SAME", "VALID")))
        options, (height, width) = _window(image, size, stride, padding)
        if min(height, width) > 0 and grid.rng.random() < 0.75:
            _depthwise(grid, image, size, 1, options, (height, width))
    for multiplier in (4, 8, 16):
        options, extents = _window(IMAGES[0], (3, 3), (1, 1), "SAME")
        _depthwise(grid, IMAGES[0], (3, 3), multiplier, options, extents)


def _depthwise(grid: Grid, image: tuple[int, int, int], size: Pair, multiplier: int, options: dict[str, Option],
               extents: Pair) -> None:  # fmt: skip
    channels = image[2] * multiplier
    weights = grid.weights((1, *size, channels), 3)
    options = {**options, "depth_multiplier": multiplier}
    grid.linear("DEPTHWISE_CONV_2D", grid.input((1, *image)), weights, (1, *extents, channels), options)


def fully_connected(grid: Grid) -> None:
    """FULLY_CONNECTED: products of a few lengths; one scale for each output, or for all."""
    for length, count in itertools.product((8, 33, 64, 130, 256, 640), (3, 8, 12, 128)):
        if length * count <= 64 * 640:
            weights = grid.weights((count, length), 0)
            if count % 8 == 0:
                filter_ = grid.tensors[weights]
                weights = grid.tensor(filter_.shape, 0.01, filter_.data)
            grid.linear("FULLY_CONNECTED", grid.input((1, length)), weights, (1, count), {})


def pools(grid: Grid) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D: halves, overlapping windows, the whole image."""
    for op, image in itertools.product(("MAX_POOL_2D", "AVERAGE_POOL_2D"), IMAGES[1:7]):
        for size, stride in (((2, 2), (2, 2)), ((3, 3), (2, 2)), (image[:2], (1, 1))):
            options, extents = _window(image, size, stride, "VALID")
            options = {**options, "filter_height": size[0], "filter_width": size[1]}
            output = grid.tensor((1, *extents, image[2]), 0.05, zero=-3)
            grid.layer(op, (grid.input((1, *image)),), output, options)


def elementwise(grid: Grid) -> None:
    """ADD of an input to itself."""
    for image in IMAGES[:7]:
        source = grid.input((1, *image))
        grid.layer("ADD", (source, source), grid.tensor((1, *image), 0.09, zero=4),
                   {"fused_activation_function": "NONE"})  # fmt: skip


def softmaxes(grid: Grid) -> None:
    """SOFTMAX of one row."""
    for count in (2, 5, 12, 33, 100):
        output = grid.tensor((1, count), 1 / 256, zero=-128)
        grid.layer("SOFTMAX", (grid.input((1, count)),), output, {"beta": 1.0})


def grids() -> list[Graph]:
    """Every layer of the grid, in parts that fit a board's flash one by one."""
    parts: list[Callable[[Grid], None]] = [convolutions, depthwise, others]
    return [_graph(add) for add in parts]


def _graph(add: Callable[[Grid], None]) -> Graph:
    made = Grid()
    add(made)
    return made.graph()


def others(grid: Grid) -> None:
    """What is small: all other operators."""
    fully_connected(grid)
    pools(grid)
    elementwise(grid)
    softmaxes(grid)
