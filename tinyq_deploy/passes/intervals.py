# SPDX-License-Identifier: Apache-2.0
"""Which values each channel of each tensor can take, for every input of the model: exact integer intervals.

A channel is an index of a tensor's last dimension. Each interval holds over all positions of that channel.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import INT32_MAX
from tinyq_deploy.graph import Graph, NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.ops.elementwise import INT8_VALUES, Binary, Elementwise
from tinyq_deploy.ops.pad import padding_value, paddings
from tinyq_deploy.ops.reduce import Mean, Reduce, ReduceAll, ReduceAny, ReduceMax, ReduceMin, Sum, axes, elements
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.passes.linear import Linear, Mask, Numbers, linear

PADS = ("PAD", "PADV2")
_INT16, _INT32, _INT64 = ((np.iinfo(kind).min, np.iinfo(kind).max) for kind in (np.int16, np.int32, np.int64))
REDUCES: Mapping[str, type[Reduce]] = {
    operator.name: operator for operator in (Mean, ReduceAll, ReduceAny, ReduceMax, ReduceMin, Sum)
}


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
    """Intervals from the inputs and states forward through a checked graph."""
    found = {index: anything(graph.tensors[index]) for index in graph.sources}
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
    """All values of the tensor's type in every channel; bytes of uint8 as int8, and no bounds that count for reals."""
    count = channels(tensor)
    low, high = {"bool": (0, 1), "int16": _INT16, "int32": _INT32, "int64": _INT64}.get(tensor.dtype, (-128, 127))
    return Interval(np.full(count, low, np.int64), np.full(count, high, np.int64))


def _through(view: NodeView, found: Mapping[int, Interval], output: int) -> Interval:
    op, operator = view.node.op, OPERATORS[view.node.op]
    if view.kind == "int16":
        return anything(view.graph.tensors[output])
    if issubclass(operator, Elementwise) and operator.of_bytes(view):
        return _elementwise(view, operator, [_operand(view.given(i), found) for i in range(operator.operands)])
    if op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        # A maximum, or a mean rounded to an integer, lies between its least and its largest term.
        low, high = output_range(view)
        source = found[view.node.inputs[0]]
        return Interval(np.clip(source.low, low, high), np.clip(source.high, low, high))
    if op in VIEWS:
        return _reshaped(_operand(view.given(0), found), channels(view.output()))
    if last_axis_stays(view):
        return (_padded if op in PADS else _reduced)(view, _operand(view.given(0), found))
    return anything(view.graph.tensors[output])


def _operand(tensor: Tensor, found: Mapping[int, Interval]) -> Interval:
    if tensor.data is None:
        return found[tensor.index]
    rows = tensor.data.reshape(-1, channels(tensor)).astype(np.int64)
    return Interval(rows.min(0), rows.max(0))


def _elementwise(view: NodeView, operator: type[Elementwise], sources: Sequence[Interval]) -> Interval:
    """The extremes of an operator that rises or falls in each operand alone are at ends of the intervals; those of any
    function of one operand that varies, among its values there. An operand with one channel meets all."""
    count = channels(view.output())
    varying = [position for position, source in enumerate(sources) if not source.constant.all()]
    if issubclass(operator, Binary):
        corners = itertools.product(*((source.low, source.high) for source in sources))
        results = np.stack([np.broadcast_to(operator.values(view, *corner), count) for corner in corners])
        ends = results.min(0), results.max(0)
    elif len(varying) <= 1:
        at = varying[0] if varying else 0
        inside = (sources[at].low[:, None] <= INT8_VALUES) & (sources[at].high[:, None] >= INT8_VALUES)
        operands = [source.low[:, None] for source in sources]
        operands[at] = INT8_VALUES[None, :]
        results = operator.values(view, *operands)
        ends = np.where(inside, results, 127).min(1), np.where(inside, results, -128).max(1)
    else:
        return anything(view.output())
    return Interval(*(np.array(np.broadcast_to(end, count)) for end in ends))


def last_axis_stays(view: NodeView) -> bool:
    """Whether a node that pads or reduces leaves the last axis alone, so that each channel comes from its namesake."""
    rank = len(view.given(0).shape)
    if view.node.op in PADS:
        return rank > 0 and paddings(view)[-1] == (0, 0)
    return view.node.op in REDUCES and rank > 0 and rank - 1 not in axes(view)


def _padded(view: NodeView, source: Interval) -> Interval:
    value = np.int64(padding_value(view))
    return Interval(np.minimum(source.low, value), np.maximum(source.high, value))


def _reduced(view: NodeView, source: Interval) -> Interval:
    """An extreme is one of its elements; a sum lies between the sums of the least and the largest, which are
    requantised by a factor >= 0 where they fit int32."""
    operator = REDUCES[view.node.op]
    if not issubclass(operator, Sum):
        return source
    count, p = elements(view), operator.params(view)
    ends = [end * count for end in (source.low, source.high)]
    limit = INT32_MAX >> max(p.shift, 0)
    if max(int(np.abs(end + p.start).max()) for end in ends) > limit:
        return anything(view.output())
    return Interval(*(operator.values_of(view, end) for end in ends))


def _reshaped(source: Interval, count: int) -> Interval:
    """Channels are numbered anew: element i of the tensor is in channel i mod the last dimension, before and after."""
    before = source.low.size
    if count % before == 0:
        return Interval(np.tile(source.low, count // before), np.tile(source.high, count // before))
    if before % count == 0:
        return Interval(source.low.reshape(-1, count).min(0), source.high.reshape(-1, count).max(0))
    return Interval(np.full(count, source.low.min()), np.full(count, source.high.max()))
