# SPDX-License-Identifier: Apache-2.0
"""Removes layers and states that no output of the model depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinyq_deploy.graph import Graph
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import without


@dataclass(frozen=True)
class UnreadReport(Report):
    """The removed layers as (index, operator)."""

    name = "unread layers"
    proof = (
        "No path leads from a removed layer to an output of the model, in this inference or through a state in a later "
        "one."
    )

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
        """The graph with the layers and states that outputs depend on."""
        wanted = _wanted(graph)
        removed = tuple((node.index, node.op) for node in graph.nodes if wanted.isdisjoint(node.outputs))
        states = tuple(state for state in graph.states if state.before in wanted)
        if removed or len(states) < len(graph.states):
            graph = without(replace(graph, states=states), {index for index, _ in removed})
        return graph, UnreadReport(removed)


def _wanted(graph: Graph) -> set[int]:
    """The tensors that outputs depend on; a state's new value is one if its old value is."""
    wanted, count = set(graph.outputs), -1
    while len(wanted) > count:
        count = len(wanted)
        wanted.update(state.after for state in graph.states if state.before in wanted)
        for node in reversed(graph.nodes):
            if not wanted.isdisjoint(node.outputs):
                wanted.update(node.inputs)
    return wanted
