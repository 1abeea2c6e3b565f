# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH, int8 -> int8, in fixed point."""

from __future__ import annotations

import math
from collections.abc import Callable

from tinyq_deploy.fixed_point import INT32_MAX, logistic, quantize_multiplier, requantize, rounding_shift_right, tanh
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.base import Rule
from tinyq_deploy.ops.rules import documented
from tinyq_deploy.ops.unary import Table, Unary, tabulate, unary_rules

# The argument is kept in Q4.27.
INTEGER_BITS = 4
LARGEST_SCALE = 16.0


def scale_bounded(view: NodeView) -> str | None:
    """The input scale is below 16."""
    return None if view.given(0).scale < LARGEST_SCALE else f"scale {view.given(0).scale:g}"


def output_is(scale: float, zero_point: int, text: str) -> Rule:
    """A rule on the output's quantisation."""

    def rule(view: NodeView) -> str | None:
        out = view.output()
        same = (out.scale, out.zero_point) == (scale, zero_point)
        return None if same else f"scale {out.scale:g}, zero point {out.zero_point}"

    return documented(rule, f"The output has scale {text} and zero point {zero_point}.")


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
    rules = unary_rules(scale_bounded, output_is(1 / 256, -128, "1/256"))

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite reference_integer_ops::Logistic."""
        return _table(view, logistic, 8)


class Tanh(Unary):
    """Hyperbolic tangent."""

    name = "TANH"
    rules = unary_rules(scale_bounded, output_is(1 / 128, 0, "1/128"))

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite reference_integer_ops::Tanh."""
        return _table(view, tanh, 7)
