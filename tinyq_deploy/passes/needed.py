# SPDX-License-Identifier: Apache-2.0
"""Which channels of each activation have to exist: backwards from the model's outputs, to the smallest set in which
every layer still finds what it reads. The sets only grow, so this ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinyq_deploy.graph import Graph, NodeView
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.elementwise import Elementwise
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.passes.intervals import Analysis, channels, last_axis_stays
from tinyq_deploy.passes.linear import Mask

Needed = dict[int, Mask]


def needed(graph: Graph, facts: Analysis) -> Mapping[int, Mask]:
    """[C] for every activation: the channels to keep, at least one of each tensor and all of the model's inputs,
    outputs and states. The others are constants that every reader can take into its bias, or are read by no one."""
    reads = _reads(graph, facts)
    kept = _nothing(graph)
    while True:
        before = _count(kept)
        for position in reversed(range(len(graph.nodes))):
            _close(NodeView(graph, graph.nodes[position]), kept, reads.get(position))
        if _count(kept) > before:
            continue
        empty = [index for index, mask in kept.items() if not mask.any()]
        if not empty:
            return kept
        kept[empty[-1]][0] = True


def _reads(graph: Graph, facts: Analysis) -> dict[int, Mask]:
    """For every linear layer, by position: which output depends on which input, [G,O,I]."""
    found = {}
    for position, form in facts.linears.items():
        source = facts.intervals[graph.nodes[position].inputs[0]]
        found[position] = form.reads(source.low, source.high)
    return found


def _nothing(graph: Graph) -> Needed:
    """No channel of any activation but those of sources and results, in order of computation."""
    kept: Needed = {}
    for index in (*graph.sources, *(output for node in graph.nodes for output in node.outputs)):
        fixed = index in graph.sources or index in graph.results
        kept[index] = np.full(channels(graph.tensors[index]), fixed)
    return kept


def _count(kept: Needed) -> int:
    return sum(int(mask.sum()) for mask in kept.values())


def _close(view: NodeView, kept: Needed, reads: Mask | None) -> None:
    """Adds to `kept` what one node asks of its inputs and outputs."""
    inputs = [t.index for i in range(len(view.node.inputs)) if (t := view.input(i)) is not None and t.data is None]
    if reads is not None:
        (source,), (output,) = inputs, view.node.outputs
        kept[source], kept[output] = grouped(reads, kept[source], kept[output])
    elif _keeps_channels_apart(view):
        _tie([*inputs, *view.node.outputs], kept)
    else:
        for index in (*inputs, *view.node.outputs):
            kept[index][:] = True


def _keeps_channels_apart(view: NodeView) -> bool:
    """Whether each output channel comes from the input channels of its number alone, modulo the smaller count. Nothing
    is known of channels of int16."""
    if view.kind == "int16":
        return False
    if (view.node.op in VIEWS or last_axis_stays(view)) and view.given(0).data is not None:
        return False
    if view.node.op in VIEWS:
        sizes = sorted((channels(view.given(0)), channels(view.output())))
        return sizes[1] % sizes[0] == 0
    if last_axis_stays(view):
        return True
    count = channels(view.output())
    fits = all(
        channels(tensor) == count or (tensor.data is not None and channels(tensor) == 1)
        for position in range(operands(view))
        if (tensor := view.input(position)) is not None
    )
    return OPERATORS[view.node.op].channelwise and fits


def operands(view: NodeView) -> int:
    """How many of the inputs are read channel by channel; the others are parameters."""
    operator = OPERATORS[view.node.op]
    return operator.operands if issubclass(operator, Elementwise) else len(view.node.inputs)


def _tie(tensors: Sequence[int], kept: Needed) -> None:
    """Keeps a channel in all of `tensors` where it is kept in one; of different sizes, the smallest one's channels
    repeat in the others."""
    size = math.gcd(*(kept[index].size for index in tensors))
    together = np.any([kept[index].reshape(-1, size).any(0) for index in tensors], axis=0)
    for index in tensors:
        kept[index] = np.tile(together, kept[index].size // size)


def grouped(reads: Mask, inputs: Mask, outputs: Mask) -> tuple[Mask, Mask]:
    """The inputs and outputs to keep, [G*I] and [G*O], where at least these are kept and `reads` [G,O,I]. With several
    groups, each stays whole or goes, and those that stay have equal numbers of inputs and of outputs."""
    groups, _, per_group = reads.shape
    wanted = outputs.reshape(groups, -1)
    sources = inputs.reshape(groups, per_group) | (reads & wanted[:, :, None]).any(1)
    if groups == 1:
        return sources[0], wanted[0]
    alive: Mask = np.any(np.concatenate([sources, wanted], axis=1), axis=1)
    return _level(sources, alive).reshape(-1), _level(wanted, alive).reshape(-1)


def _level(mask: Mask, alive: Mask) -> Mask:
    """`mask` [G,N] with the first free entries added until every group in `alive` has as many as the fullest one."""
    count = max(1, int(mask.sum(1).max()))
    free = np.cumsum(~mask, axis=1) <= (count - mask.sum(1))[:, None]
    levelled: Mask = mask | (~mask & free & alive[:, None])
    return levelled
