# SPDX-License-Identifier: Apache-2.0
"""Each calibration method picks the ranges that its definition gives, on distributions where these are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tinyq_deploy.calibrators import CALIBRATORS, Range

Floats = npt.NDArray[np.float32]


def chosen(method: str, *samples: Floats) -> Range:
    calibrator = CALIBRATORS[method]()
    for values in samples:
        calibrator.observe(5, values)
    (found,) = calibrator.ranges().items()
    assert found[0] == 5
    return found[1]


def normal(count: int = 200_000) -> Floats:
    return np.random.default_rng(1).normal(0, 1, count).astype(np.float32)


def with_outlier(values: Floats, factor: float = 30.0) -> list[Floats]:
    """A hundred samples, one of them scaled."""
    parts = np.array_split(values, 100)
    parts[37] = parts[37] * np.float32(factor)
    return parts


@pytest.mark.parametrize("method", CALIBRATORS)
def test_ranges_lie_within_what_was_seen(method: str) -> None:
    for values in (normal(), np.maximum(normal(), 0), -np.abs(normal()), np.full(9, 2.5, np.float32), np.zeros(4)):
        found = chosen(method, values.astype(np.float32))
        assert values.min() <= found.low <= found.high <= values.max()


@pytest.mark.parametrize(("method", "outside"), [("percentile", 1e-4), ("percentile-99.9", 1e-3)])
def test_percentiles_are_those_of_the_values(method: str, outside: float) -> None:
    values = normal()
    found = chosen(method, *np.array_split(values, 7))
    assert (found.low, found.high) == pytest.approx(np.quantile(values, [outside, 1 - outside]), abs=0.02)
    assert chosen(method, np.maximum(values, 0)).low == 0


def test_mse_is_the_least_error_of_real_rounding() -> None:
    """Against 8-bit rounding tried out on the values for each of its candidates."""
    values = np.random.default_rng(1).laplace(0, 1, 400_000).astype(np.float32)
    found = chosen("mse", values)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        rounded = np.clip(np.round(values / step), np.round(low / step), np.round(high / step)) * step
        return float(np.square(rounded - values).mean())

    candidates = [error(values.min() * a, values.max() * b) for a in np.geomspace(1, 0.05, 30) for b in (0.1, 0.3, 1.0)]
    assert error(found.low, found.high) <= 1.02 * min(candidates)
    assert error(found.low, found.high) < 0.8 * error(values.min(), values.max())


@pytest.mark.parametrize("method", ["percentile-99.9", "average"])
def test_a_sample_far_beyond_the_others_counts_for_little(method: str) -> None:
    """One in a hundred samples is 1 % of the values: a share that the others rightly keep."""
    assert chosen("minmax", *with_outlier(normal())).high > 80
    assert chosen(method, *with_outlier(normal())).high < (45 if method == "percentile-99.9" else 12)


def test_entropy_ignores_exact_zeros_and_cuts_off_one_percent_at_most() -> None:
    values = np.maximum(normal(), 0)
    padded = np.concatenate([values, np.zeros(10 * values.size, np.float32)])
    assert chosen("entropy", values) == chosen("entropy", padded)
    assert chosen("entropy", values).high >= np.quantile(values, 0.99)


def test_the_moving_average_weighs_few_samples_fully() -> None:
    one, other = np.array([-1.0, 3.0], np.float32), np.array([-2.0, 1.0], np.float32)
    assert chosen("average", one) == Range(pytest.approx(-1.0), pytest.approx(3.0))
    found = chosen("average", one, other)
    assert found == Range(pytest.approx(-(0.95 + 2) / 1.95), pytest.approx((3 * 0.95 + 1) / 1.95))
