# SPDX-License-Identifier: Apache-2.0
"""Pieces of the arena: when each is live, how many bytes of it, and where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tinyq_deploy.packing import MOST_BUFFERS, pack

Offsets = npt.NDArray[np.int64]
# Offsets are multiples of this: kernels read words and use int32 scratch. The arena itself is aligned to 16.
ALIGNMENT = 4


# Orders that are tried where the first few leave holes.
CLIMBS, FEWER_CLIMBS = 400, 40


@dataclass(frozen=True)
class Buffer:
    """A piece of the arena. `tensors` share it (empty for scratch); it is live from layer `first` to `last`, positions
    in the plan, both inclusive, -1 standing for before the first layer and the number of layers for after the last.

    Where the tensors written over one another become smaller, `shrinks` says (layer, bytes): from that layer on only
    so many bytes are in use, fewer each time. It may lie over the buffer of the tensor `over`, which dies as this one
    comes to life, if it starts `lead` bytes before that one."""

    tensors: tuple[int, ...]
    bytes: int
    first: int
    last: int
    offset: int = 0
    over: int | None = None
    lead: int = 0
    shrinks: tuple[tuple[int, int], ...] = ()

    def at(self, layer: int) -> int:
        """Bytes in use while `layer` runs, if the buffer is live then."""
        return min((size for since, size in self.shrinks if since <= layer), default=self.bytes)

    def gap(self, upper: Buffer) -> int:
        """How far `upper` starts above this one, at least, where both are live and it lies above."""
        size = self.at(max(self.first, upper.first))
        return min(self.lead, size) if self.over is not None and self.over in upper.tensors else size

    def saving(self, other: Buffer) -> int:
        """Bytes that an output over its input spares."""
        size = other.at(self.first)
        return self.bytes + size - max(self.bytes, self.gap(other) + size)

    def live(self, layer: int) -> bool:
        """Whether the buffer holds something while `layer` runs."""
        return self.first <= layer <= self.last

    def overlaps(self, other: Buffer) -> bool:
        """Whether both are live at some layer."""
        return self.first <= other.last and other.first <= self.last


def aligned(size: int) -> int:
    """`size` bytes in whole words."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def live_bytes(buffers: Sequence[Buffer], layers: int) -> list[int]:
    """Bytes that are live while each layer runs, counted once where an output may lie over its input."""
    change = np.zeros(layers + 3, np.int64)
    for buffer in buffers:
        held = buffer.bytes
        change[buffer.first + 1] += held
        for since, size in buffer.shrinks:
            change[since + 1] += size - held
            held = size
        change[buffer.last + 2] -= held
    for upper, lower in _pairs(buffers):
        change[lower.first + 1] -= lower.saving(upper)
        change[lower.first + 2] += lower.saving(upper)
    return [int(total) for total in np.cumsum(change)[1 : layers + 1]]


def _pairs(buffers: Sequence[Buffer]) -> Iterator[tuple[Buffer, Buffer]]:
    """Each input with the output that may lie over it."""
    homes = {tensor: buffer for buffer in buffers for tensor in buffer.tensors}
    return ((homes[buffer.over], buffer) for buffer in buffers if buffer.over is not None)


# Orders in which buffers are placed; the one that needs the smallest arena wins, the first among equals.
_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.bytes, b.first),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    lambda b: (-(b.last - b.first), -b.bytes),
    lambda b: (b.first, -b.bytes),
    lambda b: (-b.last, -b.bytes),
)


def place(buffers: Sequence[Buffer], thorough: bool = True) -> list[Buffer]:
    """`buffers` with offsets: each takes the smallest gap among those it meets, in the best of a few orders. Where that
    needs more than is live at once, other orders are tried, and where `thorough`, an exact search."""
    layouts = [_place_in(sorted(buffers, key=order)) for order in _ORDERS]
    best = min(layouts, key=height)
    if len(best) > MOST_BUFFERS:
        return best
    begin = min(b.first for b in best)
    moved = [_earlier(b, begin) for b in best]
    lower = max(live_bytes(moved, max(b.last for b in moved) + 1))
    if height(best) > lower:
        best = _climb(best, lower, CLIMBS if thorough else FEWER_CLIMBS)
    if height(best) <= lower or not thorough:
        return best
    spans = [(b.bytes, b.first, b.last, *b.shrinks) for b in best]
    gaps = {(best.index(b), best.index(a)): b.gap(a) for a, b in _pairs(best)}
    found = pack(spans, height(best), lower, gaps)
    return best if found is None else [replace(b, offset=at) for b, at in zip(best, found, strict=True)]


def _climb(order: list[Buffer], lower: int, climbs: int) -> list[Buffer]:
    """The best layout of `climbs` orders, each made from the best so far by placing a buffer that sticks out above
    `lower`, or one that it meets, before another that it meets. The same each time."""
    rng, best = np.random.default_rng(0), order
    for _ in range(climbs):
        high = [b for b in best if b.offset + b.bytes > lower]
        if not high:
            break
        stuck = high[rng.integers(len(high))]
        meets = [n for n, b in enumerate(best) if b.overlaps(stuck)]
        first, second = sorted(rng.choice(meets, 2))
        changed = list(best)
        changed.insert(first, changed.pop(second))
        layout = _place_in(changed)
        best = layout if height(layout) <= height(best) else best
    return best


def _earlier(b: Buffer, by: int) -> Buffer:
    shrinks = tuple((since - by, size) for since, size in b.shrinks)
    return replace(b, first=b.first - by, last=b.last - by, shrinks=shrinks)


def height(layout: Sequence[Buffer]) -> int:
    """Bytes of the arena that a layout needs."""
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
