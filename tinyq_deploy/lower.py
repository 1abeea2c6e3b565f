# SPDX-License-Identifier: Apache-2.0
"""Lowers each node to the kernel calls that could compute it on this target, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tinyq_deploy import choice
from tinyq_deploy.costs import Costs
from tinyq_deploy.errors import BuildError, UsageError
from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import KernelCall, KernelSet, Target
from tinyq_deploy.ops import OPERATORS

# `auto` takes the cheapest call of all sets, and prefers them in this order where costs are not known; each other
# choice falls back to portable where its set does not take the node.
PREFERENCE: dict[str, tuple[KernelSet, ...]] = {
    "auto": ("own", "cmsis-nn", "portable"),
    "cmsis-nn": ("cmsis-nn", "portable"),
    "own": ("own", "portable"),
    "portable": ("portable",),
}


@dataclass(frozen=True)
class LoweredNode:
    """One node with its candidates, best first."""

    node: Node
    macs: int
    candidates: tuple[KernelCall, ...]


def lower(graph: Graph, target: Target, kernels: str, costs: Costs | None = None) -> tuple[LoweredNode, ...]:
    """Candidates for every node of a checked graph, in the order of their sets, or with `costs` in that of `choice`.
    Raises UsageError for a kernel set that does not exist and BuildError where CMSIS-NN is asked for but not found."""
    if kernels not in PREFERENCE:
        raise UsageError("--kernels names a kernel set that exists", kernels, f"one of {', '.join(PREFERENCE)}")
    if kernels == "cmsis-nn" and target.cmsis_nn is None:
        raise BuildError(
            "--kernels cmsis-nn needs CMSIS-NN",
            "no copy found",
            "pass --cmsis-nn PATH, set TINYQ_CMSIS_NN or CMSIS_PACK_ROOT, or `pip install 'tinyq-deploy[cmsis-nn]'`",
        )
    lowered = tuple(_lower_node(NodeView(graph, node), target, PREFERENCE[kernels]) for node in graph.nodes)
    if costs is None:
        return lowered
    priced = [_priced(NodeView(graph, item.node), item, costs) for item in lowered]
    groups = [PREFERENCE["auto"]] if kernels == "auto" else [(name,) for name in PREFERENCE[kernels]]
    return _ordered(priced, groups, costs.optimize)


def _lower_node(view: NodeView, target: Target, sets: tuple[KernelSet, ...]) -> LoweredNode:
    calls = tuple(call for kernel_set in sets for call in _calls(view, target, kernel_set))
    return LoweredNode(view.node, OPERATORS[view.node.op].macs(view), calls)


def _priced(view: NodeView, item: LoweredNode, costs: Costs) -> LoweredNode:
    return replace(item, candidates=tuple(replace(call, cost=costs.of(view, call)) for call in item.candidates))


def _ordered(
    lowered: Sequence[LoweredNode], groups: Sequence[tuple[KernelSet, ...]], optimize: str
) -> tuple[LoweredNode, ...]:
    """The nodes with their candidates in order, those of the first group of sets before those of the next."""
    calls: list[tuple[KernelCall, ...]] = [() for _ in lowered]
    for sets in groups:
        here = [tuple(call for call in item.candidates if call.kernel_set in sets) for item in lowered]
        calls = [before + found for before, found in zip(calls, choice.order(here, optimize), strict=True)]
    return tuple(replace(item, candidates=found) for item, found in zip(lowered, calls, strict=True))


def _calls(view: NodeView, target: Target, kernel_set: KernelSet) -> Iterator[KernelCall]:
    for kernel in KERNELS:
        if kernel.op == view.node.op and kernel.kernel_set == kernel_set:
            call = kernel.call(view, target)
            if call is not None:
                yield call
