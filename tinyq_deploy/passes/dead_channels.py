# SPDX-License-Identifier: Apache-2.0
"""Removes channels that are constant for every input, or that nothing reads, with all that computes them.

A constant is proven by exact integer intervals (intervals.py, linear.py), its reader's bias takes it in (cut.py), and
what has to stay follows from the readers backwards (needed.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import Graph, NodeView
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.cut import cut, folded
from tinyq_deploy.passes.intervals import Analysis, Interval, analyze
from tinyq_deploy.passes.linear import Linear, Mask
from tinyq_deploy.passes.needed import needed


@dataclass(frozen=True)
class LayerCut:
    """What one layer lost. `constant` lists the removed output channels with the one int8 value they always have,
    `unread` those that no layer reads with a weight other than 0. The accumulators of all constant ones lie between
    `accumulator_low` and `accumulator_high` (None where the layer has none), over `border_patterns` sets of taps inside
    the input. `folded_inputs` of its input channels went into its bias."""

    index: int
    op: str
    channels_before: int
    channels_after: int
    constant: tuple[tuple[int, int], ...]
    unread: tuple[int, ...]
    border_patterns: int
    accumulator_low: int | None
    accumulator_high: int | None
    folded_inputs: int
    macs_before: int
    macs_after: int
    weight_bytes_before: int
    weight_bytes_after: int


@dataclass(frozen=True)
class DeadChannelsReport(Report):
    """Totals over the model, and the layers that changed. `constants_kept` counts channels of layer outputs that are
    proven constant and stay: a model output, an ADD's partner, a reader with padding that sees borders differ."""

    name = "dead channels"
    proof = (
        "Each removed constant has one possible value: exact integer intervals, from all int8 inputs through every "
        "accumulator (in every border pattern that occurs), both roundings of the requantisation and the clamp, all of "
        "which keep order; where an accumulator could leave int32, nothing is concluded. What it added to a kept "
        "accumulator is the same in every border pattern and is in the bias now, modulo 2^32 as the kernels add. Each "
        "removed variable channel meets only weights that are 0 or padding in the outputs that are kept."
    )

    channels_before: int
    channels_after: int
    constants_removed: int
    unread_removed: int
    constants_kept: int
    macs_before: int
    macs_after: int
    weight_bytes_before: int
    weight_bytes_after: int
    layers: tuple[LayerCut, ...]

    @property
    def changed(self) -> bool:
        """Whether a channel went."""
        return bool(self.layers)

    @property
    def line(self) -> str:
        """The totals."""
        if not self.changed:
            return "dead channels: none"
        return (
            f"dead channels: {self.channels_before - self.channels_after:,} of {self.channels_before:,} removed "
            f"({self.constants_removed:,} constant, {self.unread_removed:,} unread), MACs {self.macs_before:,} -> "
            f"{self.macs_after:,}, weight bytes {self.weight_bytes_before:,} -> {self.weight_bytes_after:,}"
        )


class DeadChannels(Pass):
    """Constant and dead channel elimination."""

    def run(self, graph: Graph) -> tuple[Graph, DeadChannelsReport]:
        """The graph with the channels that are needed."""
        facts = analyze(graph)
        kept = needed(graph, facts)
        smaller = graph if all(mask.all() for mask in kept.values()) else cut(graph, facts, kept)
        return smaller, _report(graph, smaller, facts, kept)


def _report(before: Graph, after: Graph, facts: Analysis, kept: Mapping[int, Mask]) -> DeadChannelsReport:
    cuts = [_layer(before, after, facts, kept, position) for position in range(len(before.nodes))]
    outputs = [node.outputs[0] for node in before.nodes if node.op not in VIEWS]
    return DeadChannelsReport(
        channels_before=sum(kept[index].size for index in outputs),
        channels_after=sum(int(kept[index].sum()) for index in outputs),
        constants_removed=sum(int((facts.intervals[i].constant & ~kept[i]).sum()) for i in outputs),
        unread_removed=sum(int((~facts.intervals[i].constant & ~kept[i]).sum()) for i in outputs),
        constants_kept=sum(int((facts.intervals[i].constant & kept[i]).sum()) for i in outputs),
        macs_before=sum(layer.macs_before for layer in cuts),
        macs_after=sum(layer.macs_after for layer in cuts),
        weight_bytes_before=sum(layer.weight_bytes_before for layer in cuts),
        weight_bytes_after=sum(layer.weight_bytes_after for layer in cuts),
        layers=tuple(layer for layer in cuts if _differs(layer)),
    )


def _differs(layer: LayerCut) -> bool:
    return layer.channels_before != layer.channels_after or layer.macs_before != layer.macs_after


def _layer(before: Graph, after: Graph, facts: Analysis, kept: Mapping[int, Mask], position: int) -> LayerCut:
    node = before.nodes[position]
    mask, interval = kept[node.outputs[0]], facts.intervals[node.outputs[0]]
    views = (NodeView(before, node), NodeView(after, after.nodes[position]))
    macs = [OPERATORS[node.op].macs(view) for view in views]
    weights = [_weight_bytes(view, position in facts.linears) for view in views]
    constant = np.flatnonzero(~mask & interval.constant)
    patterns, low, high, inputs = _facts(before, facts, kept, position)
    return LayerCut(
        node.index, node.op, mask.size, int(mask.sum()),
        tuple((int(channel), int(interval.low[channel])) for channel in constant),
        tuple(int(channel) for channel in np.flatnonzero(~mask & ~interval.constant)),
        patterns, low, high, inputs, macs[0], macs[1], weights[0], weights[1],
    )  # fmt: skip


def _weight_bytes(view: NodeView, has_weights: bool) -> int:
    return view.given(1).bytes if has_weights else 0


def _facts(
    graph: Graph, facts: Analysis, kept: Mapping[int, Mask], position: int
) -> tuple[int, int | None, int | None, int]:
    """Border patterns, extremes of the removed constants' accumulators, and inputs that went into the bias."""
    node, form = graph.nodes[position], facts.linears.get(position)
    if form is None:
        return 0, None, None, 0
    source = facts.intervals[node.inputs[0]]
    gone = ~kept[node.outputs[0]] & facts.intervals[node.outputs[0]].constant
    least, most = form.accumulators(source.low, source.high)
    ends = (int(least[gone].min()), int(most[gone].max())) if gone.any() else (None, None)
    return len(form.patterns), *ends, sum(_folded_inputs(form, source, kept[node.inputs[0]], kept[node.outputs[0]]))


def _folded_inputs(form: Linear, source: Interval, inputs: Mask, outputs: Mask) -> Iterator[bool]:
    """For each input that is gone, whether a bias that is kept changed for it."""
    for channel in np.flatnonzero(~inputs):
        without = np.arange(inputs.size) != channel
        yield bool(folded(form, source.low, without)[outputs].any())
