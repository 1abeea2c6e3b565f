# SPDX-License-Identifier: Apache-2.0
"""Which values each channel of each tensor can take, for every int8 input of the model: exact integer intervals.

A channel is an index of a tensor's last dimension. Each interval holds over all positions of that channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import requantize_array
from tinyq_deploy.graph import Graph, NodeView, Tensor
from tinyq_deploy.ops.add import Add
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.passes.linear import Linear, Mask, Numbers, linear


@dataclass(frozen=True, eq=False)
class Interval:
    """Least and largest value of each channel, [C]."""

    low: Numbers
    high: Numbers

    @property
    def constant(self) -> Mask:
        """[C]: whether only one value is possible."""
        same: Mask = self.low == self.high
        return same


@dataclass(frozen=True, eq=False)
class Analysis:
    """The interval of every tensor that nodes read or write, and the linear form of every node that has one, by the
    node's position in the graph."""

    intervals: Mapping[int, Interval]
    linears: Mapping[int, Linear]


def channels(tensor: Tensor) -> int:
    """Size of the last dimension."""
    return tensor.shape[-1] if tensor.shape else 1


def analyze(graph: Graph) -> Analysis:
    """Intervals from the inputs forward through a checked graph."""
    found = {tensor.index: anything(tensor) for tensor in graph.input_tensors()}
    linears: dict[int, Linear] = {}
    for position, node in enumerate(graph.nodes):
        view = NodeView(graph, node)
        form = linear(view)
        if form is not None:
            linears[position] = form
            source = found[node.inputs[0]]
            found[node.outputs[0]] = Interval(*form.outputs(source.low, source.high))
        else:
            found.update({output: _through(view, found, output) for output in node.outputs})
    return Analysis(found, linears)


def anything(tensor: Tensor) -> Interval:
    """All int8 values in every channel."""
    count = channels(tensor)
    return Interval(np.full(count, -128, np.int64), np.full(count, 127, np.int64))


def _through(view: NodeView, found: Mapping[int, Interval], output: int) -> Interval:
    op = view.node.op
    if op == "ADD" and view.given(0).shape == view.given(1).shape:
        return _sum(view, *(_operand(view.given(i), found) for i in range(2)))
    if op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        # A maximum, or a mean rounded to an integer, lies between its least and its largest term.
        low, high = output_range(view)
        source = found[view.node.inputs[0]]
        return Interval(np.clip(source.low, low, high), np.clip(source.high, low, high))
    if op == "RESHAPE":
        return _reshaped(found[view.node.inputs[0]], channels(view.output()))
    return anything(view.graph.tensors[output])


def _operand(tensor: Tensor, found: Mapping[int, Interval]) -> Interval:
    if tensor.data is None:
        return found[tensor.index]
    rows = tensor.data.reshape(-1, channels(tensor)).astype(np.int64)
    return Interval(rows.min(0), rows.max(0))


def _sum(view: NodeView, first: Interval, second: Interval) -> Interval:
    """Both terms and the sum are requantised by factors >= 0, so the output grows with each input."""
    return Interval(add_values(view, first.low, second.low), add_values(view, first.high, second.high))


def add_values(view: NodeView, first: Numbers, second: Numbers) -> Numbers:
    """What an ADD makes of int8 values."""
    p = Add.params(view)
    a = requantize_array((first + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    b = requantize_array((second + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    scaled = requantize_array(a + b, p.output_multiplier, p.output_shift)
    return np.clip(scaled + p.output_offset, p.activation_min, p.activation_max)


def _reshaped(source: Interval, count: int) -> Interval:
    """Channels are numbered anew: element i of the tensor is in channel i mod the last dimension, before and after."""
    before = source.low.size
    if count % before == 0:
        return Interval(np.tile(source.low, count // before), np.tile(source.high, count // before))
    if before % count == 0:
        return Interval(source.low.reshape(-1, count).min(0), source.high.reshape(-1, count).max(0))
    return Interval(np.full(count, source.low.min()), np.full(count, source.high.max()))
