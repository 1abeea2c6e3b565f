# SPDX-License-Identifier: Apache-2.0
"""States in memory: when a new value may be written over the old one, and which value can be computed right there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinyq_deploy.graph import Graph
from tinyq_deploy.kernels.base import KernelCall, Read, Write


def roots(calls: Sequence[KernelCall]) -> Mapping[int, int]:
    """For every tensor that a view makes, the one in whose memory it is."""
    found: dict[int, int] = {}
    for call in calls:
        if call.function is None:
            source = next(a.tensor for a in call.arguments if isinstance(a, Read))
            found.update({a.tensor: found.get(source, source) for a in call.arguments if isinstance(a, Write)})
    return found


def escaping(graph: Graph, calls: Sequence[KernelCall]) -> set[int]:
    """The states, by their `before`, whose old value is needed once their memory holds the new one: outputs of the
    model, and what other states hold next, are that old value under another shape."""
    root = roots(calls)
    kept = (*graph.outputs, *assigned(graph).values())
    return {state.before for state in graph.states} & {root.get(tensor, tensor) for tensor in kept}


def assigned(graph: Graph) -> Mapping[int, int]:
    """The value of each ASSIGN_VARIABLE, by the tensor that it writes."""
    return {node.outputs[0]: node.inputs[0] for node in graph.nodes if node.op == "ASSIGN_VARIABLE"}


def order(graph: Graph, calls: Sequence[KernelCall]) -> list[int]:
    """Positions in `calls` in the order in which they run: each ASSIGN_VARIABLE directly behind the last call that
    reads its state's old value or computes the new one, all others as they are."""
    reads, written = last_reads(calls), {a.tensor: n for n, call in enumerate(calls) for a in _writes(call)}
    values = assigned(graph)
    behind: dict[int, list[int]] = {}
    for state in graph.states:
        if state.after in values:
            last = max(reads.get(state.before, -1), written.get(values[state.after], -1))
            behind.setdefault(last, []).append(written[state.after])
    moved = {n for group in behind.values() for n in group}
    found = behind.get(-1, [])
    for n in range(len(calls)):
        found += ([] if n in moved else [n]) + behind.get(n, [])
    return found


def last_reads(calls: Sequence[KernelCall]) -> Mapping[int, int]:
    """The last call that reads each tensor, under its own shape or another one; no entry where none does."""
    root = roots(calls)
    return {
        root.get(a.tensor, a.tensor): n for n, call in enumerate(calls) for a in call.arguments if isinstance(a, Read)
    }


def homes(graph: Graph, calls: Sequence[KernelCall]) -> Mapping[int, int]:
    """The tensors that are written into a state's memory, each with that state's `before`: its new value, and before
    that the one which an ASSIGN_VARIABLE copies there, if it can be computed in place."""
    found = {state.after: state.before for state in graph.states if state.after != state.before}
    reads, root = last_reads(calls), roots(calls)
    outputs = {root.get(tensor, tensor) for tensor in graph.outputs}
    begins = {a.tensor: n for n, call in enumerate(calls) if call.function is not None for a in _writes(call)}
    for after, value in assigned(graph).items():
        source = root.get(value, value)
        if source in begins and source not in found and source not in outputs and after in found:
            call, before, at = calls[begins[source]], found[after], begins[source]
            last = reads.get(before, -1)
            if last < at or (last == at and any(root.get(t, t) == before for t in call.in_place)):
                found[source] = before
    return found


def _writes(call: KernelCall) -> list[Write]:
    return [a for a in call.arguments if isinstance(a, Write)]
