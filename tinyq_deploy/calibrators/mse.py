# SPDX-License-Identifier: Apache-2.0
"""Ranges for which the values, quantised to 8 bits, differ least from the real ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators.base import HistogramCalibrator, Range
from tinyq_deploy.calibrators.histogram import Histogram

_LEVELS = 255
# Ends of the range as shares of the ends seen. Down to 1 %: an outlier of 30 times the rest is still left out.
_SHARES = np.geomspace(1.0, 0.01, 120)
Floats = npt.NDArray[np.float64]


class Mse(HistogramCalibrator):
    """The least mean squared error: what is cut off at both ends, and the steps' rounding, uniform within a step
    (step^2 / 12), of all values but exact zeros, which have no error."""

    name: ClassVar[str] = "mse"

    def choose(self, histogram: Histogram) -> Range:
        """See HistogramCalibrator.choose."""
        lows = np.unique(min(histogram.low, 0.0) * _SHARES)
        highs = np.unique(max(histogram.high, 0.0) * _SHARES)
        step = (highs[None, :] - lows[:, None]) / _LEVELS
        rounding = histogram.nonzero.sum() * step**2 / 12
        error = rounding + _cut_below(histogram, lows)[:, None] + _cut_above(histogram, highs)[None, :]
        row, column = np.unravel_index(error.argmin(), error.shape)
        best = Range(float(lows[row]), float(highs[column]))
        return Range(max(best.low, histogram.low), min(best.high, histogram.high))


def _cut_below(histogram: Histogram, lows: Floats) -> Floats:
    """The summed squared error of the values below each of `lows`, which become it."""
    return _cut(histogram.centers, histogram.counts.astype(np.float64), lows)


def _cut_above(histogram: Histogram, highs: Floats) -> Floats:
    return _cut(-histogram.centers[::-1], histogram.counts[::-1].astype(np.float64), -highs)


def _cut(values: Floats, counts: Floats, bounds: Floats) -> Floats:
    """Sum over values below b of count * (b - value)^2 for each b, from sums of powers. `values` ascend."""
    sums = [np.concatenate([[0.0], np.cumsum(counts * values**power)]) for power in range(3)]
    place = np.searchsorted(values, bounds)
    zeroth, first, second = (total[place] for total in sums)
    lost: Floats = np.maximum(zeroth * bounds**2 - 2 * first * bounds + second, 0.0)
    return lost
