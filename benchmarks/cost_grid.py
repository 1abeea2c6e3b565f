# SPDX-License-Identifier: Apache-2.0
"""Graphs of many single layers, from small to middling: what fit_costs.py measures.

All layers read inputs of the graph; none but the ADDs of `pairs` reads another's output. Values and weights are random;
scales are such that the outputs fill int8. To cover a new operator: a function that adds its layers, and a line in
`others` or `moves`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
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
FEW_LAYERS, MOST_LAYERS = 10, 1000
Pair = tuple[int, int]


class Grid:
    """A graph that grows by single layers."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.inputs: dict[tuple[int, ...], int] = {}
        self.sources: list[int] = []

    def tensor(self, shape: Sequence[int], scale: float | tuple[float, ...], data: Any = None, dtype: str = "int8",
               zero: int = 0, axis: int = 0) -> int:  # fmt: skip
        """The index of a new tensor."""
        scales = scale if isinstance(scale, tuple) else (scale,)
        quantization = Quantization(scales, (zero,) * len(scales), axis)
        index = len(self.tensors)
        self.tensors.append(Tensor(index, f"t{index}", tuple(shape), dtype, quantization, data))
        return index

    def input(self, shape: Sequence[int], number: int = 1) -> int:
        """The graph's input of this shape, or another one."""
        key = (number, *shape)
        if key not in self.inputs:
            self.inputs[key] = self.own_input(shape)
        return self.inputs[key]

    def own_input(self, shape: Sequence[int]) -> int:
        """An input of the graph that one layer alone reads."""
        self.sources.append(self.tensor(shape, 0.05, zero=-3))
        return self.sources[-1]

    def constant(self, values: Any) -> int:
        """Numbers that a layer has as an input: axes, paddings and their like."""
        data = np.array(values, np.int32)
        self.tensors.append(Tensor(len(self.tensors), f"t{len(self.tensors)}", data.shape, "int32", None, data))
        return len(self.tensors) - 1

    def weights(self, shape: Sequence[int], axis: int) -> int:
        """Random int8 weights with a scale for each slice along `axis`."""
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = tuple(float(s) for s in np.float32(self.rng.uniform(0.005, 0.015, shape[axis])))
        return self.tensor(shape, scales, data, axis=axis)

    def values(self, shape: Sequence[int]) -> int:
        """Random int8 values as an operand."""
        return self.tensor(shape, 0.05, self.rng.integers(-128, 128, shape).astype(np.int8), zero=-3)

    def like_input(self, shape: Sequence[int]) -> int:
        """An output with the quantisation of the inputs."""
        return self.tensor(shape, 0.05, zero=-3)

    def layer(self, op: str, inputs: Sequence[int], output: int, options: dict[str, Option]) -> None:
        """A node."""
        self.nodes.append(Node(len(self.nodes), op, 3, tuple(inputs), (output,), options))

    def linear(self, op: str, source: int, weights: int, shape: Sequence[int], options: dict[str, Option]) -> int:
        """A layer that multiplies by weights and adds a bias; its output."""
        filter_, count = self.tensors[weights], shape[-1]
        assert filter_.quantization is not None
        fan = filter_.size // count
        bias = self.rng.integers(-3000, 3000, count).astype(np.int32)
        scales = tuple(float(np.float32(0.05 * s)) for s in filter_.quantization.scale)
        reach = 0.05 * 0.01 * 73 * 73 * fan**0.5 * 2.5 / 127
        activation, zero = ("RELU", -128) if len(self.nodes) % 2 else ("NONE", -5)
        output = self.tensor(shape, float(np.float32(reach)), zero=zero)
        third = self.tensor((count,), scales, bias, "int32")
        options = {"fused_activation_function": activation, **options}
        self.layer(op, (source, weights, third), output, options)
        return output

    def graphs(self, most: int) -> list[Graph]:
        """The layers, at most so many in each graph, but for one more where that reads what the one before it makes."""
        parts: list[list[Node]] = []
        for node in self.nodes:
            if not parts or (len(parts[-1]) >= most and parts[-1][-1].outputs[0] not in node.inputs):
                parts.append([])
            parts[-1].append(node)
        return [self._graph(part) for part in parts]

    def _graph(self, nodes: Sequence[Node]) -> Graph:
        """A graph of some layers; its output is the last one's."""
        numbered = tuple(replace(node, index=index) for index, node in enumerate(nodes))
        read = {tensor for node in numbered for tensor in node.inputs}
        inputs = tuple(source for source in self.sources if source in read)
        digest = hashlib.sha256(repr([(n.op, n.inputs, n.options) for n in numbered]).encode()).hexdigest()
        return Graph("grid.tflite", digest, tuple(self.tensors), numbered, inputs, numbered[-1].outputs)


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
    for taps, more, channels in itertools.product((5, 9, 14, 20, 31), (0, 9), (16, 30, 64)):
        options, extents = _window((taps + more, 1, channels), (taps, 1), (1, 1), "VALID")
        if grid.rng.random() < 0.7:
            _depthwise(grid, (taps + more, 1, channels), (taps, 1), 1, options, extents)
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


def pairs(grid: Grid) -> None:
    """CONV_2D with the ADD that alone reads it; those of 3 by 3, which have kernels of their own, also without."""
    images = ((20, 20, 8), (9, 9, 32), (5, 5, 40), (12, 12, 32), (12, 7, 16), (16, 16, 16))
    for image, size, channels in itertools.product(images, ((3, 3), (1, 1), (5, 5)), (8, 12, 32)):
        options, (height, width) = _window(image, size, (1, 1), "SAME")
        macs = height * width * channels * size[0] * size[1] * image[2]
        if macs > 3 * MOST_MACS or (size != (3, 3) and grid.rng.random() < 0.6):
            continue
        shape, weights = (1, height, width, channels), grid.weights((channels, *size, image[2]), 0)
        if size == (3, 3):
            grid.linear("CONV_2D", grid.input((1, *image)), weights, shape, options)
        first = grid.linear("CONV_2D", grid.input((1, *image)), weights, shape, options)
        _binary(grid, "ADD", (first, grid.own_input(shape)), shape, 2 * grid.tensors[first].scale)


def elementwise(grid: Grid) -> None:
    """ADD, SUB and MUL of equal shapes, and with operands that broadcast: constants [C] and [W,C], pixels, one."""
    for op, scale in (("ADD", 0.09), ("SUB", 0.09), ("MUL", 0.2)):
        for image in (*IMAGES[:4], (3, 5, 5), (2, 3, 10), (12, 12, 32)):
            shape = (1, *image)
            _binary(grid, op, (grid.input(shape), grid.input(shape, 2)), shape, scale)
        for (height, width, channels), other in itertools.product(
            ((16, 16, 3), (9, 9, 32), (5, 7, 10)), ("C", "WC", "HW1", "C of an input")
        ):
            shapes = {"C": (channels,), "WC": (width, channels), "HW1": (1, height, width, 1)}
            second = shapes.get(other, (1, 1, 1, channels))
            operand = grid.input(second) if len(second) == 4 else grid.values(second)
            shape = (1, height, width, channels)
            _binary(grid, op, (grid.input(shape), operand), shape, scale)


def _binary(grid: Grid, op: str, operands: tuple[int, int], shape: Sequence[int], scale: float) -> None:
    grid.layer(op, operands, grid.tensor(shape, scale, zero=4), {"fused_activation_function": "NONE"})


def tables(grid: Grid) -> None:
    """LOGISTIC, as an example of all functions of one element."""
    for shape in ((1, 10), (1, 25), (1, 33), (1, 130), (1, 640), (1, 16, 16, 3), (1, 12, 12, 32)):
        grid.layer("LOGISTIC", (grid.input(shape),), grid.tensor(shape, 1 / 256, zero=-128), {})


def means(grid: Grid) -> None:
    """MEAN of pixels, of rows, of columns and of channels."""
    for image, axes in itertools.product(((16, 16, 3), (9, 9, 32), (5, 5, 40), (4, 4, 64)), ((1, 2), (1,), (2,), (3,))):
        left = [extent for axis, extent in enumerate((1, *image)) if axis not in axes]
        output = grid.tensor(left, 0.02, zero=-3)
        grid.layer("MEAN", (grid.input((1, *image)), grid.constant(axes)), output, {"keep_dims": False})


def paddings(grid: Grid) -> None:
    """PAD around an image, and behind its channels."""
    for image in IMAGES[1:8]:
        for around in ((1, 1, 0), (0, 0, 2)) if image[2] < 20 else ((2, 1, 0),):
            numbers = [(0, 0), *((n, n) for n in around)]
            shape = [extent + 2 * n for extent, (n, _) in zip((1, *image), numbers, strict=True)]
            grid.layer("PAD", (grid.input((1, *image)), grid.constant(numbers)), grid.like_input(shape), {})


def copies(grid: Grid) -> None:
    """TRANSPOSE of runs of channels and of single elements, SLICE, STRIDED_SLICE that goes backwards or leaves out."""
    for image in ((16, 16, 3), (20, 20, 8), (9, 9, 32), (5, 5, 40)):
        shape = (1, *image)
        for order in ((0, 2, 1, 3), (0, 3, 1, 2), (0, 3, 2, 1)):
            output = grid.like_input([shape[axis] for axis in order])
            grid.layer("TRANSPOSE", (grid.input(shape), grid.constant(order)), output, {})
        for begin, size in (((0, 1, 1, 0), (1, 3, 3, image[2])), ((0, 0, 0, 1), (1, *image[:2], image[2] - 1))):
            operands = (grid.input(shape), grid.constant(begin), grid.constant(size))
            grid.layer("SLICE", operands, grid.like_input(size), {})
        left = (1, *image[:2], -(-image[2] // 2))
        numbers = ((0, 0, 0, 0), shape, (1, 1, 1, 2))
        operands = (grid.input(shape), *map(grid.constant, numbers))
        grid.layer("STRIDED_SLICE", operands, grid.like_input(left), {})


def rows(grid: Grid) -> None:
    """CONCATENATION and SPLIT of two to four parts, along channels or rows."""
    for (image, axis), count in itertools.product(
        (((8, 8, 8), 3), ((16, 16, 4), 3), ((6, 6, 32), 3), ((12, 6, 16), 1), ((5, 7, 12), 3), ((4, 9, 9), 1)), (2, 4)
    ):
        shape = (1, *image)
        whole, part = list(shape), list(shape)
        whole[axis], part[axis] = whole[axis] * count, part[axis] // count
        grid.layer("CONCATENATION", (grid.input(shape),) * count, grid.like_input(whole), {"axis": axis})
        parts = tuple(grid.like_input(part) for _ in range(count))
        grid.nodes.append(Node(len(grid.nodes), "SPLIT", 3, (grid.constant(axis), grid.input(shape)), parts,
                               {"num_splits": count}))  # fmt: skip


def long_products(grid: Grid) -> None:
    """FULLY_CONNECTED of products whose sums need all bits."""
    for length, count in itertools.product((1040, 1201, 1536), (3, 4, 10)):
        grid.linear("FULLY_CONNECTED", grid.input((1, length)), grid.weights((count, length), 0), (1, count), {})


def softmaxes(grid: Grid) -> None:
    """SOFTMAX of one row."""
    for count in (2, 5, 12, 33, 100):
        output = grid.tensor((1, count), 1 / 256, zero=-128)
        grid.layer("SOFTMAX", (grid.input((1, count)),), output, {"beta": 1.0})


def grids() -> list[Graph]:
    """Every layer of the grid, in parts that fit a board's flash one by one. Convolutions are few in each: where there
    are more than models have, gcc no longer specialises their kernels."""
    parts: dict[Callable[[Grid], None], int] = {
        convolutions: FEW_LAYERS, depthwise: FEW_LAYERS, pairs: FEW_LAYERS, others: MOST_LAYERS, moves: MOST_LAYERS
    }  # fmt: skip
    return [graph for add, most in parts.items() for graph in _graphs(add, most)]


def _graphs(add: Callable[[Grid], None], most: int) -> list[Graph]:
    made = Grid()
    add(made)
    return made.graphs(most)


def others(grid: Grid) -> None:
    """What is small: products, pools and functions of elements."""
    fully_connected(grid)
    long_products(grid)
    pools(grid)
    elementwise(grid)
    tables(grid)
    softmaxes(grid)


def moves(grid: Grid) -> None:
    """Sums along axes, and what only moves elements."""
    means(grid)
    paddings(grid)
    copies(grid)
    rows(grid)
