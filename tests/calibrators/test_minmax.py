# SPDX-License-Identifier: Apache-2.0
"""Min-max: the widest values of all samples, per tensor."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.calibrators import CALIBRATORS, MinMax, Range


def test_range_is_the_widest_over_all_samples_and_per_tensor() -> None:
    calibrator = MinMax()
    calibrator.observe(3, np.array([[0.5, -1.0]], np.float32))
    calibrator.observe(7, np.array([2.0], np.float32))
    calibrator.observe(3, np.array([[0.25, 4.0]], np.float32))
    calibrator.observe(9, np.array([], np.float32))
    assert calibrator.ranges() == {3: Range(-1.0, 4.0), 7: Range(2.0, 2.0)}


def test_registered_by_name() -> None:
    assert CALIBRATORS["minmax"] is MinMax
