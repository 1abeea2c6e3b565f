# SPDX-License-Identifier: Apache-2.0
"""Removes movement: a TRANSPOSE of a TRANSPOSE is one, and what keeps all bytes in order is a RESHAPE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.movement import Copy, Mover
from tinyq_deploy.ops.pick import Picker
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.ops.transpose import permutation
from tinyq_deploy.passes.base import Pass, Report


@dataclass(frozen=True)
class TransposesReport(Report):
    """Transposes that read another one's input now, and layers that are a RESHAPE now."""

    name = "transposes"
    proof = (
        "Two permutations one after the other are one permutation. A layer that moves one run of bytes from the start "
        "of its input to the start of an output of the same size keeps all bytes in order, as a RESHAPE does."
    )

    merged: tuple[int, ...]
    still: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> bool:
        """Whether a layer moves less now."""
        return bool(self.merged or self.still)

    @property
    def line(self) -> str:
        """Which layers."""
        merged = [f"layer {index} with the one before" for index in self.merged]
        still = [f"layer {index} {op} moves nothing" for index, op in self.still]
        return "transposes: " + (", ".join(merged + still) or "none")


class Transposes(Pass):
    """Transpose removal. Layers that nothing reads any more are left to UnreadLayers, RESHAPEs to Reshapes."""

    def run(self, graph: Graph) -> tuple[Graph, TransposesReport]:
        """The graph with as little movement as that takes."""
        merged, still = [], []
        for index in [node.index for node in graph.nodes]:
            joined = _joined(graph, index)
            if joined is not None:
                graph = joined
                merged.append(index)
            node = next(node for node in graph.nodes if node.index == index)
            if _keeps_order(NodeView(graph, node)):
                view = replace(node, op="RESHAPE", inputs=node.inputs[:1], options=MappingProxyType({}))
                graph = _with_node(graph, view)
                still.append((index, node.op))
        return graph, TransposesReport(tuple(merged), tuple(still))


def _with_node(graph: Graph, changed: Node) -> Graph:
    return replace(graph, nodes=tuple(changed if node.index == changed.index else node for node in graph.nodes))


def _keeps_order(view: NodeView) -> bool:
    """Whether a node that moves elements moves none; SQUEEZE and EXPAND_DIMS never do."""
    operator = OPERATORS[view.node.op]
    if view.node.op in VIEWS:
        return view.node.op != "RESHAPE"
    if view.given(0).bytes != view.output().bytes:
        return False
    if issubclass(operator, Mover):
        return operator.copy(view).is_whole
    if not issubclass(operator, Picker) or not operator.known(view):
        return False
    found = operator.picked(view)
    return isinstance(found, Copy) and found.is_whole


def _joined(graph: Graph, index: int) -> Graph | None:
    """The TRANSPOSE `index` on the input of the TRANSPOSE that it reads, with both permutations in one."""
    node = next(node for node in graph.nodes if node.index == index)
    before = next((other for other in graph.nodes if node.inputs[0] in other.outputs), None)
    if before is None or (node.op, before.op) != ("TRANSPOSE", "TRANSPOSE"):
        return None
    first, second = permutation(NodeView(graph, before)), permutation(NodeView(graph, node))
    data = np.array([first[axis] for axis in second], np.int32)
    data.setflags(write=False)
    numbers = Tensor(len(graph.tensors), graph.tensors[node.inputs[1]].name, data.shape, "int32", None, data)
    both = replace(node, inputs=(before.inputs[0], numbers.index))
    return _with_node(replace(graph, tensors=(*graph.tensors, numbers)), both)
