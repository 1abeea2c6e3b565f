# SPDX-License-Identifier: Apache-2.0
"""TFLite's integer arithmetic on the host: multipliers, activation ranges, the fixed-point exponential.

Source: TFLite reference kernels (tensorflow/lite/kernels/internal: quantization_util, common, softmax) and the
gemmlowp fixed-point library they build on, double rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


@dataclass(frozen=True)
class Multipliers:
    """Real factors as int32 mantissas (Q0.31) and int32 shifts, positive to the left; one per channel or one."""

    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor >= 0 as (mantissa, shift) with real = mantissa / 2^31 * 2^shift; below 2^-32 it becomes (0, 0)."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * (1 << 31) + 0.5)
    if mantissa == 1 << 31:
        mantissa, shift = mantissa // 2, shift + 1
    return (0, 0) if shift < -31 else (mantissa, shift)


def multipliers(reals: Sequence[float]) -> Multipliers:
    """`quantize_multiplier` for each factor."""
    pairs = [quantize_multiplier(real) for real in reals]
    return Multipliers(np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32))


def round_half_away(value: float) -> int:
    """C's round(): halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


# Real limits by the schema's names; RELU_0_TO_1 is an operator only, never fused.
_ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


def activation_range(
    activation: str, scale: float, zero_point: int, low: int = -128, high: int = 127
) -> tuple[int, int]:
    """Clamp limits of a fused activation in the output's quantised domain. `activation` is the schema's name."""

    def quantized(real: float) -> int:
        with np.errstate(over="ignore"):
            steps = float(np.float32(real) / np.float32(scale))
        return zero_point + round_half_away(max(INT32_MIN, min(INT32_MAX, steps)))

    bottom, top = _ACTIVATIONS[activation]
    return (
        low if bottom is None else max(low, quantized(bottom)),
        high if top is None else min(high, quantized(top)),
    )


def limits(dtype: str) -> tuple[int, int]:
    """Least and largest value of an integer type."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def wrap(value: int) -> int:
    """`value` as two's complement int32."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def doubling_high_multiply(a: int, b: int) -> int:
    """round(a * b / 2^31), halves towards plus infinity; INT32_MIN squared saturates."""
    return INT32_MAX if a == b == INT32_MIN else (a * b + (1 << 30)) >> 31


def rounding_shift_right(value: int, exponent: int) -> int:
    """round(value / 2^exponent), halves away from zero."""
    mask = (1 << exponent) - 1
    return (value >> exponent) + ((value & mask) > (mask >> 1) + (value < 0))


def requantize(value: int, multiplier: int, shift: int) -> int:
    """TFLite's MultiplyByQuantizedMultiplier with two roundings, int32 wrap on the left shift."""
    scaled = wrap(value << max(shift, 0))
    return rounding_shift_right(doubling_high_multiply(scaled, multiplier), max(-shift, 0))


def requantize_array(
    values: npt.NDArray[np.int64], multiplier: npt.NDArray[np.int64] | int, shift: npt.NDArray[np.int64] | int
) -> npt.NDArray[np.int64]:
    """`requantize` element by element, broadcast. Takes int32 values that the left shift keeps in int32, and
    multipliers above INT32_MIN; then the result grows with the value."""
    return shift_right_array(
        doubling_high_multiply_array(values << np.maximum(shift, 0), multiplier), np.maximum(-shift, 0)
    )


def doubling_high_multiply_array(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64] | int) -> npt.NDArray[np.int64]:
    """`doubling_high_multiply` element by element, broadcast; `b` is above INT32_MIN."""
    return (a * b + (1 << 30)) >> 31


def shift_right_array(values: npt.NDArray[np.int64], exponent: npt.NDArray[np.int64] | int) -> npt.NDArray[np.int64]:
    """`rounding_shift_right` element by element, broadcast."""
    mask = (np.int64(1) << np.asarray(exponent)) - 1
    return (values >> exponent) + ((values & mask) > (mask >> 1) + (values < 0))


def requantize_wide_array(
    values: npt.NDArray[np.int64], multiplier: npt.NDArray[np.int64] | int, shift: npt.NDArray[np.int64] | int
) -> npt.NDArray[np.int64]:
    """TFLite's MultiplyByQuantizedMultiplier of 64-bit sums, element by element, broadcast: the multiplier is cut to 15
    bits, and there is one rounding, halves up. Takes |values| below 2^47 and shifts of at most 7."""
    reduced = np.where(
        np.asarray(multiplier) < 0x7FFF0000, (np.asarray(multiplier, np.int64) + (1 << 15)) >> 16, 0x7FFF
    )
    right = 15 - np.asarray(shift, np.int64)
    result: npt.NDArray[np.int64] = (values * reduced + (np.int64(1) << (right - 1))) >> right
    return result


def _saturating_shift_left(value: int, exponent: int) -> int:
    return min(INT32_MAX, max(INT32_MIN, value << exponent))


# exp(-2^k) in Q0.31 for k = -2..4: the factors of the barrel shifter, one per bit of the argument.
_EXP_FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def _exp_between_minus_quarter_and_zero(a: int) -> int:
    """exp(a) for a in [-1/4, 0), Q0.31 in and out: fourth-order Taylor around -1/8."""
    x = a + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4_over_4 = rounding_shift_right(doubling_high_multiply(x2, x2), 2)
    tail = rounding_shift_right(doubling_high_multiply(x4_over_4 + x3, 715827883) + x2, 1)
    return wrap(1895147668 + doubling_high_multiply(1895147668, x + tail))


def exp_on_negative_values(a: int, integer_bits: int = 5) -> int:
    """e^a for a <= 0 with 31 - `integer_bits` (at most 5) bits of fraction, as Q0.31."""
    if a == 0:
        return INT32_MAX
    fraction = 31 - integer_bits
    quarter = 1 << (fraction - 2)
    a_mod_quarter = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(_saturating_shift_left(a_mod_quarter, integer_bits))
    remainder = a_mod_quarter - a
    for exponent, factor in _EXP_FACTORS:
        if exponent < integer_bits and remainder & (1 << (fraction + exponent)):
            result = doubling_high_multiply(result, factor)
    return result


@dataclass(frozen=True)
class SoftmaxTable:
    """exp(-d * beta * scale) for d = 0..255 in Q0.31, and the difference below which TFLite counts it as zero."""

    exponential: npt.NDArray[np.int32]
    diff_min: int


def softmax_table(beta: float, scale: float) -> SoftmaxTable:
    """The exponentials of an int8 SOFTMAX whose input has `scale`; entries beyond diff_min are 0 and never read."""
    multiplier, left_shift = quantize_multiplier(min(beta * scale * (1 << 26), (1 << 31) - 1.0))
    radius = math.floor(((1 << 5) - 1) * (1 << 26) / (1 << left_shift))
    values = np.zeros(256, np.int32)
    for difference in range(min(256, radius + 1)):
        values[difference] = exp_on_negative_values(doubling_high_multiply(wrap(-difference << left_shift), multiplier))
    return SoftmaxTable(values, -radius)


def _reciprocal_of_one_plus(x: int) -> int:
    """1 / (1 + x) for x in [0, 1), Q0.31, as Q2.29 estimate: three Newton-Raphson steps."""
    half_denominator = (x + INT32_MAX + 1) // 2
    estimate = wrap(1515870810 + doubling_high_multiply(half_denominator, -1010580540))
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half_denominator, estimate)
        estimate = wrap(estimate + _saturating_shift_left(doubling_high_multiply(estimate, error), 2))
    return estimate


def reciprocal(value: int) -> tuple[int, int]:
    """1 / value for 1 <= value < 2^31 as (mantissa in Q0.31, shift, positive to the right). TFLite GetReciprocal."""
    bits = value.bit_length()
    fraction = (value << (32 - bits)) - (1 << 31)
    return _saturating_shift_left(_reciprocal_of_one_plus(fraction), 1), bits - 1


def logistic(a: int) -> int:
    """1 / (1 + e^-a) for a in Q4.27, as Q0.31."""
    if a == 0:
        return 1 << 30
    above = _saturating_shift_left(_reciprocal_of_one_plus(exp_on_negative_values(-abs(a), 4)), 1)
    return above if a > 0 else INT32_MAX - above


def tanh(a: int) -> int:
    """Hyperbolic tangent of a in Q4.27, as Q0.31."""
    if a == 0:
        return 0
    # e^-2|a|: the same bits, read with one integer bit more.
    quotient = _reciprocal_of_one_plus(exp_on_negative_values(-abs(a), 5)) - (1 << 29)
    above = _saturating_shift_left(quotient, 2)
    return above if a > 0 else -above


def sigmoid_table() -> npt.NDArray[np.uint16]:
    """The logistic function at i / 24 for i = 0..255 in Q0.16, as TFLite's int16 kernels have it: moved by half of what
    a line from half a step before to half a step behind errs there; the last entry is 1."""

    def exact(position: float) -> float:
        return 65536 / (1 + math.exp(-position / 24))

    def entry(i: int) -> int:
        error = (exact(i - 0.5) + exact(i + 0.5)) / 2 - exact(i)
        return math.floor(exact(i) - error / 2 + 0.5)

    return np.array([*(entry(i) for i in range(255)), 65535], np.uint16)


_HALF_THREE = (1 << 28) + (1 << 27)  # Q3.28
_HALF_SQRT_TWO = 1518500250  # Q0.31


def inverse_sqrt(value: int) -> tuple[int, int]:
    """1 / sqrt(value) for 1 <= value < 2^29 as (mantissa in Q0.31, shift, positive to the left): five Newton-Raphson
    steps in Q3.28. TFLite GetInvSqrtQuantizedMultiplierExp."""
    if value == 1:
        return INT32_MAX, 0
    pairs = (31 - value.bit_length()) // 2 - 1
    shift = 11 - pairs
    half = rounding_shift_right((value << 2 * pairs) >> 1, 1)
    x = 1 << 28
    for _ in range(5):
        cubed = _saturating_shift_left(doubling_high_multiply(doubling_high_multiply(x, x), x), 6)
        step = doubling_high_multiply(_HALF_THREE, x) - doubling_high_multiply(half, cubed)
        x = _saturating_shift_left(step, 3)
    mantissa = doubling_high_multiply(x, _HALF_SQRT_TWO)
    return (mantissa << -shift, 0) if shift < 0 else (mantissa, -shift)
