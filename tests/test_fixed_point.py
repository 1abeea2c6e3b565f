# SPDX-License-Identifier: Apache-2.0
"""The integer arithmetic: Python against exact fractions, C against Python."""

from __future__ import annotations

import math
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from host_c import HOST, SANITIZERS, WARNINGS, compile_c, compiler, new_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq_deploy import assets
from tinyq_deploy.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    activation_range,
    doubling_high_multiply,
    exp_on_negative_values,
    multipliers,
    quantize_multiplier,
    requantize,
    requantize_array,
    round_half_away,
    rounding_shift_right,
    softmax_table,
    wrap,
)

EDGES = (0, 1, -1, 2, 127, -128, 1 << 30, -(1 << 30), (1 << 30) - 1, INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1)
int32 = st.sampled_from(EDGES) | st.integers(INT32_MIN, INT32_MAX)
QUICK = settings(max_examples=300, deadline=None, derandomize=True)


def half_away(value: Fraction) -> int:
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


@QUICK
@given(int32, int32)
def test_the_high_multiply_rounds_half_up_and_saturates(a: int, b: int) -> None:
    expected = INT32_MAX if a == b == INT32_MIN else math.floor(Fraction(a * b, 1 << 31) + Fraction(1, 2))
    assert doubling_high_multiply(a, b) == expected
    # The reference divides towards zero after adding a nudge of the product's sign.
    product = a * b
    nudged = product + ((1 << 30) if product >= 0 else 1 - (1 << 30))
    truncated = abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)
    assert doubling_high_multiply(a, b) == min(truncated, INT32_MAX)


@QUICK
@given(int32, st.integers(0, 31))
def test_the_shift_rounds_half_away_from_zero(value: int, exponent: int) -> None:
    assert rounding_shift_right(value, exponent) == half_away(Fraction(value, 1 << exponent))


@QUICK
@given(st.integers(-(1 << 40), 1 << 40))
def test_wrap_is_twos_complement(value: int) -> None:
    assert wrap(value) == int(np.array([value], np.int64).astype(np.int32)[0])


@QUICK
@given(st.floats(1e-9, 1e9, allow_subnormal=False))
def test_a_multiplier_is_within_half_a_unit_of_its_factor(real: float) -> None:
    mantissa, shift = quantize_multiplier(real)
    assert 1 << 30 <= mantissa < 1 << 31
    exact = Fraction(real)
    assert abs(Fraction(mantissa) * Fraction(2) ** (shift - 31) - exact) <= Fraction(2) ** (shift - 32)


@pytest.mark.parametrize(("real", "expected"), [
    (0.0, (0, 0)), (1.0, (1 << 30, 1)), (0.5, (1 << 30, 0)), (2.0**-32, (1 << 30, -31)), (2.0**-33, (0, 0)),
    (math.nextafter(2.0**-32, 0), (1 << 30, -31)), (1 - 2.0**-33, (1 << 30, 1)), (1 - 2.0**-31, (INT32_MAX, 0)),
    (2.0**30, (1 << 30, 31)), (math.nextafter(2.0**30, 0), (1 << 30, 31)),
])  # fmt: skip
def test_multipliers_at_the_edges(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


def test_multipliers_are_int32_arrays() -> None:
    found = multipliers([0.5, 1.0, 0.0])
    assert found.multiplier.dtype == found.shift.dtype == np.int32
    assert found.multiplier.tolist() == [1 << 30, 1 << 30, 0]
    assert found.shift.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.5, -3), (0.49, 0), (-7.0, -7)]
)
def test_rounding_is_half_away_from_zero(value: float, expected: int) -> None:
    assert round_half_away(value) == expected


@pytest.mark.parametrize(("activation", "scale", "zero_point", "expected"), [
    ("NONE", 0.1, 3, (-128, 127)),
    ("RELU", 0.1, 3, (3, 127)),
    ("RELU", 0.1, -128, (-128, 127)),
    ("RELU6", 0.1, -128, (-128, -68)),
    ("RELU6", 0.5, 127, (127, 127)),
    ("RELU6", 0.001, 0, (0, 127)),
    ("RELU_N1_TO_1", 0.1, 0, (-10, 10)),
    ("RELU_N1_TO_1", 0.4, -127, (-128, -124)),
    ("RELU6", 1e-45, 0, (0, 127)),
    ("RELU_N1_TO_1", 1e-40, 5, (-128, 127)),
])  # fmt: skip
def test_activation_ranges(activation: str, scale: float, zero_point: int, expected: tuple[int, int]) -> None:
    assert activation_range(activation, scale, zero_point) == expected


@QUICK
@given(st.integers(-(31 << 26), 0))
def test_the_exponential_is_close(a: int) -> None:
    assert exp_on_negative_values(a) / 2**31 == pytest.approx(math.exp(a / 2**26), abs=3e-9, rel=1e-6)


def test_the_exponential_of_0_is_the_largest_number() -> None:
    assert exp_on_negative_values(0) == INT32_MAX


@pytest.mark.parametrize(("beta", "scale"), [(1.0, 0.1), (1.0, 2.0**-20), (2.0, 0.25), (0.5, 300.0), (1.0, 1e30)])
def test_softmax_tables_follow_the_exponential_and_end_at_the_cut_off(beta: float, scale: float) -> None:
    table = softmax_table(beta, scale)
    assert table.exponential.shape == (256,)
    assert table.exponential.dtype == np.int32
    assert table.diff_min <= 0
    for difference, value in enumerate(table.exponential.tolist()):
        if difference > -table.diff_min:
            assert value == 0
        else:
            assert value / 2**31 == pytest.approx(math.exp(-difference * min(beta * scale, 32.0)), abs=2e-6)


@QUICK
@given(value=int32, multiplier=st.integers(0, INT32_MAX), shift=st.integers(-31, 30))
def test_arrays_are_requantised_as_single_values(value: int, multiplier: int, shift: int) -> None:
    value >>= max(shift, 0)
    found = requantize_array(np.array([value, 0]), np.array([multiplier, 1]), np.array([shift, -1]))
    assert found.tolist() == [requantize(value, multiplier, shift), 0]


def test_the_c_functions_compute_what_python_does() -> None:
    """Every pair of edges with every shift, and random rows."""
    shifts = [*range(-31, 31)]
    rng = np.random.default_rng(1)
    rows = [(a, b, c) for a in EDGES for b in EDGES for c in shifts]
    rows += [(int(a), int(b), int(c)) for a, b, c in zip(
        rng.integers(INT32_MIN, INT32_MAX, 5000), rng.integers(1 << 30, INT32_MAX, 5000), rng.integers(-31, 31, 5000),
        strict=True,
    )]  # fmt: skip
    exe = new_folder("fixed") / "fixed_point"
    include = f"-I{assets.folder('firmware') / 'kernels'}"
    compile_c([compiler(), *WARNINGS, *SANITIZERS, include, HOST / "fixed_point.c", "-o", exe], exe.parent)
    done = subprocess.run([exe], input=np.array(rows, np.int32).tobytes(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()[:2000]
    found = np.frombuffer(done.stdout, np.int32).reshape(-1, 4)
    expected = [
        (doubling_high_multiply(a, b), rounding_shift_right(a, abs(c)), requantize(a, b, c), wrap(a + b))
        for a, b, c in rows
    ]
    assert np.array_equal(found, np.array(expected, np.int64).astype(np.int32))
