# SPDX-License-Identifier: Apache-2.0
"""Ranges that leave out a fixed share of the values at each end: a few outliers do not count."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tinyq_deploy.calibrators.base import HistogramCalibrator, Range
from tinyq_deploy.calibrators.histogram import Histogram


class Percentile(HistogramCalibrator):
    """One value in 10,000 lies below and one above: nothing measurable is lost on clean data."""

    name: ClassVar[str] = "percentile"
    outside: ClassVar[float] = 1e-4

    def choose(self, histogram: Histogram) -> Range:
        """See HistogramCalibrator.choose."""
        return percentiles(histogram, self.outside)


class LowPercentile(Percentile):
    """One value in 1,000 lies below and one above: for data of which whole samples are outliers."""

    name: ClassVar[str] = "percentile-99.9"
    outside: ClassVar[float] = 1e-3


def percentiles(histogram: Histogram, outside: float) -> Range:
    """The values below and above which a share of `outside` lies, linear within a bin."""
    total = np.cumsum(histogram.counts) / histogram.count
    edges = histogram.centers
    low, high = map(float, np.interp([outside, 1 - outside], total, edges + histogram.width / 2))
    if total[0] >= outside:
        low = histogram.low
    return Range(max(low, histogram.low), min(high, histogram.high))
