# SPDX-License-Identifier: Apache-2.0
"""Computes what is known of a graph without its inputs, in the kernels' own integer arithmetic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import Array
from tinyq_deploy.ops.movement import STATIC_TYPES

# Numbers in a tensor of shape arithmetic: a shape has at most a few.
MOST_NUMBERS = 256
# Elements that folding may add to a graph: a small file can ask for endless constants.
MOST_FOLDED = 1 << 22


def fold(graph: Graph, wanted: Callable[[Graph, Node], bool]) -> tuple[Graph, tuple[Node, ...]]:
    """`graph` with the outputs of nodes that need no unknown value as constants, and those nodes, which it lacks; only
    of nodes that keep every rule of their operator and are `wanted` in the graph as it is then."""
    tensors = list(graph.tensors)
    growing = replace(graph, tensors=cast(tuple[Tensor, ...], tensors))  # a list while constants are added
    gone: dict[int, Node] = {}
    left = MOST_FOLDED
    for node in graph.nodes:
        size = sum(tensors[index].size for index in node.outputs)
        values = _values(growing, node) if size <= left and wanted(growing, node) else None
        if values is not None:
            gone[node.index] = node
            left -= size
            for index, data in zip(node.outputs, values, strict=True):
                tensors[index] = _constant(tensors[index], data)
    if not gone:
        return graph, ()
    kept = tuple(node for node in graph.nodes if node.index not in gone)
    return replace(graph, tensors=tuple(tensors), nodes=kept), tuple(gone.values())


def shape_arithmetic(graph: Graph) -> Graph:
    """`graph` without the nodes that compute shapes: its shapes are fixed, so their values are known. What is written
    twice, or is a constant already, is left to the check."""
    writers = Counter(index for node in graph.nodes for index in node.outputs)

    def wanted(now: Graph, node: Node) -> bool:
        outputs = [now.tensors[index] for index in node.outputs]
        return bool(outputs) and all(_is_shape(tensor) and writers[tensor.index] == 1 for tensor in outputs)

    folded, nodes = fold(graph, wanted)
    return replace(folded, shape_nodes=nodes) if nodes else graph


def _is_shape(tensor: Tensor) -> bool:
    return tensor.dtype in STATIC_TYPES and tensor.size <= MOST_NUMBERS and tensor.data is None


def _values(graph: Graph, node: Node) -> tuple[Array, ...] | None:
    operator, view = OPERATORS.get(node.op), NodeView(graph, node)
    return None if operator is None or operator.broken(view) else operator.evaluate(view)


def _constant(tensor: Tensor, values: Array) -> Tensor:
    data = np.ascontiguousarray(values, tensor.dtype).reshape(tensor.shape)
    data.setflags(write=False)
    return replace(tensor, data=data)
