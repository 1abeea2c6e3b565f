# SPDX-License-Identifier: Apache-2.0
"""Exact packing of buffers by branch and bound, limited by steps and not by time, so that builds repeat.

Any packing can be pushed down until each buffer lies on the ground or on one that is live with it. Taken in order of
their offsets, each then lies on the highest of those before it that it meets. So it is enough to try orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
# (bytes, first, last), then for a buffer that shrinks (time, bytes) for each time from which it needs fewer bytes.
Span = tuple[Any, ...]
# About a second of search. Larger problems are left to the heuristics.
STEPS = 20_000
MOST_BUFFERS = 200
_NEVER = -(1 << 40)


def pack(
    spans: Sequence[Span], best: int, lower: int, gaps: Mapping[tuple[int, int], int] | None = None, steps: int = STEPS
) -> list[int] | None:
    """Offsets with which buffers, live from first to last inclusive, need less than `best` bytes: the fewest that the
    steps find. At least `lower` is needed. None where there is no such packing, or none found.
    `gaps[a, b]` is how far b has to start above a, where that is less than the size of a: b may lie over a's end."""
    if best <= lower or len(spans) > MOST_BUFFERS:
        return None
    search = _Search(spans, gaps or {}, steps // 2)
    found = search.below(lower)
    if found is not None:
        return found
    search.steps += steps // 2
    while best > lower:
        closer = search.below(best - 1)
        if closer is None:
            break
        found, best = closer, max(offset + span[0] for offset, span in zip(closer, spans, strict=True))
    return found


class _Search:
    """Depth-first search over orders, by rising offsets, until `steps` are used up."""

    def __init__(self, spans: Sequence[Span], gaps: Mapping[tuple[int, int], int], steps: int) -> None:
        self.steps = steps
        self.spans = spans
        self.sizes, first, last = (np.array(column, np.int64) for column in zip(*(s[:3] for s in spans), strict=True))
        times = np.unique(first)  # where the later of two that meet begins, both need the most
        self.live = (first[:, None] <= times) & (times <= last[:, None])
        self.held = np.where(self.live, self.sizes[:, None], 0)  # [buffer, time] bytes
        for row, span in zip(self.held, spans, strict=True):
            for since, size in span[3:]:
                row[times >= since] = np.minimum(row[times >= since], size)
        self.weight = self.held.sum(1)
        # [a,b]: how far b starts above the start of a when it lies above it; never, where they do not meet.
        meet = self.live @ self.live.T.astype(np.int64) > 0
        together = [np.where(self.live, row, 0).max(1) for row in self.held]
        self.above = np.where(meet, np.array(together), _NEVER)
        self.spared = np.zeros(len(times), np.int64)
        self.special = {index for pair in gaps for index in pair}
        for (a, b), gap in gaps.items():
            self.above[a, b] = gap
            both = self.live[a] & self.live[b]
            upper = self.held[b][both]
            self.spared[both] += self.sizes[a] + upper - np.maximum(self.sizes[a], gap + upper)

    def below(self, limit: int) -> list[int] | None:
        """Offsets that need at most `limit` bytes."""
        offsets = np.full(len(self.sizes), -1, np.int64)
        return offsets.tolist() if self._place(offsets, np.zeros(self.live.shape[1], np.int64), 0, limit) else None

    def _place(self, offsets: Numbers, tops: Numbers, floor: int, limit: int) -> bool:
        """Places what has no offset yet, at `floor` or above; undoes what fails. `tops` is the height at each time."""
        open_ = offsets < 0
        if not open_.any():
            return True
        self.steps -= 1
        waiting = self.held[open_].sum(0)
        if self.steps < 0 or (np.maximum(tops, floor) + waiting - self.spared)[waiting > 0].max() > limit:
            return False
        for index, offset in self._next(offsets, open_, floor):
            if offset + self.sizes[index] > limit:
                continue
            offsets[index] = offset
            raised = np.where(self.live[index], np.maximum(tops, offset + self.held[index]), tops)
            if self._place(offsets, raised, offset, limit):
                return True
            offsets[index] = -1
        return False

    def _next(self, offsets: Numbers, open_: npt.NDArray[np.bool_], floor: int) -> Iterator[tuple[int, int]]:
        """The buffers that could come next with their offsets, lowest and largest first, each kind once."""
        placed = ~open_
        at = np.maximum(0, (offsets[placed, None] + self.above[placed]).max(0, initial=0))
        wanted = np.flatnonzero(open_ & (at >= floor))
        seen = set()
        for index in wanted[np.lexsort((-self.weight[wanted], at[wanted]))]:
            kind = index if index in self.special else self.spans[index]
            if kind not in seen:
                seen.add(kind)
                yield int(index), int(at[index])
