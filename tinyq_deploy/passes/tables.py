# SPDX-License-Identifier: Apache-2.0
"""Puts layers that together are a function of one byte into one table: two tables in a row, a gate x * f(x), a sum or
product with one constant, a change of quantisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.table import Table
from tinyq_deploy.ops.unary import Unary
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.functions import Function, function
from tinyq_deploy.passes.rewire import readers, without


@dataclass(frozen=True)
class TablesReport(Report):
    """The layers that are tables now, and the layers that nothing reads any more for it, as (index, operator)."""

    name = "tables"
    proof = (
        "Each layer that became a table computes every output element, through the layers before it back to a tensor, "
        "from the one element at the same place there; the table holds the results for all 256 values of that element, "
        "computed in the kernels' own integer arithmetic, layer by layer."
    )

    made: tuple[tuple[int, str], ...]
    removed: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> bool:
        """Whether a layer became a table."""
        return bool(self.made)

    @property
    def line(self) -> str:
        """Which layers became tables and which went."""
        made, removed = (", ".join(f"{index} {op}" for index, op in group) for group in (self.made, self.removed))
        return f"tables made of {made or 'none'}" + (f", without {removed}" if removed else "")


class Tables(Pass):
    """Composition of tables."""

    def run(self, graph: Graph) -> tuple[Graph, TablesReport]:
        """The graph with such layers as TABLE."""
        functions: dict[int, Function] = {}
        made = []
        for node in graph.nodes:
            found = function(NodeView(graph, node), functions)
            if found is not None:
                functions[node.outputs[0]] = found
                if _pays(graph, node, found):
                    graph = _with_table(graph, node, found)
                    made.append((node.index, node.op))
        graph, removed = _without_unread(graph, functions) if made else (graph, ())
        return graph, TablesReport(tuple(made), removed)


def _pays(graph: Graph, node: Node, found: Function) -> bool:
    """Whether a table is better: it takes the place of arithmetic, or of a table that only this layer reads."""
    if not issubclass(OPERATORS[node.op], Unary):
        return True
    (source,) = (index for index in node.inputs if graph.tensors[index].data is None)
    return source != found.root and readers(graph, source) == [node] and source not in graph.outputs


def _with_table(graph: Graph, node: Node, found: Function) -> Graph:
    """`graph` with `node` as the look-up of `found`."""
    data = found.results.astype(np.int8)
    data.setflags(write=False)
    table = Tensor(len(graph.tensors), f"table of layer {node.index}", data.shape, "int8", None, data)
    made = replace(node, op=Table.name, inputs=(found.root, table.index), options=MappingProxyType({}))
    nodes = tuple(made if other.index == node.index else other for other in graph.nodes)
    return replace(graph, tensors=(*graph.tensors, table), nodes=nodes)


def _without_unread(graph: Graph, functions: Mapping[int, Function]) -> tuple[Graph, tuple[tuple[int, str], ...]]:
    """Without the elementwise layers that tables have replaced, the last one first."""
    removed: list[tuple[int, str]] = []
    for node in reversed(graph.nodes):
        output = node.outputs[0]
        if output in functions and output not in graph.outputs and not readers(graph, output):
            graph = without(graph, {node.index})
            removed.insert(0, (node.index, node.op))
    return graph, tuple(removed)
