# SPDX-License-Identifier: Apache-2.0
"""Removes layers that no output of the model depends on."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.graph import Graph
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import without


@dataclass(frozen=True)
class UnreadReport(Report):
    """The removed layers as (index, operator)."""

    name = "unread layers"
    proof = "No path leads from a removed layer to an output of the model."

    removed: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.removed)

    @property
    def line(self) -> str:
        """Which layers went."""
        return "unread layers: " + (", ".join(f"{index} {op}" for index, op in self.removed) or "none")


class UnreadLayers(Pass):
    """Dead code elimination."""

    def run(self, graph: Graph) -> tuple[Graph, UnreadReport]:
        """The graph with the layers that outputs depend on."""
        wanted = set(graph.outputs)
        removed = []
        for node in reversed(graph.nodes):
            if wanted.isdisjoint(node.outputs):
                removed.append((node.index, node.op))
            else:
                wanted.update(node.inputs)
        kept = without(graph, {index for index, _ in removed}) if removed else graph
        return kept, UnreadReport(tuple(reversed(removed)))
