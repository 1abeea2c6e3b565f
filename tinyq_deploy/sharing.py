# SPDX-License-Identifier: Apache-2.0
"""Which tensors share memory, from when to when, which output lies over the input that dies with it, and where.

States come first in the arena, in their order, and lie beside everything else all the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tinyq_deploy import schedule
from tinyq_deploy.arena import Buffer, aligned, height, live_bytes, place
from tinyq_deploy.graph import Graph
from tinyq_deploy.kernels.base import KernelCall, Read, Write

# How many outputs may lie beside inputs over which they could lie, and how many layers are considered for each.
_ROUNDS, _TRIED = 4, 16


@dataclass
class _Homes:
    """The buffers as they grow, named by their first tensors: `home` of each tensor, and per home its `tensors`, the
    layer that begins it, the last one that reads anything of it, and when it shrinks to how many bytes."""

    home: dict[int, int] = field(default_factory=dict)
    tensors: dict[int, list[int]] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    end: dict[int, int] = field(default_factory=dict)
    bytes: dict[int, int] = field(default_factory=dict)
    shrinks: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def begin(self, tensor: int, size: int, first: int, last: int) -> None:
        """A tensor with a buffer of its own."""
        self.home[tensor], self.tensors[tensor], self.first[tensor] = tensor, [tensor], first
        self.end[tensor], self.bytes[tensor], self.shrinks[tensor] = last, size, []

    def join(self, tensor: int, source: int, size: int, position: int, last: int) -> None:
        """A tensor that layer `position` writes over `source`, or that is the start of it. The buffer shrinks where
        nothing reads the rest of it any more."""
        home = self.home[source]
        self.home[tensor] = home
        self.tensors[home].append(tensor)
        if size < self.bytes[home] and self.end[home] <= position:
            self.bytes[home] = size
            self.shrinks[home].append((position + 1, size))
        self.end[home] = max(self.end[home], last)


def share(
    graph: Graph, calls: Sequence[KernelCall], keep_input: bool, apart: frozenset[int] = frozenset()
) -> list[Buffer]:
    """Buffers of all activations, those of the states first: a view joins its input; so does an in-place output the
    input that dies with it, but not those of the layers `apart`."""
    last = _last_reads(graph, calls, keep_input)
    states = schedule.homes(graph, calls)
    homes = _Homes()
    for state in graph.states:
        homes.begin(state.before, aligned(graph.tensors[state.before].bytes), -1, len(calls))
    for index in graph.inputs:
        homes.begin(index, aligned(graph.tensors[index].bytes), -1, last[index])
    for position, call in enumerate(calls):
        for write in (a.tensor for a in call.arguments if isinstance(a, Write)):
            end, size = last.get(write, position), aligned(graph.tensors[write].bytes)
            source = joined(graph, call, position, write, homes.home, homes.end)
            if write in states:
                homes.join(write, states[write], size, position, end)
            elif source is None or (call.function is not None and position in apart):
                homes.begin(write, size, position, end)
            else:
                homes.join(write, source, size, position, end)
    return [_over(buffer, calls, homes) for buffer in _buffers(graph, homes)]


def _last_reads(graph: Graph, calls: Sequence[KernelCall], keep_input: bool) -> dict[int, int]:
    """The last layer that needs each tensor; no entry where none does."""
    last = dict.fromkeys(graph.inputs, -1)
    for position, call in enumerate(calls):
        last.update({a.tensor: position for a in call.arguments if isinstance(a, Read)})
    last.update(dict.fromkeys(graph.outputs, len(calls)))
    if keep_input:
        last.update(dict.fromkeys(graph.inputs, len(calls)))
    return last


def joined(graph: Graph, call: KernelCall, position: int, write: int, homes: Mapping[int, int],
           ends: Mapping[int, int]) -> int | None:  # fmt: skip
    """The tensor whose buffer the output `write` may join, None where it needs one of its own. `homes` gives the first
    tensor of each tensor's buffer, `ends` the last layer that reads anything of it."""
    if call.function is None:
        return next(a.tensor for a in call.arguments if isinstance(a, Read))
    for candidate in call.in_place:
        if ends[homes[candidate]] <= position and graph.tensors[write].bytes <= graph.tensors[candidate].bytes:
            return candidate
    return None


def _buffers(graph: Graph, homes: _Homes) -> list[Buffer]:
    return [
        Buffer(
            tuple(group), aligned(graph.tensors[home].bytes), homes.first[home], homes.end[home],
            shrinks=tuple(homes.shrinks[home]),
        )
        for home, group in homes.tensors.items()
    ]  # fmt: skip


def _over(buffer: Buffer, calls: Sequence[KernelCall], homes: _Homes) -> Buffer:
    """`buffer` with the input over which the layer that begins it may write, if that input dies there."""
    call = calls[buffer.first] if buffer.first >= 0 else None
    if call is None or call.lead is None:
        return buffer
    (source,) = (a.tensor for a in call.arguments if isinstance(a, Read))
    if homes.end[homes.home[source]] > buffer.first or call.lead >= buffer.bytes:
        return buffer
    return replace(buffer, over=source, lead=aligned(call.lead))


def arrange(graph: Graph, calls: Sequence[KernelCall], keep_input: bool) -> tuple[list[Buffer], int]:
    """All buffers with offsets, and the bytes that no layout of these calls in this order can spare: what is live at
    once where every output lies over its input that may. Outputs that would do better beside their inputs lie there."""
    layout, lower = _arranged(graph, calls, keep_input)
    lasting, above = [], 0
    for buffer in share(graph, calls, keep_input)[: len(graph.states)]:
        lasting.append(replace(buffer, offset=above))
        above += buffer.bytes
    return [*lasting, *(replace(buffer, offset=buffer.offset + above) for buffer in layout)], lower + above


def _arranged(graph: Graph, calls: Sequence[KernelCall], keep_input: bool) -> tuple[list[Buffer], int]:
    """`arrange` without the states."""
    scratch = [Buffer((), aligned(c.scratch_bytes), n, n) for n, c in enumerate(calls) if c.scratch_bytes]

    def activations(apart: frozenset[int]) -> list[Buffer]:
        return share(graph, calls, keep_input, apart)[len(graph.states) :]

    best = place([*activations(frozenset()), *scratch])
    lower = max(live_bytes(best, len(calls)))
    apart: frozenset[int] = frozenset()
    for _ in range(_ROUNDS):
        if height(best) <= lower:
            break
        high = [b for b in best if b.offset + b.bytes > lower]
        near = [n for n, c in enumerate(calls) if c.in_place and any(b.first - 1 <= n <= b.last + 1 for b in high)]
        tried = [(place([*activations(apart ^ {n}), *scratch], False), n) for n in near[:_TRIED]]
        layout, flipped = min(tried, key=lambda item: height(item[0]), default=(best, 0))
        if height(layout) >= height(best):
            break
        best, apart = layout, apart ^ {flipped}
    return best, lower
