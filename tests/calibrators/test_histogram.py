# SPDX-License-Identifier: Apache-2.0
"""The histogram counts every value, in few bins, whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq_deploy.calibrators.histogram import BINS, Histogram

VALUES = st.lists(
    st.lists(st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1e-30, -1e-12]), min_size=1, max_size=40),
    min_size=1, max_size=6,
)  # fmt: skip


def filled(parts: list[list[float]]) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(np.array(part, np.float32))
    return histogram


@settings(derandomize=True, deadline=None)
@given(VALUES)
def test_nothing_is_lost_and_the_order_does_not_count(parts: list[list[float]]) -> None:
    one, other, whole = filled(parts), filled(parts[::-1]), filled([[v for part in parts for v in part]])
    values = np.sort(np.array([v for part in parts for v in part], np.float32).astype(np.float64))
    for histogram in (one, other):
        assert np.array_equal(histogram.counts, whole.counts)
        assert histogram.width == whole.width
    assert one.count == values.size
    assert one.zeros == int((values == 0).sum())
    assert one.counts.size <= BINS
    assert (one.low, one.high) == (values[0], values[-1])
    assert one.nonzero.sum() == values.size - one.zeros
    assert (one.nonzero >= 0).all()
    # Each value lies in the bin that counts it.
    assert np.abs(np.repeat(one.centers, one.counts) - values).max() <= one.width


def test_bins_are_as_narrow_as_their_number_allows() -> None:
    histogram = filled([[0.0, 1.0], [-0.5, 0.25]])
    assert histogram.counts.size > BINS / 2
    assert histogram.width == pytest.approx(2.0**-12)
