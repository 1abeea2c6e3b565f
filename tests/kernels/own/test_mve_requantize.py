# SPDX-License-Identifier: Apache-2.0
"""Requantisation for Helium: NARROW for every reachable sum, SIGNED and GENERAL in C against tinyq_requantize."""

from __future__ import annotations

import shutil
from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import harness

from tinyq_deploy import fixed_point
from tinyq_deploy.fixed_point import Multipliers
from tinyq_deploy.kernels.own import mve

EDGES = [0, 1, -1, 2, -2, 3, -3, (1 << 30) - 1, 1 << 30, (1 << 31) - 1, -(1 << 30), -(1 << 31), -(1 << 31) + 1]


def narrow(sums: np.ndarray, made: mve.Requantization, channel: int) -> np.ndarray:
    """What the C computes: saturate((VQRDMULH(sum << left, multiplier) + offset) >> (16 + fraction)), rounded where
    there is a fraction, with saturating shift and addition."""
    multiplier, offset = (int(column[channel]) for column in made.columns)
    scaled = np.clip(sums << made.left, -(1 << 31), (1 << 31) - 1)
    total = np.clip(((scaled * multiplier + (1 << 30)) >> 31) + offset, -(1 << 31), (1 << 31) - 1)
    half = 1 << (made.fraction - 1) if made.fraction else 0
    return np.clip(((total >> 16) + half) >> made.fraction, -128, 127)


def test_narrow_equals_tflite_for_every_sum() -> None:
    rng, found = np.random.default_rng(5), 0
    for _ in range(60):
        weights = rng.integers(-127, 128, (3, int(rng.integers(1, 12))))
        reals = 10 ** rng.uniform(-3.5, -1, 3)
        bias, zero = rng.integers(-5000, 5000, 3), int(rng.integers(-128, 128))
        activation = (-128, 127) if rng.random() < 0.5 else (int(rng.integers(-128, 0)), int(rng.integers(0, 128)))
        factors, input_zero = fixed_point.multipliers([float(r) for r in reals]), int(rng.integers(-128, 128))
        made = mve.requantization(weights, bias, factors, input_zero, zero, activation)
        if made.kind != mve.NARROW:
            continue
        found += 1
        for channel in range(3):
            w = weights[channel].astype(np.int64)
            reach = int(np.abs(w).sum()) * 128
            sums = np.arange(max(-reach, -200000), min(reach, 200000) + 1, dtype=np.int64)
            low, high = (int(f(127 * w, -128 * w).sum()) for f in (np.minimum, np.maximum))
            sums = sums[(sums >= low) & (sums <= high)]
            full = sums + int(bias[channel]) - input_zero * int(w.sum())
            pair = (np.array(int(a[channel])) for a in (factors.multiplier, factors.shift))
            expected = np.clip(mve.requantize(full, *pair) + zero, *activation)
            assert (np.clip(narrow(sums, made, channel), *activation) == expected).all()
    assert found >= 10


def test_requantize_is_tflites() -> None:
    rng = np.random.default_rng(6)
    for value in [*EDGES, *map(int, rng.integers(-(1 << 31), 1 << 31, 300))]:
        multiplier, shift = int(rng.integers(1 << 30, 1 << 31)), -int(rng.integers(0, 32))
        found = mve.requantize(np.array(value), np.array(multiplier), np.array(shift))
        assert int(found) == fixed_point.requantize(value, multiplier, shift)


@pytest.mark.parametrize("shift", [0, 1, 30])
def test_kinds(shift: int) -> None:
    """A shift of 0 or to the left is GENERAL; a factor of 0 keeps no layer from the faster kinds."""
    weights, bias = np.full((2, 4), 100), np.zeros(2, np.int32)
    factors = Multipliers(np.array([1 << 30, 1 << 30], np.int32), np.array([-8, shift], np.int32))
    assert mve.requantization(weights, bias, factors, 0, 0, (-128, 127)).kind == mve.GENERAL
    dead = Multipliers(np.array([1 << 30, 0], np.int32), np.array([-8, 0], np.int32))
    assert mve.requantization(weights, bias, dead, 0, 0, (-128, 127)).kind != mve.GENERAL


PROGRAM = r"""
#include "own/mve/tinyq_mve.h"
static const int32_t edges[] = {EDGES};
static uint32_t state = 1;
static int32_t word(void)
{
    state = state * 1664525u + 1013904223u;
    const uint32_t high = state;
    state = state * 1664525u + 1013904223u;
    return (int32_t)((high & 0xFFFF0000u) | (state >> 16));
}
static int check(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t constants[12] = {0, 0, 0, 0, multiplier, multiplier, multiplier, multiplier,
                                   shift, shift, shift, shift};
    const int32_t expected = tinyq_requantize(value, multiplier, shift);
    const int32x4_t general =
        tinyq_mve_requantize(vdupq_n_s32(value), vdupq_n_s32(multiplier), vdupq_n_s32(shift));
    int bad = vgetq_lane_s32(general, 1) != expected;
    if (shift < 0) {
        const tinyq_mve_output out = {TINYQ_MVE_SIGNED, 0, 0, 0, -128, 127};
        const int32_t *at = constants;
        bad |= vgetq_lane_s32(tinyq_mve_scale(vdupq_n_s32(value), &at, out, 0), 2) != expected;
    }
    return bad;
}
int main(void)
{
    int failed = 0;
    for (int32_t shift = -31; shift <= 30; ++shift) {
        for (uint32_t i = 0; i < sizeof edges / sizeof *edges; ++i) {
            failed |= check(edges[i], 1 << 30, shift) | check(edges[i], INT32_MAX, shift) | check(edges[i], 0, shift);
        }
        for (int n = 0; n < 2000; ++n) {
            failed |= check(word() >> (n % 31), (int32_t)(((uint32_t)word() >> 2) | 0x40000000u), shift);
        }
        for (int32_t half = -5; shift < 0 && half <= 5; ++half) { /* exact halves, on both sides of zero */
            const int32_t value = (int32_t)((uint32_t)(2 * half + 1) << -shift); /* times 1/2: the factor 1 << 30 */
            for (int32_t near = -2; near <= 2; ++near) {
                failed |= check((int32_t)((uint32_t)value + (uint32_t)near), 1 << 30, shift);
            }
        }
    }
    return finish(failed);
}
"""


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
def test_signed_and_general_in_c(machine: harness.Machine, tmp_path: Path) -> None:
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    edges = ", ".join("INT32_MIN" if e == -(1 << 31) else str(e) for e in EDGES)
    source = (harness.BARE_METAL / "harness.h").read_text() + PROGRAM.replace("EDGES", edges, 1)
    output = harness.build_and_run(source, [], tmp_path, machine)
    assert output.endswith("all equal\n"), output
