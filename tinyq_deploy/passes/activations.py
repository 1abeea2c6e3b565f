# SPDX-License-Identifier: Apache-2.0
"""Merges layers that only clamp, or change nothing, into the layer before them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.functions import function
from tinyq_deploy.passes.rewire import readers, without


@dataclass(frozen=True)
class Merged:
    """A layer that went, and the one that clamps to `low`..`high` since."""

    index: int
    op: str
    into: int
    into_op: str
    low: int
    high: int


@dataclass(frozen=True)
class ActivationsReport(Report):
    """The merged layers in order."""

    name = "activation merging"
    proof = (
        "A merged layer has the scale and zero point of its input, reads it alone, and gives for each value that the "
        "layer before it can write, all tried, that value clamped to the given limits, which lie inside that one's own."
    )

    merged: tuple[Merged, ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.merged)

    @property
    def line(self) -> str:
        """Which layers went where."""
        told = [f"{m.index} {m.op} into {m.into} {m.into_op} ({m.low}..{m.high})" for m in self.merged]
        return "activations merged: " + (", ".join(told) or "none")


class Activations(Pass):
    """Activation merging."""

    def run(self, graph: Graph) -> tuple[Graph, ActivationsReport]:
        """The graph without layers that only clamp."""
        merged = []
        for node in graph.nodes:
            found = _merged(graph, node)
            if found is not None:
                graph = _without_clamp(graph, node, found)
                merged.append(found)
        return graph, ActivationsReport(tuple(merged))


def _merged(graph: Graph, node: Node) -> Merged | None:
    """What becomes of `node`, None where it stays."""
    view = NodeView(graph, node)
    found = function(view, {})
    if found is None:
        return None
    source, output = graph.tensors[found.root], view.output()
    before = next((other for other in graph.nodes if source.index in other.outputs), None)
    alone = readers(graph, source.index) == [node] and source.index not in graph.outputs
    same = (source.dtype, source.quantization) == (output.dtype, output.quantization)
    if before is None or not alone or not same:
        return None
    clamps = OPERATORS[before.op].clamps
    low, high = output_range(NodeView(graph, before)) if clamps else (-128, 127)
    values = np.arange(low, high + 1)
    results = found.results[values + 128]
    least, most = int(results[0]), int(results[-1])
    inside = low <= least <= most <= high and (clamps or (least, most) == (low, high))
    if not inside or (results != np.clip(values, least, most)).any():
        return None
    return Merged(node.index, node.op, before.index, before.op, least, most)


def _without_clamp(graph: Graph, node: Node, found: Merged) -> Graph:
    """The layer before writes the output of `node` itself, clamped."""
    source = next(index for index in node.inputs if graph.tensors[index].data is None)

    def clamped(other: Node) -> Node:
        if other.index != found.into:
            return other
        outputs = tuple(node.outputs[0] if index == source else index for index in other.outputs)
        limits = {"clamp_min": found.low, "clamp_max": found.high} if OPERATORS[other.op].clamps else {}
        return replace(other, outputs=outputs, options=MappingProxyType({**other.options, **limits}))

    return without(replace(graph, nodes=tuple(clamped(other) for other in graph.nodes)), {node.index})
