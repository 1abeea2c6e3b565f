# SPDX-License-Identifier: Apache-2.0
"""Graphs of one random node, as read.py would make them of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NO_TENSOR, Graph, Node, NodeView, Option, Quantization, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.conv_2d import EXPLICIT_PADDING
from tinyq_deploy.ops.rules import window_output

Shape = tuple[int, ...]
ACTIVATIONS = ("NONE", "RELU", "RELU6")


def view(op: str, inputs: Sequence[Tensor | None], output: Tensor, options: Mapping[str, Option]) -> NodeView:
    """One node that passes the rules of its operator."""
    given = [t for t in inputs if t is not None]
    numbers = tuple(NO_TENSOR if t is None else t.index for t in inputs)
    node = Node(0, op, 1, numbers, (output.index,), MappingProxyType(dict(options)))
    by_index = {t.index: t for t in (*given, output)}
    unused = Tensor(NO_TENSOR, "unused", (1,), "int8")
    tensors = tuple(by_index.get(i, unused) for i in range(max(by_index) + 1))
    made = NodeView(Graph("test", "0" * 64, tensors, (node,), (given[0].index,), (output.index,)), node)
    for rule in OPERATORS[op].rules:
        assert rule(made) is None, f"{rule.__doc__}: {rule(made)}"
    return made


def activation(index: int, shape: Shape, scale: float, zero_point: int) -> Tensor:
    """An int8 activation."""
    return Tensor(index, f"t{index}", shape, "int8", Quantization((scale,), (zero_point,)))


def constant(index: int, data: npt.NDArray[Any], scales: Sequence[float], axis: int = 0) -> Tensor:
    """A constant with zero points 0."""
    quantization = Quantization(tuple(scales), (0,) * len(scales), axis)
    return Tensor(index, f"t{index}", data.shape, data.dtype.name, quantization, data)


def zero_point(rng: np.random.Generator) -> int:
    """Often an end of the range, where offsets are largest."""
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def real_scale(rng: np.random.Generator) -> float:
    """A float32 scale as quantizers give them."""
    return float(np.float32(10 ** rng.uniform(-3, 0)))


def weight_scales(rng: np.random.Generator, count: int) -> list[float]:
    """Per-channel scales that differ by up to a factor of 100."""
    return [float(np.float32(10 ** rng.uniform(-4, -2))) for _ in range(count)]


def output_scale(rng: np.random.Generator, in_scale: float, scales: Sequence[float], taps: int) -> float:
    """A scale that spreads most results over int8; sometimes one so small that the shift is to the left."""
    typical = in_scale * float(np.median(scales)) * 73 * 73 * math.sqrt(taps) / 100
    return float(np.float32(typical * rng.choice([1.0, 0.2, 5.0, 1e-3], p=[0.7, 0.1, 0.1, 0.1])))


def weights(rng: np.random.Generator, shape: Shape) -> npt.NDArray[np.int8]:
    """Random weights, sometimes all at one end."""
    if rng.random() < 0.1:
        return np.full(shape, int(rng.choice([-127, 127])), np.int8)
    return rng.integers(-127, 128, shape).astype(np.int8)


def bias(rng: np.random.Generator, channels: int, taps: int) -> npt.NDArray[np.int32]:
    """Random biases of the size of the sums."""
    reach = int(73 * 73 * math.sqrt(taps)) + 1
    return rng.integers(-reach, reach, channels).astype(np.int32)


def window_options(rng: np.random.Generator, stride: Shape, dilation: Shape, padding: str) -> dict[str, Option]:
    """Builtin options of a convolution."""
    return {
        "stride_h": stride[0], "stride_w": stride[1], "dilation_h_factor": dilation[0],
        "dilation_w_factor": dilation[1], "padding": padding,
        "fused_activation_function": str(rng.choice(ACTIVATIONS)),
    }  # fmt: skip


def output_extent(size: Shape, kernel: Shape, stride: Shape, dilation: Shape, padding: str) -> Shape:
    """[height, width] of a sliding window's output."""
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return tuple(window_output(*item, padding) for item in zip(size, extent, stride, strict=True))


def conv_2d(
    rng: np.random.Generator, size: Shape, channels: int, outputs: int, kernel: Shape, stride: Shape = (1, 1),
    dilation: Shape = (1, 1), padding: str = "SAME", groups: int = 1,
) -> NodeView:  # fmt: skip
    """CONV_2D [1,*size,channels] -> [1,...,outputs]."""
    taps = kernel[0] * kernel[1] * channels // groups
    in_scale, scales = real_scale(rng), weight_scales(rng, outputs)
    source = activation(0, (1, *size, channels), in_scale, zero_point(rng))
    filter_ = constant(1, weights(rng, (outputs, *kernel, channels // groups)), scales)
    added = constant(2, bias(rng, outputs, taps), scales) if rng.random() < 0.8 else None
    extent = output_extent(size, kernel, stride, dilation, padding)
    result = activation(3, (1, *extent, outputs), output_scale(rng, in_scale, scales, taps), zero_point(rng))
    return view("CONV_2D", [source, filter_, added], result, window_options(rng, stride, dilation, padding))


def transpose_conv(
    rng: np.random.Generator, size: Shape, channels: int, outputs: int, kernel: Shape, stride: Shape,
    padding: str = "SAME", more: Shape = (0, 0),
) -> NodeView:  # fmt: skip
    """TRANSPOSE_CONV [1,*size,channels] -> [1,...,outputs], with `more` rows and columns than SAME or VALID has."""
    in_scale, scales = real_scale(rng), weight_scales(rng, outputs)
    same = [n * s for n, s in zip(size, stride, strict=True)]
    whole = [(n - 1) * s + k for n, s, k in zip(size, stride, kernel, strict=True)]
    extent = [n + m for n, m in zip(same if padding == "SAME" else whole, more, strict=True)]
    shape = constant(0, np.array((1, *extent, outputs), np.int32), [1.0])
    filter_ = constant(1, weights(rng, (outputs, *kernel, channels)), scales)
    source = activation(2, (1, *size, channels), in_scale, zero_point(rng))
    taps = kernel[0] * kernel[1] * channels
    added = constant(3, bias(rng, outputs, taps), scales) if rng.random() < 0.8 else None
    result = activation(4, (1, *extent, outputs), output_scale(rng, in_scale, scales, taps), zero_point(rng))
    options = {
        "stride_h": stride[0], "stride_w": stride[1], "padding": padding,
        "fused_activation_function": str(rng.choice(ACTIVATIONS)),
    }  # fmt: skip
    return view("TRANSPOSE_CONV", [shape, filter_, source, *([added] if added else [])], result, options)


def depthwise_conv_2d(
    rng: np.random.Generator, size: Shape, channels: int, multiplier: int, kernel: Shape, stride: Shape = (1, 1),
    dilation: Shape = (1, 1), padding: str = "SAME",
) -> NodeView:  # fmt: skip
    """DEPTHWISE_CONV_2D [1,*size,channels] -> [1,...,channels*multiplier]."""
    outputs, taps = channels * multiplier, kernel[0] * kernel[1]
    in_scale, scales = real_scale(rng), weight_scales(rng, outputs)
    source = activation(0, (1, *size, channels), in_scale, zero_point(rng))
    filter_ = constant(1, weights(rng, (1, *kernel, outputs)), scales, axis=3)
    added = constant(2, bias(rng, outputs, taps), scales) if rng.random() < 0.8 else None
    extent = output_extent(size, kernel, stride, dilation, padding)
    result = activation(3, (1, *extent, outputs), output_scale(rng, in_scale, scales, taps), zero_point(rng))
    options = window_options(rng, stride, dilation, padding) | {"depth_multiplier": multiplier}
    return view("DEPTHWISE_CONV_2D", [source, filter_, added], result, options)


def fully_connected(rng: np.random.Generator, batches: int, depth: int, outputs: int, per_channel: bool) -> NodeView:
    """FULLY_CONNECTED [batches,depth] -> [batches,outputs]."""
    in_scale, scales = real_scale(rng), weight_scales(rng, outputs if per_channel else 1)
    source = activation(0, (batches, depth), in_scale, zero_point(rng))
    filter_ = constant(1, weights(rng, (outputs, depth)), scales)
    added = constant(2, bias(rng, outputs, depth), scales) if rng.random() < 0.8 else None
    result = activation(3, (batches, outputs), output_scale(rng, in_scale, scales, depth), zero_point(rng))
    options: dict[str, Option] = {"fused_activation_function": str(rng.choice(ACTIVATIONS))}
    return view("FULLY_CONNECTED", [source, filter_, added], result, options)


def batch_matmul(
    rng: np.random.Generator, leads: tuple[Shape, Shape], rows: int, depth: int, columns: int,
    adjoint: tuple[bool, bool] = (False, False),
) -> NodeView:  # fmt: skip
    """BATCH_MATMUL [*leads[0],rows,depth] by [*leads[1],depth,columns], either with its matrices transposed."""
    scales = real_scale(rng), real_scale(rng)
    shapes = [(*leads[0], rows, depth), (*leads[1], depth, columns)]
    shapes = [(*s[:-2], s[-1], s[-2]) if turned else s for s, turned in zip(shapes, adjoint, strict=True)]
    inputs = [activation(i, shapes[i], scales[i], zero_point(rng)) for i in range(2)]
    scale = output_scale(rng, scales[0], scales[1:], depth)
    lead = np.broadcast_shapes(*leads)
    result = activation(2, (*lead, rows, columns), scale, zero_point(rng))
    return view("BATCH_MATMUL", inputs, result, {"adj_x": adjoint[0], "adj_y": adjoint[1]})


def pool_2d(
    rng: np.random.Generator, op: str, size: Shape, channels: int, kernel: Shape, stride: Shape, padding: str
) -> NodeView:
    """AVERAGE_POOL_2D or MAX_POOL_2D [1,*size,channels] -> [1,...,channels]."""
    scale, zero = real_scale(rng), zero_point(rng)
    extent = output_extent(size, kernel, stride, (1, 1), padding)
    options = window_options(rng, stride, (1, 1), padding) | {"filter_height": kernel[0], "filter_width": kernel[1]}
    source, result = (activation(i, (1, *e, channels), scale, zero) for i, e in enumerate((size, extent)))
    return view(op, [source], result, options)


def padded(rng: np.random.Generator, made: NodeView) -> NodeView:
    """A window of `conv_2d`, `depthwise_conv_2d` or `pool_2d` with up to a window less one of padding on each side."""
    options = made.node.options
    given = [made.input(position) for position in range(len(made.node.inputs))]
    kernel = given[1].shape[1:3] if len(given) > 1 else (options["filter_height"], options["filter_width"])
    extents = [(k - 1) * made.number(f"dilation_{axis}_factor", 1) + 1 for k, axis in zip(kernel, "hw", strict=True)]
    margins = [int(rng.integers(0, extents[side // 2])) for side in range(4)]
    rows, columns = given[0].shape[1:3]
    short = [max(0, extents[0] - rows - sum(margins[:2])), max(0, extents[1] - columns - sum(margins[2:]))]
    source = replace(given[0], shape=(1, rows + short[0], columns + short[1], given[0].shape[3]))
    sizes = [n + sum(margins[2 * i : 2 * i + 2]) for i, n in enumerate(source.shape[1:3])]
    strides = (made.number("stride_h", 1), made.number("stride_w", 1))
    output = [window_output(*item, "VALID") for item in zip(sizes, extents, strides, strict=True)]
    result = replace(made.output(), shape=(1, *output, made.output().shape[3]))
    explicit = {**options, "padding": "VALID", **dict(zip(EXPLICIT_PADDING, margins, strict=True))}
    return view(made.node.op, [source, *given[1:]], result, explicit)


def add(rng: np.random.Generator, size: int) -> NodeView:
    """ADD of two activations [1,size]."""
    first, second = (activation(i, (1, size), real_scale(rng), zero_point(rng)) for i in range(2))
    scale = float(np.float32(max(first.scale, second.scale) * rng.uniform(0.3, 3)))
    result = activation(2, (1, size), scale, zero_point(rng))
    return view("ADD", [first, second], result, {"fused_activation_function": str(rng.choice(ACTIVATIONS))})


def softmax(rng: np.random.Generator, rows: int, depth: int) -> NodeView:
    """SOFTMAX [rows,depth]."""
    source = activation(0, (rows, depth), real_scale(rng), zero_point(rng))
    return view("SOFTMAX", [source], activation(1, (rows, depth), 1 / 256, -128), {"beta": 1.0})


def binary(rng: np.random.Generator, op: str, shapes: tuple[Shape, Shape], fixed: int | None = None) -> NodeView:
    """ADD, SUB or MUL of two tensors that broadcast, of which input `fixed` is a constant."""
    tensors = [activation(i, shape, real_scale(rng), zero_point(rng)) for i, shape in enumerate(shapes)]
    if fixed is not None:
        data = rng.integers(-128, 128, shapes[fixed]).astype(np.int8)
        tensors[fixed] = replace(tensors[fixed], data=data)
    largest = max(t.scale for t in tensors)
    typical = tensors[0].scale * tensors[1].scale * 50 if op == "MUL" else largest
    scale = float(np.float32(typical * rng.choice([rng.uniform(0.3, 3), 1.0, 1e-3], p=[0.7, 0.2, 0.1])))
    result = activation(2, np.broadcast_shapes(*shapes), scale, zero_point(rng))
    return view(op, tensors, result, {"fused_activation_function": str(rng.choice(ACTIVATIONS))})


def table(rng: np.random.Generator, size: int) -> NodeView:
    """TABLE [size] with random results."""
    entries = replace(constant(1, rng.integers(-128, 128, 256).astype(np.int8), (1.0,)), quantization=None)
    source, result = (activation(i, (size,), real_scale(rng), zero_point(rng)) for i in (0, 2))
    return view("TABLE", [source, entries], result, {})


def reduction(rng: np.random.Generator, op: str, shape: Shape, axes: Sequence[int]) -> NodeView:
    """MEAN or SUM over `axes`."""
    source = activation(0, shape, real_scale(rng), zero_point(rng))
    kept = tuple(n for i, n in enumerate(shape) if i not in axes)
    count = math.prod(shape) // math.prod(kept)
    typical = source.scale * (count**-0.5 if op == "MEAN" else count**0.5)
    scale = float(np.float32(typical * rng.choice([rng.uniform(0.3, 3), 1.0, 1e-3, 100], p=[0.6, 0.2, 0.1, 0.1])))
    numbers = replace(constant(1, np.array(axes, np.int32), (1.0,)), quantization=None)
    return view(op, [source, numbers], activation(2, kept, scale, zero_point(rng)), {"keep_dims": False})


def pad(rng: np.random.Generator, shape: Shape, margins: Sequence[tuple[int, int]]) -> NodeView:
    """PAD by `margins`, elements before and after each axis."""
    scale, zero = real_scale(rng), zero_point(rng)
    numbers = replace(constant(1, np.array(margins, np.int32), (1.0,)), quantization=None)
    padded_shape = tuple(n + before + after for n, (before, after) in zip(shape, margins, strict=True))
    return view("PAD", [activation(0, shape, scale, zero), numbers], activation(2, padded_shape, scale, zero), {})


def transpose(rng: np.random.Generator, shape: Shape, order: Sequence[int]) -> NodeView:
    """TRANSPOSE to the axes `order`."""
    scale, zero = real_scale(rng), zero_point(rng)
    numbers = replace(constant(1, np.array(order, np.int32), (1.0,)), quantization=None)
    result = activation(2, tuple(shape[axis] for axis in order), scale, zero)
    return view("TRANSPOSE", [activation(0, shape, scale, zero), numbers], result, {})
