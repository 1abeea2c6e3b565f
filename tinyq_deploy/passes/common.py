# SPDX-License-Identifier: Apache-2.0
"""Computes once what two layers compute from the same inputs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from tinyq_deploy.graph import NO_TENSOR, Graph, Node, Tensor
from tinyq_deploy.passes.base import Pass, Report


@dataclass(frozen=True)
class CommonReport(Report):
    """The removed layers as (index, the index of the layer that stands for it)."""

    name = "common layers"
    proof = (
        "A removed layer has the operator, the options, the inputs (constants byte for byte) and the type, shape and "
        "quantisation of outputs of an earlier one: both write the same bytes, and its readers read the earlier one's."
    )

    removed: tuple[tuple[int, int], ...]

    @property
    def changed(self) -> bool:
        """Whether a layer went."""
        return bool(self.removed)

    @property
    def line(self) -> str:
        """Which layers went, and for which."""
        return "common layers: " + (", ".join(f"{gone} is {stays}" for gone, stays in self.removed) or "none")


class CommonLayers(Pass):
    """Common subexpression elimination. Model outputs stay where they are."""

    def run(self, graph: Graph) -> tuple[Graph, CommonReport]:
        """The graph in which each layer computes something of its own."""
        first: dict[Hashable, Node] = {}
        moved: dict[int, int] = {}
        kept, removed = [], []
        for given in graph.nodes:
            node = _redirected(given, moved)
            same = first.setdefault(_key(graph, node), node)
            if same is not node and not set(node.outputs) & set(graph.results):
                moved.update(zip(node.outputs, same.outputs, strict=True))
                removed.append((node.index, same.index))
            else:
                kept.append(node)
        return replace(graph, nodes=tuple(kept)) if removed else graph, CommonReport(tuple(removed))


def _key(graph: Graph, node: Node) -> Hashable:
    """Equal for layers that compute the same."""
    inputs = tuple(_input(graph, index) for index in node.inputs)
    outputs = tuple(_described(graph.tensors[index]) for index in node.outputs)
    return node.op, frozenset(node.options.items()), inputs, outputs


def _input(graph: Graph, index: int) -> Hashable:
    tensor = None if index == NO_TENSOR else graph.tensors[index]
    if tensor is None or tensor.data is None:
        return index
    return tensor.data.tobytes(), _described(tensor)


def _described(tensor: Tensor) -> Hashable:
    return tensor.dtype, tensor.shape, tensor.quantization


def _redirected(node: Node, moved: Mapping[int, int]) -> Node:
    """`node` with the inputs that are computed elsewhere now."""
    if moved.keys().isdisjoint(node.inputs):
        return node
    return replace(node, inputs=tuple(moved.get(index, index) for index in node.inputs))
