# SPDX-License-Identifier: Apache-2.0
"""Removes RESHAPEs that change nothing for their reader: same shape, before another RESHAPE, before FULLY_CONNECTED."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinyq_deploy.graph import Graph, Node
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import readers, reading, without

# These read the elements of input 0 in order, whatever the shape.
_SHAPELESS = ("RESHAPE", "FULLY_CONNECTED")


@dataclass(frozen=True)
class ReshapesReport(Report):
    """The indices of the removed layers."""

    name = "reshapes"
    proof = "A RESHAPE keeps all bytes in order, and each reader takes them in order from the RESHAPE's input instead."

    removed: tuple[int, ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.removed)

    @property
    def line(self) -> str:
        """Which layers went."""
        return "reshapes removed: " + (", ".join(f"layer {index}" for index in self.removed) or "none")


class Reshapes(Pass):
    """No-op RESHAPE removal."""

    def run(self, graph: Graph) -> tuple[Graph, ReshapesReport]:
        """The graph whose RESHAPEs all do something."""
        removed = []
        for node in graph.nodes:
            if node.op == "RESHAPE":
                graph, gone = _bypass(graph, node.index)
                removed += [node.index] * gone
        return graph, ReshapesReport(tuple(removed))


def _bypass(graph: Graph, index: int) -> tuple[Graph, bool]:
    """Every reader that can reads the RESHAPE's input instead; the RESHAPE goes, True, where no reader is left."""
    node = next(node for node in graph.nodes if node.index == index)
    source, output = node.inputs[0], node.outputs[0]
    same = graph.tensors[source].shape == graph.tensors[output].shape

    def moved(reader: Node) -> Node:
        shapeless = reader.op in _SHAPELESS and output not in reader.inputs[1:]
        return reading(reader, output, source) if same or shapeless else reader

    graph = replace(graph, nodes=tuple(moved(reader) for reader in graph.nodes))
    if output in graph.outputs or readers(graph, output):
        return graph, False
    return without(graph, {index}), True
