# SPDX-License-Identifier: Apache-2.0
"""Computes layers whose inputs are all constants. ADD is the only operator that takes such inputs, and the only one
that reads what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.ops.add import Add
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import readers, without


@dataclass(frozen=True)
class ConstantsReport(Report):
    """The indices of the computed layers."""

    name = "constant layers"
    proof = "A computed layer has constant inputs alone, and is computed here in the kernels' own integer arithmetic."

    computed: tuple[int, ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.computed)

    @property
    def line(self) -> str:
        """Which layers went."""
        return "constant layers: " + (", ".join(f"layer {index} ADD" for index in self.computed) or "none")


class ConstantLayers(Pass):
    """Constant folding."""

    def run(self, graph: Graph) -> tuple[Graph, ConstantsReport]:
        """The graph with the results of such layers as constants."""
        computed = []
        for node in graph.nodes:
            if _takes_constants(graph, node):
                graph = _computed(graph, node)
                computed.append(node.index)
        return without(graph, set(computed)) if computed else graph, ConstantsReport(tuple(computed))


def _takes_constants(graph: Graph, node: Node) -> bool:
    return (
        node.op == "ADD"
        and all(graph.tensors[index].data is not None for index in node.inputs)
        and node.outputs[0] not in graph.outputs
        and all(reader.op == "ADD" for reader in readers(graph, node.outputs[0]))
    )


def _computed(graph: Graph, node: Node) -> Graph:
    view = NodeView(graph, node)
    first, second = (np.asarray(view.given(i).data).astype(np.int64) for i in range(2))
    data = Add.values(view, first, second).astype(np.int8)
    data.setflags(write=False)
    index = node.outputs[0]
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], data=data)
    return replace(graph, tensors=tuple(tensors))
