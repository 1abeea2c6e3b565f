# SPDX-License-Identifier: Apache-2.0
"""Finds pairs of nodes that one kernel computes, so that the tensor between them never exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels import FUSED_KERNELS
from tinyq_deploy.kernels.base import KernelCall, KernelSet, Target
from tinyq_deploy.ops.batch import batches


@dataclass(frozen=True)
class Fusion:
    """`first` and `second` in one call, made where `second` stands; `calls` are the candidates, best first."""

    first: Node
    second: Node
    calls: tuple[KernelCall, ...]


def fusions(graph: Graph, target: Target, kernel_set: KernelSet) -> tuple[Fusion, ...]:
    """The pairs that kernels of `kernel_set` take on `target`; no node is in two of them."""
    readers = _readers(graph)
    found: list[Fusion] = []
    taken: set[int] = set()
    for position, second in enumerate(graph.nodes):
        for first in _producers(graph, position, readers):
            calls = _calls(graph, first, second, target, kernel_set) if first.index not in taken else ()
            if calls:
                found.append(Fusion(first, second, calls))
                taken |= {first.index, second.index}
                break
    return tuple(found)


def _calls(graph: Graph, first: Node, second: Node, target: Target, kernel_set: KernelSet) -> tuple[KernelCall, ...]:
    pair = NodeView(graph, first), NodeView(graph, second)
    if batches(pair[0]) > 1 or {view.kind for view in pair} != {"int8"}:
        return ()
    kernels = [k for k in FUSED_KERNELS if k.ops == (first.op, second.op) and k.kernel_set == kernel_set]
    return tuple(call for kernel in kernels if (call := kernel.call(*pair, target)) is not None)


def _readers(graph: Graph) -> Mapping[int, list[int]]:
    """The positions of the nodes that read each tensor, once per input; the end of the graph reads its outputs."""
    found: dict[int, list[int]] = {}
    for position, node in enumerate(graph.nodes):
        for tensor in node.inputs:
            found.setdefault(tensor, []).append(position)
    for tensor in graph.outputs:
        found.setdefault(tensor, []).append(len(graph.nodes))
    return found


def _producers(graph: Graph, position: int, readers: Mapping[int, list[int]]) -> Iterator[Node]:
    """The nodes that node `position` could absorb without keeping more memory in use, the earliest first, as
    what is made in between then lives shorter: it alone reads their output, and its output can lie over its other
    input."""
    node = graph.nodes[position]
    for earlier in range(position):
        first = graph.nodes[earlier]
        if first.outputs[0] in node.inputs and readers[first.outputs[0]] == [position]:
            others = [i for i in node.inputs if i != first.outputs[0] and graph.tensors[i].data is None]
            dies = all(max(readers[i]) == position for i in others)
            if others and dies and (earlier == position - 1 or _smaller(graph, first)):
                yield first


def _smaller(graph: Graph, node: Node) -> bool:
    """Whether the node's input may live on in place of its output."""
    return graph.tensors[node.inputs[0]].bytes <= graph.tensors[node.outputs[0]].bytes
