# SPDX-License-Identifier: Apache-2.0
"""Ranges for which the distribution of the values changes least when they are quantised to 8 bits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators.base import HistogramCalibrator, Range
from tinyq_deploy.calibrators.histogram import Histogram
from tinyq_deploy.calibrators.percentile import percentiles

_LEVELS = 255
_SHARES = np.geomspace(1.0, 0.01, 60)
# No more than this share is cut off at each end, whatever the divergence says.
_MOST_OUTSIDE = 0.01
Floats = npt.NDArray[np.float64]


class Entropy(HistogramCalibrator):
    """The least Kullback-Leibler divergence between the values, cut off, and the same in 255 levels. Exact zeros are
    left out: after a ReLU they are half of all and would make any range look good.

    Migacz, "8-bit Inference with TensorRT", GPU Technology Conference 2017, with a floor."""

    name: ClassVar[str] = "entropy"

    def choose(self, histogram: Histogram) -> Range:
        """See HistogramCalibrator.choose."""
        least = percentiles(histogram, _MOST_OUTSIDE)
        counts, values = histogram.nonzero.astype(np.float64), histogram.centers
        if not counts.any():
            return Range(histogram.low, histogram.high)
        shares = [share for share in _SHARES if _holds(histogram, share, least)]
        ranges = [(histogram.low * share, histogram.high * share) for share in shares]
        costs = [_divergence(values, counts, low, high) for low, high in ranges]
        low, high = ranges[int(np.argmin(costs))]
        return Range(float(low), float(high))


def _holds(histogram: Histogram, share: float, least: Range) -> bool:
    return share == 1.0 or (histogram.low * share <= least.low and histogram.high * share >= least.high)


def _divergence(values: Floats, counts: Floats, low: float, high: float) -> float:
    """KL(p || q): p has what lies outside in its outermost bins; q spreads each level of what lies inside evenly over
    the bins of the level that are not empty."""
    inside = (values >= low) & (values <= high)
    if inside.sum() < 2 or high <= low:
        return np.inf
    p = counts[inside].copy()
    kept = p.copy()
    first, last = np.flatnonzero(inside)[[0, -1]]
    p[0] += counts[:first].sum()
    p[-1] += counts[last + 1 :].sum()
    level = np.minimum(((values[inside] - low) / (high - low) * _LEVELS).astype(np.int64), _LEVELS - 1)
    mass = np.bincount(level, kept, _LEVELS)
    filled = np.bincount(level, kept > 0, _LEVELS)
    q = np.where(kept > 0, (mass / np.maximum(filled, 1))[level], 0.0)
    some = p > 0
    p, q = p / p.sum(), np.maximum(q / max(q.sum(), 1.0), 1e-12)
    return float((p[some] * np.log(p[some] / q[some])).sum())
