# SPDX-License-Identifier: Apache-2.0
"""The calibration methods by name, the plainest first: of methods that do equally well, `auto` keeps the first."""

from __future__ import annotations

from tinyq_deploy.calibrators.average import MovingAverage
from tinyq_deploy.calibrators.base import Calibrator, Range
from tinyq_deploy.calibrators.entropy import Entropy
from tinyq_deploy.calibrators.minmax import MinMax
from tinyq_deploy.calibrators.mse import Mse
from tinyq_deploy.calibrators.percentile import LowPercentile, Percentile

_ALL: tuple[type[Calibrator], ...] = (MinMax, Percentile, LowPercentile, Mse, Entropy, MovingAverage)
CALIBRATORS: dict[str, type[Calibrator]] = {kind.name: kind for kind in _ALL}

__all__ = ["CALIBRATORS", "Calibrator", "MinMax", "Range"]
