# SPDX-License-Identifier: Apache-2.0
"""A calibrator chooses the real range of each activation tensor from what the float model computed on the samples.

To add one: subclass Calibrator (or HistogramCalibrator, which leaves only the choice) in a file of its own; keep
statistics, never the values, since they are streamed; add one line to the registry in __init__.py and a test that
asserts the ranges it picks from known values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators.histogram import Histogram


@dataclass(frozen=True)
class Range:
    """The real values low <= x <= high that an activation tensor has to represent; float32 precision."""

    low: float
    high: float


class Calibrator(ABC):
    """Fed with the values of every float activation of every sample, then asked once for the ranges."""

    name: ClassVar[str]

    @abstractmethod
    def observe(self, tensor: int, values: npt.NDArray[np.float32]) -> None:
        """Take note of one tensor's values for one sample. `values` is read-only and changes after the call."""

    @abstractmethod
    def ranges(self) -> Mapping[int, Range]:
        """The range of each tensor observed, by tensor index."""


class HistogramCalibrator(Calibrator):
    """Chooses from the histogram of each tensor."""

    def __init__(self) -> None:
        self._histograms: dict[int, Histogram] = defaultdict(Histogram)

    def observe(self, tensor: int, values: npt.NDArray[np.float32]) -> None:
        """See Calibrator.observe."""
        if values.size:
            self._histograms[tensor].add(values)

    def ranges(self) -> Mapping[int, Range]:
        """See Calibrator.ranges."""
        return {tensor: self.choose(histogram) for tensor, histogram in self._histograms.items()}

    @abstractmethod
    def choose(self, histogram: Histogram) -> Range:
        """The range for one tensor, within what was seen. The histogram has at least one value."""
