# SPDX-License-Identifier: Apache-2.0
"""Lowers each node, or pair of nodes, to the kernel calls that could compute it on this target, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tinyq_deploy import choice, schedule
from tinyq_deploy.arena import ALIGNMENT
from tinyq_deploy.costs import Costs
from tinyq_deploy.errors import BuildError, UsageError
from tinyq_deploy.fuse import Fusion, fusions
from tinyq_deploy.graph import INT4, NO_TENSOR, Graph, Node, NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Cost, Kernel, KernelCall, KernelSet, Read, Target
from tinyq_deploy.kernels.portable.movement import moving_call
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.batch import batches, single
from tinyq_deploy.ops.movement import whole

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
    """One node with its candidates, best first. `fused` are the earlier nodes that they compute too."""

    node: Node
    macs: int
    candidates: tuple[KernelCall, ...]
    fused: tuple[Node, ...] = ()


def lower(
    graph: Graph, target: Target, kernels: str, costs: Costs | None = None, *, fuse: bool = True
) -> tuple[LoweredNode, ...]:
    """Candidates for every node of a checked graph, or with `fuse` for pairs that one kernel computes, in the order of
    their sets, or with `costs` in that of `choice`. Raises UsageError for a kernel set that does not exist and
    BuildError where CMSIS-NN is asked for but not found."""
    if kernels not in PREFERENCE:
        raise UsageError("--kernels names a kernel set that exists", kernels, f"one of {', '.join(PREFERENCE)}")
    if kernels == "cmsis-nn" and target.cmsis_nn is None:
        raise BuildError(
            "--kernels cmsis-nn needs CMSIS-NN",
            "no copy found",
            "pass --cmsis-nn PATH, set TINYQ_CMSIS_NN or CMSIS_PACK_ROOT, or `pip install 'tinyq-deploy[cmsis-nn]'`",
        )
    lowered = _scheduled(graph, _unordered(graph, target, PREFERENCE[kernels], fuse))
    if costs is not None:
        groups = [PREFERENCE["auto"]] if kernels == "auto" else [(name,) for name in PREFERENCE[kernels]]
        lowered = _ordered([_priced(graph, item, costs) for item in lowered], groups, costs.optimize)
    return tuple(_with_leaner(NodeView(graph, item.node), item, target, costs) for item in lowered)


def lower_node(view: NodeView, target: Target, kernels: str, costs: Costs | None = None) -> LoweredNode:
    """Candidates for one node, in the order of their sets."""
    item = _lower_one(view, target, PREFERENCE[kernels])
    return _with_leaner(view, item if costs is None else _priced(view.graph, item, costs), target, costs)


def _unordered(graph: Graph, target: Target, sets: Sequence[KernelSet], fuse: bool) -> list[LoweredNode]:
    """Every node, or pair that the first set has a kernel for, with its candidates in the order of their sets."""
    pairs = fusions(graph, target, sets[0]) if fuse else ()
    fused = {pair.second.index: pair for pair in pairs}
    absorbed = {pair.first.index for pair in pairs}
    return [
        _lower_pair(graph, fused[node.index])
        if node.index in fused
        else _lower_one(NodeView(graph, node), target, sets)
        for node in graph.nodes
        if node.index not in absorbed
    ]


def _scheduled(graph: Graph, lowered: list[LoweredNode]) -> list[LoweredNode]:
    """The nodes where each state is written once nothing reads its old value any more; a READ_VARIABLE whose value is
    needed after that copies it."""
    if not graph.states:
        return lowered
    kept = schedule.escaping(graph, [item.candidates[0] for item in lowered])
    lowered = [_copied(graph, item) if kept.intersection(item.node.inputs) else item for item in lowered]
    return [lowered[n] for n in schedule.order(graph, [item.candidates[0] for item in lowered])]


def _copied(graph: Graph, item: LoweredNode) -> LoweredNode:
    source, output = (graph.tensors[i] for i in (item.node.inputs[0], item.node.outputs[0]))
    return replace(item, candidates=(moving_call(source, output, whole(source)),))


def _lower_pair(graph: Graph, pair: Fusion) -> LoweredNode:
    macs = sum(OPERATORS[node.op].macs(NodeView(graph, node)) for node in (pair.first, pair.second))
    return LoweredNode(pair.second, macs, pair.calls, (pair.first,))


def _lower_one(view: NodeView, target: Target, sets: Sequence[KernelSet]) -> LoweredNode:
    calls = tuple(call for kernel_set in sets for call in _calls(view, target, kernel_set))
    if not calls:
        raise BuildError("every layer has a kernel", f"{view.label}: none takes {view.kind}", "quantise it to int8")
    return LoweredNode(view.node, OPERATORS[view.node.op].macs(view), calls)


def _priced(graph: Graph, item: LoweredNode, costs: Costs) -> LoweredNode:
    view = NodeView(graph, item.fused[0] if item.fused else item.node)
    one = single(view)
    return replace(
        item, candidates=tuple(replace(call, cost=_cost(costs.of(one, call), call)) for call in item.candidates)
    )


def _cost(one: Cost | None, call: KernelCall) -> Cost | None:
    """What all batches cost, where `one` costs that."""
    return replace(one, amount=one.amount * call.batches) if one and not one.measured else one


def _with_leaner(view: NodeView, item: LoweredNode, target: Target, costs: Costs | None) -> LoweredNode:
    """Behind all other candidates our own kernels with less scratch, where they can do with less. Models do not know
    how much slower they are: only a measurement gives them a cost."""
    own = [] if item.fused else [c for c in item.candidates if c.kernel_set == "own" and c.scratch_bytes]
    scratch = {call.function: call.scratch_bytes for call in own}
    tight = _calls(view, replace(target, least_scratch=True), "own") if scratch else ()
    leaner = tuple(call for call in tight if call.scratch_bytes < scratch.get(call.function, 0))
    if costs is not None:
        leaner = tuple(replace(call, cost=costs.measured(call)) for call in leaner)
    return replace(item, candidates=item.candidates + leaner)


def _ordered(
    lowered: Sequence[LoweredNode], groups: Sequence[tuple[KernelSet, ...]], optimize: str
) -> list[LoweredNode]:
    """The nodes with their candidates in order, those of the first group of sets before those of the next."""
    calls: list[tuple[KernelCall, ...]] = [() for _ in lowered]
    for sets in groups:
        here = [tuple(call for call in item.candidates if call.kernel_set in sets) for item in lowered]
        calls = [before + found for before, found in zip(calls, choice.order(here, optimize), strict=True)]
    return [replace(item, candidates=found) for item, found in zip(lowered, calls, strict=True)]


def _calls(view: NodeView, target: Target, kernel_set: KernelSet) -> Iterator[KernelCall]:
    one = single(view)
    for kernel in KERNELS:
        seen = _seen(one, kernel, target) if (kernel.op, kernel.kernel_set) == (view.node.op, kernel_set) else None
        if seen is not None:
            call = kernel.call(seen, target)
            if call is not None:
                yield from _repeated(one, call, batches(view))


def _seen(view: NodeView, kernel: Kernel, target: Target) -> NodeView | None:
    """The node as `kernel` sees it, None where it is of a kind that the kernel does not take. Unless flash counts most,
    kernels that know int8 alone get int4 weights as int8."""
    if view.kind in kernel.kinds:
        return view
    if view.kind != INT4 or "int8" not in kernel.kinds or target.small:
        return None
    tensors = list(view.graph.tensors)
    for index in view.node.inputs:
        if index != NO_TENSOR and tensors[index].dtype == INT4:
            tensors[index] = replace(tensors[index], dtype="int8")
    return NodeView(replace(view.graph, tensors=tuple(tensors)), view.node)


def _repeated(one: NodeView, call: KernelCall, count: int) -> Iterator[KernelCall]:
    """`call`, which computes one batch, for `count` of them; none where a kernel that wants whole words would find
    batches between them."""
    if count == 1:
        yield call
        return
    graph = one.graph
    (read,) = (graph.tensors[a.tensor].bytes for a in call.arguments if isinstance(a, Read))
    written = one.output().bytes
    if call.kernel_set == "portable" or read % ALIGNMENT == written % ALIGNMENT == 0:
        # The output gains on the input by what each batch grows.
        lead = None if call.lead is None else max(call.lead, 0) + max(0, (count - 1) * (written - read))
        yield replace(call, batches=count, lead=lead)
