# SPDX-License-Identifier: Apache-2.0
"""Computes layers whose inputs are all constants, where all that read them take a constant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinyq_deploy.fold import fold
from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import readers


@dataclass(frozen=True)
class ConstantsReport(Report):
    """The computed layers as (index, operator)."""

    name = "constant layers"
    proof = (
        "A computed layer has constant inputs alone, or asks for shapes alone, and all shapes are fixed. It is "
        "computed here in the kernels' own integer arithmetic."
    )

    computed: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.computed)

    @property
    def line(self) -> str:
        """Which layers went."""
        return "constant layers: " + (", ".join(f"layer {index} {op}" for index, op in self.computed) or "none")


class ConstantLayers(Pass):
    """Constant folding."""

    def run(self, graph: Graph) -> tuple[Graph, ConstantsReport]:
        """The graph with the results of such layers as constants; those that compute shapes went as it was read."""
        folded, nodes = fold(graph, _readers_take_constants)
        gone = sorted((node.index, node.op) for node in (*graph.shape_nodes, *nodes))
        return folded, ConstantsReport(tuple(gone))


def _readers_take_constants(graph: Graph, node: Node) -> bool:
    """Whether no output leaves the model, and every reader keeps its rules where they are constants."""
    if set(node.outputs) & set(graph.results) or any(graph.tensors[i].data is None for i in node.inputs if i >= 0):
        return False
    tensors = list(graph.tensors)
    for index in node.outputs:
        tensors[index] = replace(tensors[index], data=np.zeros(tensors[index].shape, tensors[index].dtype))
    trial = replace(graph, tensors=tuple(tensors))
    found = {reader.index: reader for index in node.outputs for reader in readers(graph, index)}
    return not any(OPERATORS[reader.op].broken(NodeView(trial, reader)) for reader in found.values())
