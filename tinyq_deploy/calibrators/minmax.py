# SPDX-License-Identifier: Apache-2.0
"""Ranges from the smallest and the largest value seen: nothing is clipped, one outlier widens its tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators.base import Calibrator, Range


class MinMax(Calibrator):
    """Running minimum and maximum per tensor."""

    name: ClassVar[str] = "minmax"

    def __init__(self) -> None:
        self._low: dict[int, float] = {}
        self._high: dict[int, float] = {}

    def observe(self, tensor: int, values: npt.NDArray[np.float32]) -> None:
        """Widen the tensor's range to `values`."""
        if values.size == 0:
            return
        self._low[tensor] = min(self._low.get(tensor, np.inf), float(values.min()))
        self._high[tensor] = max(self._high.get(tensor, -np.inf), float(values.max()))

    def ranges(self) -> Mapping[int, Range]:
        """One range per tensor seen."""
        return {tensor: Range(low, self._high[tensor]) for tensor, low in self._low.items()}
