# SPDX-License-Identifier: Apache-2.0
"""How the values of a tensor are distributed, in bounded memory and whatever their order."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

BINS = 8192
# The finest bins; below it float32 activations are noise.
_FINEST = -60
# The number of a bin, counted from 0, up to which a float64 tells neighbours apart.
_LARGEST_PLACE = 1 << 50

Counts = npt.NDArray[np.int64]


class Histogram:
    """At most BINS bins of equal width, a power of two, with an edge at 0; the width is the least that holds all values
    seen, so it does not depend on their order. Exact zeros are counted apart: every quantisation represents them."""

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.zeros = 0
        self._exponent = _FINEST
        self._first = 0
        self._counts: Counts = np.zeros(0, np.int64)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count finite values of any shape."""
        if values.size == 0:
            return
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.zeros += int(values.size - np.count_nonzero(values))
        self._widen()
        bins = np.floor(np.ldexp(values.astype(np.float64).ravel(), -self._exponent)).astype(np.int64)
        found = np.bincount(bins - int(self._place(self.low)))
        self._counts[int(self._place(self.low)) - self._first :][: found.size] += found

    def _place(self, value: float) -> int:
        return math.floor(math.ldexp(value, -self._exponent))

    def _reach(self) -> int:
        return max(abs(self._place(self.low)), abs(self._place(self.high)))

    def _widen(self) -> None:
        """Bins from the lowest to the highest value; pairs of them become one until there are few enough."""
        while self._place(self.high) - self._place(self.low) >= BINS or self._reach() > _LARGEST_PLACE:
            if self._counts.size:
                padded = np.pad(self._counts, (self._first % 2, (self._first + self._counts.size) % 2))
                self._counts, self._first = padded.reshape(-1, 2).sum(1), self._first // 2
            self._exponent += 1
        first, last = self._place(self.low), self._place(self.high)
        counts = np.zeros(last - first + 1, np.int64)
        if self._counts.size:
            counts[self._first - first :][: self._counts.size] = self._counts
        self._counts, self._first = counts, first

    @property
    def count(self) -> int:
        """How many values were counted."""
        return int(self._counts.sum())

    @property
    def width(self) -> float:
        """The width of a bin."""
        return math.ldexp(1.0, self._exponent)

    @property
    def counts(self) -> Counts:
        """Values a bin, from the bin of the lowest value to that of the highest; the zeros are among them."""
        return self._counts

    @property
    def nonzero(self) -> Counts:
        """`counts` without the exact zeros."""
        counts = self._counts.copy()
        if self.zeros:
            counts[self._place(0.0) - self._first] -= self.zeros
        return counts

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """The middle of each bin, inside the values seen."""
        middles = (np.arange(self._first, self._first + self._counts.size) + 0.5) * self.width
        return np.clip(middles, self.low, self.high)
