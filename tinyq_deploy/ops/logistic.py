# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH, int8 -> int8 or int16 -> int16, in fixed point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import INT32_MAX, logistic, quantize_multiplier, requantize, rounding_shift_right, tanh
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Rule
from tinyq_deploy.ops.rules import documented
from tinyq_deploy.ops.unary import Table, Unary, tabulate, unary_rules

# The argument is kept in Q4.27.
INTEGER_BITS = 4
LARGEST_SCALE = 16.0
# Of int16 it is kept in steps of 1 / (3 * 4096), the factor to them in 15 bits.
STEPS = 3 * 4096
LARGEST_WIDE_SCALE = 32767 / STEPS
WIDE_OUTPUT_SCALE = 1 / 32768


@dataclass(frozen=True)
class SigmoidParams:
    """Field for field the C struct tinyq_sigmoid_params."""

    size: int
    multiplier: int
    shift: int


def scale_bounded(view: NodeView) -> str | None:
    """The input scale is below 16, with int16 at most 2.66."""
    scale = view.given(0).scale
    fits = scale <= LARGEST_WIDE_SCALE if view.kind == "int16" else scale < LARGEST_SCALE
    return None if fits else f"scale {scale:g}"


def output_is(scale: float, zero_point: int, text: str, int16: bool = False) -> Rule:
    """A rule on the output's quantisation, of an operator that takes `int16` or does not."""

    def rule(view: NodeView) -> str | None:
        out = view.output()
        expected = (WIDE_OUTPUT_SCALE, 0) if view.kind == "int16" else (scale, zero_point)
        same = (out.scale, out.zero_point) == expected
        return None if same else f"scale {out.scale:g}, zero point {out.zero_point}"

    wide = ", with int16 1/32768 and 0" if int16 else ""
    return documented(rule, f"The output has scale {text} and zero point {zero_point}{wide}.")


def sigmoid_table() -> npt.NDArray[np.uint16]:
    """[256]: 1 / (1 + e^-x) in Q0.16 for x = i / 24, moved by half of what a line from half a step before to half a
    step behind errs there, so that lines between the entries err as much above as below; the last is 1."""

    def exact(position: float) -> float:
        return 65536 / (1 + math.exp(-position / 24))

    def entry(i: int) -> int:
        error = (exact(i - 0.5) + exact(i + 0.5)) / 2 - exact(i)
        return math.floor(exact(i) - error / 2 + 0.5)

    return np.array([*(entry(i) for i in range(255)), 65535], np.uint16)


def _power_of_two(scale: float) -> int | None:
    """The scale's binary logarithm, in float32, if that is within a thousandth of an integer. TFLite CheckedLog2."""
    logarithm = float(np.log(np.float32(scale)) * (np.float32(1) / np.log(np.float32(2))))
    return round(logarithm) if abs(logarithm - round(logarithm)) < 1e-3 else None


def sigmoid_params(view: NodeView, left_shifts: tuple[int, ...]) -> SigmoidParams:
    """Of a node on int16. A scale of 2^-12, shifted left by one of `left_shifts`, needs no rescaling but by 3."""
    scale, size = view.given(0).scale, view.output().size
    exponent = _power_of_two(scale)
    if exponent is not None and exponent + 12 in left_shifts:
        return SigmoidParams(size, 3 << (exponent + 12), 0)
    factor, shift = scale * STEPS, 0
    while factor <= 32767 / 2 and shift <= 30:
        factor, shift = factor * 2, shift + 1
    return SigmoidParams(size, int(factor), shift)


def _table(view: NodeView, function: Callable[[int], int], fraction_bits: int) -> Table:
    """`function` takes Q4.27 and gives Q0.31; beyond the argument's range the result is one end of the output's."""
    source, out = view.given(0), view.output()
    multiplier, shift = quantize_multiplier(source.scale * (1 << (31 - INTEGER_BITS)))
    radius = math.floor(((1 << INTEGER_BITS) - 1) * (1 << (31 - INTEGER_BITS)) / 2.0**shift)

    def result(value: int) -> int:
        centred = value - source.zero_point
        if abs(centred) >= radius:
            return INT32_MAX if centred > 0 else -INT32_MAX
        argument = requantize(centred, multiplier, shift)
        return rounding_shift_right(function(argument), 31 - fraction_bits) + out.zero_point

    return tabulate(result)


class Logistic(Unary):
    """1 / (1 + e^-x)."""

    name = "LOGISTIC"
    rules = unary_rules(scale_bounded, output_is(1 / 256, -128, "1/256", int16=True), types=rules.activations)

    @staticmethod
    def sigmoid(view: NodeView) -> SigmoidParams:
        """TFLite CalculateArithmeticOpDataLogistic, int16."""
        return sigmoid_params(view, (0,))

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite reference_integer_ops::Logistic."""
        return _table(view, logistic, 8)


class Tanh(Unary):
    """Hyperbolic tangent."""

    name = "TANH"
    rules = unary_rules(scale_bounded, output_is(1 / 128, 0, "1/128", int16=True), types=rules.activations)

    @staticmethod
    def sigmoid(view: NodeView) -> SigmoidParams:
        """TFLite's tanh, int16."""
        return sigmoid_params(view, (0, 1))

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite reference_integer_ops::Tanh."""
        return _table(view, tanh, 7)
