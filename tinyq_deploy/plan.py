# SPDX-License-Identifier: Apache-2.0
"""Chooses a kernel per node and lays out the arena: who shares memory, from when to when, at which offset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node
from tinyq_deploy.kernels.base import KernelCall, Read, Write
from tinyq_deploy.lower import LoweredNode
from tinyq_deploy.packing import MOST_BUFFERS, pack

Offsets = npt.NDArray[np.int64]
# Offsets are multiples of this: kernels read words and use int32 scratch. The arena itself is aligned to 16.
ALIGNMENT = 4
# RAM of the app, the link and the port besides arena and stack; the linked image is measured exactly.
LEAST_OTHER_RAM = 1024


@dataclass(frozen=True)
class Buffer:
    """A piece of the arena. `tensors` share it (empty for scratch); it is live from layer `first` to `last`, positions
    in the plan, both inclusive, -1 standing for before the first layer and the number of layers for after the last.

    It may lie over the buffer of the tensor `over`, which dies as this one comes to life, if it starts `lead` bytes
    before that one."""

    tensors: tuple[int, ...]
    bytes: int
    first: int
    last: int
    offset: int = 0
    over: int | None = None
    lead: int = 0

    def gap(self, upper: Buffer) -> int:
        """How far `upper` starts above this one, at least, where both are live and it lies above."""
        return min(self.lead, self.bytes) if self.over is not None and self.over in upper.tensors else self.bytes

    def saving(self, other: Buffer) -> int:
        """Bytes that an output over its input spares."""
        return self.bytes + other.bytes - max(self.bytes, self.gap(other) + other.bytes)

    def live(self, layer: int) -> bool:
        """Whether the buffer holds something while `layer` runs."""
        return self.first <= layer <= self.last

    def overlaps(self, other: Buffer) -> bool:
        """Whether both are live at some layer."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Layer:
    """One node with the call that was chosen for it, which computes the earlier nodes `fused` too. `scratch_offset` is
    None where the call needs no scratch."""

    node: Node
    call: KernelCall
    macs: int
    scratch_offset: int | None
    fused: tuple[Node, ...] = ()

    @property
    def op(self) -> str:
        """The operators it computes."""
        return " + ".join(node.op for node in (*self.fused, self.node))

    @property
    def symbol(self) -> str:
        """Name of the generated C function."""
        return f"layer_{self.node.index:02d}_{self.op.lower().replace(' + ', '_')}"


@dataclass(frozen=True)
class Plan:
    """The whole program: layers in order and where everything lies. Sizes and offsets in bytes; `peak_layer` is a
    position in `layers`."""

    graph: Graph
    layers: tuple[Layer, ...]
    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    arena_bytes: int
    lower_bound: int
    peak_layer: int

    def code_layers(self) -> tuple[Layer, ...]:
        """The layers that run code; views do not."""
        return tuple(layer for layer in self.layers if layer.call.function is not None)


def plan(graph: Graph, lowered: Sequence[LoweredNode], *, keep_input: bool = False) -> Plan:
    """The first candidate of each node and an arena that holds every tensor while it is live."""
    calls = [item.candidates[0] for item in lowered]
    tensors = _share(graph, calls, keep_input)
    scratch = [_scratch(index, call) for index, call in enumerate(calls) if call.scratch_bytes]
    placed = place([*tensors, *scratch])
    live = _live_bytes(placed, len(calls))
    at = {b.first: b.offset for b in placed if not b.tensors}
    return Plan(
        graph=graph,
        layers=tuple(Layer(i.node, i.candidates[0], i.macs, at.get(n), i.fused) for n, i in enumerate(lowered)),
        buffers=tuple(sorted(placed, key=lambda b: (b.first, b.last, b.tensors))),
        offsets=MappingProxyType({t: b.offset for b in placed for t in b.tensors}),
        arena_bytes=_height(placed),
        lower_bound=max(live),
        peak_layer=live.index(max(live)),
    )


def _live_bytes(buffers: Sequence[Buffer], layers: int) -> list[int]:
    """Bytes that are live while each layer runs, counted once where an output may lie over its input."""
    change = np.zeros(layers + 3, np.int64)
    for buffer in buffers:
        change[buffer.first + 1] += buffer.bytes
        change[buffer.last + 2] -= buffer.bytes
    for upper, lower in _pairs(buffers):
        change[lower.first + 1] -= lower.saving(upper)
        change[lower.first + 2] += lower.saving(upper)
    return [int(total) for total in np.cumsum(change)[1 : layers + 1]]


def _pairs(buffers: Sequence[Buffer]) -> Iterator[tuple[Buffer, Buffer]]:
    """Each input with the output that may lie over it."""
    homes = {tensor: buffer for buffer in buffers for tensor in buffer.tensors}
    return ((homes[buffer.over], buffer) for buffer in buffers if buffer.over is not None)


def _scratch(index: int, call: KernelCall) -> Buffer:
    return Buffer((), _aligned(call.scratch_bytes), index, index)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _share(graph: Graph, calls: Sequence[KernelCall], keep_input: bool) -> list[Buffer]:
    """Buffers of all activations: a view joins its input, an in-place output joins the input that dies with it."""
    end = len(calls)
    last = dict.fromkeys(graph.inputs, -1)
    for position, call in enumerate(calls):
        last.update({a.tensor: position for a in call.arguments if isinstance(a, Read)})
    last.update(dict.fromkeys(graph.outputs, end))
    if keep_input:
        last.update(dict.fromkeys(graph.inputs, end))
    homes = {index: index for index in graph.inputs}
    groups = {index: [index] for index in graph.inputs}
    ends = {index: last[index] for index in graph.inputs}
    first = dict.fromkeys(graph.inputs, -1)
    for position, call in enumerate(calls):
        for write in (a.tensor for a in call.arguments if isinstance(a, Write)):
            joined = _joined(graph, call, position, write, homes, ends)
            homes[write] = write if joined is None else homes[joined]
            groups.setdefault(homes[write], []).append(write)
            first.setdefault(write, position)
            last.setdefault(write, position)
            ends[homes[write]] = max(ends.get(homes[write], -1), last[write])
    made = [_buffer(graph, group, first[home], ends[home]) for home, group in groups.items()]
    return [_over(buffer, calls, homes, ends) for buffer in made]


def _over(buffer: Buffer, calls: Sequence[KernelCall], homes: Mapping[int, int], ends: Mapping[int, int]) -> Buffer:
    """`buffer` with the input over which the layer that begins it may write, if that input dies there."""
    call = calls[buffer.first] if buffer.first >= 0 else None
    if call is None or call.lead is None:
        return buffer
    (source,) = (a.tensor for a in call.arguments if isinstance(a, Read))
    if ends[homes[source]] > buffer.first or call.lead >= buffer.bytes:
        return buffer
    return replace(buffer, over=source, lead=_aligned(call.lead))


def _joined(graph: Graph, call: KernelCall, position: int, write: int, homes: Mapping[int, int],
            ends: Mapping[int, int]) -> int | None:  # fmt: skip
    """The tensor whose buffer the output `write` joins, None for a buffer of its own. `homes` gives the first tensor
    of each tensor's buffer, `ends` the last layer that reads anything of it."""
    if call.function is None:
        return next(a.tensor for a in call.arguments if isinstance(a, Read))
    for candidate in call.in_place:
        home = homes[candidate]
        if ends[home] <= position and graph.tensors[write].bytes <= graph.tensors[home].bytes:
            return candidate
    return None


def _buffer(graph: Graph, group: Sequence[int], first: int, last: int) -> Buffer:
    return Buffer(tuple(group), _aligned(max(graph.tensors[t].bytes for t in group)), first, last)


# Orders in which buffers are placed; the one that needs the smallest arena wins, the first among equals.
_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.bytes, b.first),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    lambda b: (-(b.last - b.first), -b.bytes),
    lambda b: (b.first, -b.bytes),
    lambda b: (-b.last, -b.bytes),
)


def place(buffers: Sequence[Buffer]) -> list[Buffer]:
    """`buffers` with offsets: each takes the smallest gap among those it meets, in the best of a few orders. Where that
    needs more than is live at once, an exact search tries to need less."""
    layouts = [_place_in(sorted(buffers, key=order)) for order in _ORDERS]
    best = min(layouts, key=_height)
    if len(best) > MOST_BUFFERS:
        return best
    begin = min(b.first for b in best)
    moved = [replace(b, first=b.first - begin, last=b.last - begin) for b in best]
    lower = max(_live_bytes(moved, max(b.last for b in moved) + 1))
    spans = [(b.bytes, b.first, b.last) for b in best]
    gaps = {(best.index(b), best.index(a)): b.gap(a) for a, b in _pairs(best)}
    found = pack(spans, _height(best), lower, gaps) if _height(best) > lower else None
    return best if found is None else [replace(b, offset=at) for b, at in zip(best, found, strict=True)]


def _height(layout: Sequence[Buffer]) -> int:
    return max(buffer.offset + buffer.bytes for buffer in layout)


def _place_in(order: Sequence[Buffer]) -> list[Buffer]:
    placed: list[Buffer] = []
    first, last, starts = (np.zeros(len(order), np.int64) for _ in range(3))
    for n, buffer in enumerate(order):
        meets = np.flatnonzero((first[:n] <= buffer.last) & (last[:n] >= buffer.first))
        below = starts[meets] + np.array([buffer.bytes - buffer.gap(placed[i]) for i in meets], np.int64)
        above = starts[meets] + np.array([placed[i].gap(buffer) for i in meets], np.int64)
        rising = np.argsort(below, kind="stable")
        offset = _best_gap(below[rising], above[rising], buffer.bytes)
        first[n], last[n], starts[n] = buffer.first, buffer.last, offset
        placed.append(replace(buffer, offset=offset))
    return placed


def _best_gap(starts: Offsets, ends: Offsets, size: int) -> int:
    """Offset of the smallest gap between pieces, sorted by their starts, that holds `size`, else behind them all."""
    free = np.maximum.accumulate(np.append(0, ends))
    gaps = starts - free[:-1]
    fits = np.flatnonzero(gaps >= size)
    return int(free[fits[np.argmin(gaps[fits])]] if fits.size else free[-1])


def constant_bytes(plan: Plan) -> int:
    """Bytes of the constants in flash, before equal ones are merged."""
    return sum(_aligned(c.values.nbytes) for layer in plan.layers for c in layer.call.constants)


def check_fit(plan: Plan, board: Board) -> None:
    """Raises FitError when arena and stack, or the constants alone, cannot fit `board`. The linker decides the rest."""
    if board.memory is None:
        return
    ram = plan.arena_bytes + board.memory.stack_bytes + LEAST_OTHER_RAM
    if ram > board.memory.ram.bytes:
        raise FitError(
            f"arena, stack and link buffers fit the RAM of {board.name}",
            f"{plan.arena_bytes:,} + {board.memory.stack_bytes:,} + {LEAST_OTHER_RAM:,} = {ram:,} bytes of "
            f"{board.memory.ram.bytes:,}; the peak is at {_peak(plan)}",
            f"shrink these tensors or take a larger board: {_largest_activations(plan)}",
        )
    if constant_bytes(plan) > board.memory.flash.bytes:
        raise FitError(
            f"the weights fit the flash of {board.name}",
            f"{constant_bytes(plan):,} bytes of {board.memory.flash.bytes:,}",
            f"shrink these tensors or take a larger board: {_largest_constants(plan)}",
        )


def _peak(plan: Plan) -> str:
    layer = plan.layers[plan.peak_layer]
    return f"layer {layer.node.index} {layer.op}"


def _largest_activations(plan: Plan) -> str:
    """Of each buffer in use at the peak, the tensor that it holds then."""
    written = {t: position for position, layer in enumerate(plan.layers) for t in layer.node.outputs}
    live = [b.tensors for b in plan.buffers if b.tensors and b.live(plan.peak_layer)]
    held = [[t for t in group if written.get(t, -1) <= plan.peak_layer][-1] for group in live]
    return _largest(plan.graph, held)


def _largest_constants(plan: Plan) -> str:
    read = {index for node in plan.graph.nodes for index in node.inputs if index != NO_TENSOR}
    return _largest(plan.graph, {index for index in read if plan.graph.tensors[index].data is not None})


def _largest(graph: Graph, indices: Iterable[int]) -> str:
    tensors = sorted((graph.tensors[i] for i in indices), key=lambda t: -t.bytes)[:3]
    return ", ".join(f"{t.name[:60]!r} {list(t.shape)} {t.bytes:,} bytes" for t in tensors)
