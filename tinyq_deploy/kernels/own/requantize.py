# SPDX-License-Identifier: Apache-2.0
"""The cheapest requantisation that is proven to equal TFLite's for every accumulator a channel can have.

TFLite's requantisation followed by the clamp is a step function of the accumulator: it never falls, and has at most
255 steps. Two such functions are equal when they step at the same integers, so equality is checked at the steps.

The kinds, with the instructions per output on a core with the DSP extension:

RISING       2: SMMLA with the multiplier and the offset, SSAT with a shift that all channels share.
RISING_EACH  3: the same with a shift per channel, in a register.
SIGNED       5: doubling, SMMLAR, sign correction, shift, SSAT. Where results lie on both sides of the output's zero
                point, halves rounded away from zero step unevenly, and the correction is needed.
GENERIC      : two roundings in 64-bit arithmetic, for accumulators of 2^30 and above or factors of 1/2 and above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import INT32_MAX, INT32_MIN, Multipliers, requantize, wrap

GENERIC, SIGNED, RISING_EACH, RISING = range(4)
Ints = npt.NDArray[Any]
# Offsets stay below 2^30, so that adding the product's high word, at most 2^30, cannot overflow.
_LARGEST_SHIFT = 22
_LARGEST_OFFSET = 1 << 30
# Trials per channel: multipliers next to the ideal one, and how far the offset is moved into the bias.
_SLOPES = (0, 1, -1, 2, -2, 3, -3)
_MOVES = (1 << 10, 1 << 18)


@dataclass(frozen=True, eq=False)
class Requantization:
    """Constants of one layer, int32 [O] each. `shift` is the shared shift of RISING, `shifts` the ones per channel
    (as in TFLite for GENERIC, to the right otherwise). `bias` starts the accumulator of raw int8 inputs."""

    kind: int
    shift: int
    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int32]
    shifts: npt.NDArray[np.int32]

    @property
    def uniform(self) -> bool:
        """Whether all channels have the same factors, all but the bias."""
        rows = self.rows()[:, 1:]
        return bool(np.all(rows == rows[0]))

    def rows(self) -> npt.NDArray[np.int32]:
        """[O, 3 or 4]: bias, multiplier, offset and, but for RISING, shift of each channel."""
        columns = (self.bias, self.multiplier, self.offset, self.shifts)
        return np.stack(columns[: 3 if self.kind == RISING else 4], axis=1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Accumulators:
    """What a layer's accumulators start from and can reach, [O] each, int64: `bias` with the input's zero point folded
    in, the least and the greatest value for any int8 input. Wider than int32 where they wrap."""

    bias: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Channel:
    """One channel's step function: `steps[i]` is the least accumulator whose result is at least `values[i]`; `base` is
    the result at `low`. Results are clamped to `limits`."""

    low: int
    high: int
    base: int
    steps: Ints
    values: Ints
    limits: tuple[int, int]


def accumulators(
    weights: npt.NDArray[Any], bias: npt.NDArray[Any], input_zero_point: int, input_range: tuple[int, int] = (-128, 127)
) -> Accumulators:
    """Of `weights` [O, K] (zero point already subtracted) and `bias` [O]. A tap in the padding counts as the input's
    zero point, which the range must contain."""
    w, added = weights.astype(np.int64), bias.astype(np.int64)
    rising, falling = np.maximum(w, 0).sum(axis=1), np.minimum(w, 0).sum(axis=1)
    below, above = input_range[0] - input_zero_point, input_range[1] - input_zero_point
    assert below <= 0 <= above
    return Accumulators(
        added - input_zero_point * w.sum(axis=1),
        added + rising * below + falling * above,
        added + rising * above + falling * below,
    )


def choose(
    sums: Accumulators, factors: Multipliers, output_zero_point: int, activation: tuple[int, int]
) -> Requantization:
    """The cheapest kind that all channels allow. One factor serves all channels. `activation` is the clamp that the
    kernel applies after saturation to int8, where it is narrower."""
    columns = np.broadcast_arrays(sums.bias, sums.low, sums.high, factors.multiplier, factors.shift)
    return _choose(np.stack(columns).astype(np.int64).tobytes(), output_zero_point, activation)


@lru_cache(maxsize=256)  # a layer is asked for again for each band of rows and each amount of scratch
def _choose(columns: bytes, output_zero_point: int, activation: tuple[int, int]) -> Requantization:
    bias, low, high, *factors = np.frombuffer(columns, np.int64).reshape(5, -1)
    sums, count = Accumulators(bias, low, high), len(bias)
    multiplier, shift = (column.astype(np.int32) for column in factors)
    generic = Requantization(
        GENERIC, 0, _wrapped(sums.bias), multiplier, np.full(count, output_zero_point, np.int32), shift
    )
    if not _within_int32(sums):
        return generic
    if np.all(multiplier == multiplier[0]) and np.all(shift == shift[0]):
        # What holds for the widest range holds for each channel.
        whole = _channel(int(sums.low.min()), int(sums.high.max()), int(multiplier[0]), int(shift[0]),
                         output_zero_point, activation)  # fmt: skip
        one = _rising(sums, [whole] * count, multiplier, shift)
        if one is not None:
            return one
    channels = [
        _channel(int(sums.low[i]), int(sums.high[i]), int(multiplier[i]), int(shift[i]), output_zero_point, activation)
        for i in range(count)
    ]
    rising = _rising(sums, channels, multiplier, shift)
    if rising is not None:
        return rising
    return _signed(sums, multiplier, shift, output_zero_point) or generic


def moved(sums: Accumulators, chosen: Requantization) -> Accumulators:
    """The accumulators with what `chosen` adds to the bias."""
    added = chosen.bias.astype(np.int64) - _wrapped(sums.bias)
    return Accumulators(sums.bias + added, sums.low + added, sums.high + added)


def _wrapped(values: Ints) -> npt.NDArray[np.int32]:
    return np.array([wrap(int(v)) for v in values], np.int32)


def _within_int32(sums: Accumulators) -> bool:
    return bool(np.all(sums.low >= INT32_MIN) and np.all(sums.high <= INT32_MAX))


def _channel(low: int, high: int, multiplier: int, shift: int, zero: int, activation: tuple[int, int]) -> _Channel:
    """The steps between `low` and `high`; none where the left shift could wrap, as the base is then unknown."""
    limits = max(activation[0], -128), min(activation[1], 127)
    base = min(max(requantize(low, multiplier, shift) + zero, limits[0]), limits[1])
    values = np.arange(base + 1, limits[1] + 1, dtype=object)
    if multiplier == 0:
        return _Channel(low, high, base, values[:0], values[:0], limits)
    steps = np.array([_step(int(v) - zero, multiplier, shift) for v in values], dtype=object)
    inside = np.array([low < s <= high for s in steps], bool)
    return _Channel(low, high, base, steps[inside], values[inside], limits)


def _step(result: int, multiplier: int, shift: int) -> int:
    """The least accumulator that TFLite requantises to at least `result`, without wrapping."""
    if shift >= 0:
        return _ceil((result << 31) - (1 << 30), multiplier << shift)
    right = -shift
    rounded = (result << right) - (1 << (right - 1)) + (1 if result <= 0 else 0)
    return _ceil((rounded << 31) - (1 << 30), multiplier)


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _rising(sums: Accumulators, channels: list[_Channel], multiplier: Ints, shift: Ints) -> Requantization | None:
    """RISING where one shift serves all channels, else RISING_EACH, else None."""
    moving = [i for i, channel in enumerate(channels) if len(channel.steps)]
    if any(shift[i] >= 0 for i in moving):
        return None
    own = [min(-int(shift[i]) - 1, _LARGEST_SHIFT) if len(channels[i].steps) else 0 for i in range(len(channels))]
    shared = min((own[i] for i in moving), default=0)
    for kind, shifts in ((RISING, [shared] * len(channels)), (RISING_EACH, own)):
        # Channels that are one and the same are solved once.
        solved: dict[tuple[int, int, int, int], tuple[int, int, int] | None] = {}
        found = []
        for i, channel in enumerate(channels):
            key = (id(channel), int(multiplier[i]), int(shift[i]), shifts[i])
            if key not in solved:
                solved[key] = _affine(channel, key[1], -key[2] - 1, key[3])
            if solved[key] is None:
                break
            found.append(solved[key])
        if len(found) == len(channels):
            table = np.array(found, np.int64).reshape(-1, 3)
            return Requantization(
                kind, shared if kind == RISING else 0, (sums.bias + table[:, 2]).astype(np.int32),
                table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), np.array(shifts, np.int32),
            )  # fmt: skip
    return None


def _affine(channel: _Channel, multiplier: int, exponent: int, shift: int) -> tuple[int, int, int] | None:
    """(multiplier, offset, addition to the bias) with saturate((((acc + addition) * multiplier >> 32) + offset) >>
    shift) equal to the channel's steps, None where none is found. The ideal multiplier is multiplier >> (exponent -
    shift)."""
    if not len(channel.steps):
        return 0, channel.base << shift, 0
    ideal = round(multiplier / 2 ** (exponent - shift))
    for slope in (ideal + change for change in _SLOPES):
        if 0 < slope <= INT32_MAX:
            for offset, addition in _offsets(channel, slope, shift):
                if _equal(channel, slope, offset, addition, shift):
                    return slope, offset, addition
    return None


def _offsets(channel: _Channel, slope: int, shift: int) -> Iterator[tuple[int, int]]:
    """Offsets and additions to the bias that put every step between its accumulator and the one before, nearest first;
    in floating point, so to be checked."""
    unit = 2.0**32 / slope
    ends = channel.steps.astype(np.float64) - channel.values.astype(np.float64) * 2.0**shift * unit
    above, most = float(ends.max()) - 1, float(ends.min())
    if above >= most:
        return
    middle = -(above + most) / 2
    for moves in _MOVES:
        offsets = np.rint(middle / unit) + np.arange(-moves, moves + 1)
        additions = np.rint(middle - offsets * unit)
        misses = np.abs(middle - offsets * unit - additions)
        good = np.flatnonzero(misses < (most - above) / 2)
        for i in good[np.argsort(np.abs(additions[good]), kind="stable")][:4]:
            yield int(offsets[i]), int(additions[i])


def _equal(channel: _Channel, slope: int, offset: int, addition: int, shift: int) -> bool:
    """Whether the affine form steps exactly where the channel does; integers of any size."""
    low, high = channel.low + addition, channel.high + addition
    if low < INT32_MIN or high > INT32_MAX or abs(offset) >= _LARGEST_OFFSET:
        return False

    def result(accumulator: int) -> int:
        value = (((accumulator + addition) * slope >> 32) + offset) >> shift
        return min(max(value, channel.limits[0]), channel.limits[1])

    steps = zip(channel.steps, channel.values, strict=True)
    return (
        result(channel.low) == channel.base
        and result(channel.high) == (channel.values[-1])
        and all(result(int(s)) >= v > result(int(s) - 1) for s, v in steps)
    )


def _signed(sums: Accumulators, multiplier: Ints, shift: Ints, zero: int) -> Requantization | None:
    """SIGNED where every channel shifts to the right and its accumulators, doubled, fit."""
    right = -shift.astype(np.int64)
    largest = np.maximum(np.abs(sums.low), np.abs(sums.high))
    # Beyond this shift the offset, with an int8 zero point in it, could overflow.
    if np.any(right < 1) or np.any(right > _LARGEST_SHIFT) or np.any(largest >= 1 << 30):
        return None
    offset = (np.int64(zero) << right) + (np.int64(1) << (right - 1))
    return Requantization(SIGNED, 0, _wrapped(sums.bias), multiplier, offset.astype(np.int32), right.astype(np.int32))
