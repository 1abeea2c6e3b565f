# SPDX-License-Identifier: Apache-2.0
"""Each kind of requantisation equals TFLite's for every accumulator that it was chosen for."""

from __future__ import annotations

import numpy as np
import pytest

from tinyq_deploy.fixed_point import Multipliers, requantize
from tinyq_deploy.kernels.own import requantize as own

CHANNELS = 24


def result(chosen: own.Requantization, channel: int, accumulator: int) -> int:
    """What tinyq_own_requantize.h computes, with integers of any size; fails where int32 would overflow."""
    multiplier, offset, shift = (int(a[channel]) for a in (chosen.multiplier, chosen.offset, chosen.shifts))
    if chosen.kind == own.GENERIC:
        return min(max(requantize(accumulator, multiplier, shift) + offset, -128), 127)
    if chosen.kind == own.SIGNED:
        assert abs(2 * accumulator) < 1 << 31
        scaled = (2 * accumulator * multiplier + (1 << 31) >> 32) + offset + (accumulator >> 31)
    else:
        scaled = (accumulator * multiplier >> 32) + offset
    assert -(1 << 31) <= scaled < 1 << 31
    return min(max(scaled >> (chosen.shift if chosen.kind == own.RISING else shift), -128), 127)


def check(
    sums: own.Accumulators, factors: Multipliers, zero: int, clamp: tuple[int, int], rng: np.random.Generator
) -> int:
    """Compares at the ends, around every change of the result and at random; returns the kind."""
    chosen = own.choose(sums, factors, zero, clamp)
    for i in range(len(sums.bias)):
        moved = int(chosen.bias[i]) - int(sums.bias[i])
        low, high = int(sums.low[i]), int(sums.high[i])
        points = {low, high, *(int(v) for v in rng.integers(low, high + 1, 50))}
        for point in list(points):
            points |= _next_step(point, high, factors, i, zero)
        for accumulator in points:
            exact = requantize(accumulator, int(factors.multiplier[i]), int(factors.shift[i])) + zero
            expected = min(max(exact, clamp[0]), clamp[1])
            got = result(chosen, i, accumulator + moved)
            assert min(max(got, clamp[0]), clamp[1]) == expected, (chosen.kind, i, accumulator)
    return chosen.kind


def _next_step(low: int, high: int, factors: Multipliers, i: int, zero: int) -> set[int]:
    """The accumulators on both sides of the first change of the result above `low`."""

    def value(accumulator: int) -> int:
        exact = requantize(accumulator, int(factors.multiplier[i]), int(factors.shift[i])) + zero
        return min(max(exact, -128), 127)

    start = value(low)
    if value(high) == start:
        return set()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if value(middle) == start else (low, middle)
    return {low, high}


def random_sums(rng: np.random.Generator, reach: int) -> own.Accumulators:
    high = rng.integers(1, reach, CHANNELS)
    low = -rng.integers(0, reach, CHANNELS)
    return own.Accumulators((low + high) // 2, low, high)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("zero", "clamp", "kinds"),
    [
        (-128, (-128, 127), {own.RISING, own.RISING_EACH}),
        (-128, (-128, 30), {own.RISING, own.RISING_EACH}),
        (7, (7, 127), {own.RISING, own.RISING_EACH}),
        (7, (-128, 127), {own.SIGNED}),
        (127, (-128, 127), {own.RISING, own.RISING_EACH, own.SIGNED}),
    ],
)
def test_equal(seed: int, zero: int, clamp: tuple[int, int], kinds: set[int]) -> None:
    rng = np.random.default_rng(seed)
    factors = Multipliers(
        rng.integers(1 << 30, 1 << 31, CHANNELS).astype(np.int32), -rng.integers(6, 11, CHANNELS).astype(np.int32)
    )
    assert check(random_sums(rng, 200_000), factors, zero, clamp, rng) in kinds


@pytest.mark.parametrize("seed", range(6))
def test_extremes_equal(seed: int) -> None:
    """Shifts from 3 to the left to 31 to the right, accumulators up to 2^31."""
    rng = np.random.default_rng(seed)
    shifts = rng.integers(-31, 4, CHANNELS).astype(np.int32)
    factors = Multipliers(rng.integers(1 << 30, 1 << 31, CHANNELS).astype(np.int32), shifts)
    sums = random_sums(rng, 1 << int(rng.integers(8, 28)))
    check(sums, factors, int(rng.integers(-128, 128)), (-128, 127), rng)


def test_exact_powers_of_two_and_zero() -> None:
    rng = np.random.default_rng(1)
    multiplier = np.array([1 << 30, (1 << 31) - 1, 0] * 8, np.int32)
    shifts = np.where(multiplier == 0, 0, -7).astype(np.int32)
    assert check(random_sums(rng, 100_000), Multipliers(multiplier, shifts), -128, (-128, 127), rng) == own.RISING


def test_wrapping_accumulators_are_generic() -> None:
    sums = own.Accumulators(np.zeros(1, np.int64), np.array([-5]), np.array([1 << 31]))
    chosen = own.choose(sums, Multipliers(np.array([1 << 30], np.int32), np.array([-8], np.int32)), -128, (-128, 127))
    assert chosen.kind == own.GENERIC


def test_one_factor_for_all_gives_the_same_constants() -> None:
    rng = np.random.default_rng(1)
    factors = Multipliers(np.array([1_500_000_001], np.int32), np.array([-8], np.int32))
    chosen = own.choose(random_sums(rng, 100_000), factors, -128, (-128, 127))
    assert chosen.kind == own.RISING
    assert chosen.uniform


def test_bounds_hold() -> None:
    """The least and greatest accumulators are reached, by the worst inputs."""
    rng = np.random.default_rng(1)
    weights, bias, zero = rng.integers(-127, 128, (5, 40)), rng.integers(-1000, 1000, 5), -3
    sums = own.accumulators(weights, bias, zero)
    worst = np.where(weights > 0, 127, -128)
    assert np.array_equal(sums.high, bias + (weights * (worst - zero)).sum(axis=1))
    assert np.array_equal(sums.low, bias + (weights * (-1 - worst - zero)).sum(axis=1))
    assert np.array_equal(sums.bias, bias - zero * weights.sum(axis=1))
