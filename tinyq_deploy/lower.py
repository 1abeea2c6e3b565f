# SPDX-License-Identifier: Apache-2.0
"""Lowers each node, or pair of nodes, to the kernel calls that could compute it on this target, best first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinyq_deploy.errors import BuildError, UsageError
from tinyq_deploy.fuse import Fusion, fusions
from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import KernelCall, KernelSet, Target
from tinyq_deploy.ops import OPERATORS

# `auto` takes the first set that takes the node; each other choice falls back to portable where its set does not.
PREFERENCE: dict[str, tuple[KernelSet, ...]] = {
    "auto": ("own", "cmsis-nn", "portable"),
    "cmsis-nn": ("cmsis-nn", "portable"),
    "own": ("own", "portable"),
    "portable": ("portable",),
}


@dataclass(frozen=True)
class LoweredNode:
    """One node with its candidates, best first. `fused` are the earlier nodes that they compute too."""

    node: Node
    macs: int
    candidates: tuple[KernelCall, ...]
    fused: tuple[Node, ...] = ()


def lower(graph: Graph, target: Target, kernels: str, *, fuse: bool = True) -> tuple[LoweredNode, ...]:
    """Candidates for every node of a checked graph, or with `fuse` for pairs that one kernel computes. Raises
    UsageError for a kernel set that does not exist and BuildError where CMSIS-NN is asked for but not found."""
    if kernels not in PREFERENCE:
        raise UsageError("--kernels names a kernel set that exists", kernels, f"one of {', '.join(PREFERENCE)}")
    if kernels == "cmsis-nn" and target.cmsis_nn is None:
        raise BuildError(
            "--kernels cmsis-nn needs CMSIS-NN",
            "no copy found",
            "pass --cmsis-nn PATH, set TINYQ_CMSIS_NN or CMSIS_PACK_ROOT, or `pip install 'tinyq-deploy[cmsis-nn]'`",
        )
    sets = PREFERENCE[kernels]
    pairs = fusions(graph, target, sets[0]) if fuse else ()
    fused = {pair.second.index: pair for pair in pairs}
    absorbed = {pair.first.index for pair in pairs}
    return tuple(
        _lower_pair(graph, fused[node.index]) if node.index in fused else _lower_node(graph, node, target, sets)
        for node in graph.nodes
        if node.index not in absorbed
    )


def _lower_pair(graph: Graph, pair: Fusion) -> LoweredNode:
    macs = sum(OPERATORS[node.op].macs(NodeView(graph, node)) for node in (pair.first, pair.second))
    return LoweredNode(pair.second, macs, pair.calls, (pair.first,))


def _lower_node(graph: Graph, node: Node, target: Target, sets: tuple[KernelSet, ...]) -> LoweredNode:
    view = NodeView(graph, node)
    calls = tuple(call for kernel_set in sets for call in _calls(view, target, kernel_set))
    return LoweredNode(node, OPERATORS[node.op].macs(view), calls)


def _calls(view: NodeView, target: Target, kernel_set: KernelSet) -> Iterator[KernelCall]:
    for kernel in KERNELS:
        if kernel.op == view.node.op and kernel.kernel_set == kernel_set:
            call = kernel.call(view, target)
            if call is not None:
                yield call
