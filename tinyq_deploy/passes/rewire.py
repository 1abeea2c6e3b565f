# SPDX-License-Identifier: Apache-2.0
"""Who reads what, and graphs with nodes left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tinyq_deploy.graph import Graph, Node


def readers(graph: Graph, tensor: int) -> list[Node]:
    """The nodes that read `tensor`, in order."""
    return [node for node in graph.nodes if tensor in node.inputs]


def without(graph: Graph, indices: Collection[int]) -> Graph:
    """`graph` without the nodes named by `indices`; the others keep their index."""
    return replace(graph, nodes=tuple(node for node in graph.nodes if node.index not in indices))


def reading(node: Node, old: int, new: int) -> Node:
    """`node` with `new` wherever it read `old`."""
    return replace(node, inputs=tuple(new if index == old else index for index in node.inputs))
