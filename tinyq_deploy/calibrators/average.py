# SPDX-License-Identifier: Apache-2.0
"""Ranges from the moving average of each sample's extremes: one outlier counts for little, and so do rare peaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators.base import Calibrator, Range

_KEPT = 0.95  # of the average so far, at each new sample


class MovingAverage(Calibrator):
    """The exponential moving average of the smallest and the largest value of each sample."""

    name: ClassVar[str] = "average"

    def __init__(self) -> None:
        self._sums: dict[int, tuple[float, float, float]] = {}

    def observe(self, tensor: int, values: npt.NDArray[np.float32]) -> None:
        """See Calibrator.observe."""
        if values.size == 0:
            return
        low, high, weight = self._sums.get(tensor, (0.0, 0.0, 0.0))
        new = 1 - _KEPT
        self._sums[tensor] = (
            low * _KEPT + float(values.min()) * new,
            high * _KEPT + float(values.max()) * new,
            weight * _KEPT + new,
        )

    def ranges(self) -> Mapping[int, Range]:
        """One range per tensor seen. The weights of few samples do not reach 1: what they reach is divided out."""
        return {tensor: Range(low / weight, high / weight) for tensor, (low, high, weight) in self._sums.items()}
