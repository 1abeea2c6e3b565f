# SPDX-License-Identifier: Apache-2.0
"""The calibration methods by name."""

from __future__ import annotations

from tinyq_deploy.calibrators.base import Calibrator, Range
from tinyq_deploy.calibrators.minmax import MinMax

CALIBRATORS: dict[str, type[Calibrator]] = {kind.name: kind for kind in (MinMax,)}

__all__ = ["CALIBRATORS", "Calibrator", "MinMax", "Range"]
