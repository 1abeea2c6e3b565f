# SPDX-License-Identifier: Apache-2.0
"""RSQRT, int8 -> int8 or int16 -> int16, in fixed point."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinyq_deploy.fixed_point import inverse_sqrt, quantize_multiplier, requantize
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.unary import Table, Unary, tabulate, unary_rules

# Bits of the square root's fraction.
FRACTION_BITS = 20


@dataclass(frozen=True)
class RsqrtParams:
    """Field for field the C struct tinyq_rsqrt_params."""

    size: int
    multiplier: int
    shift: int


def factor_bounded(view: NodeView) -> str | None:
    """1 / (sqrt(input scale) * output scale) is between 2^-10 and 2^30."""
    factor = _factor(view)
    return None if 2.0**-10 < factor < 2.0**30 else f"factor {factor:g}"


def _factor(view: NodeView) -> float:
    return 1 / (math.sqrt(view.given(0).scale) * view.output().scale)


class Rsqrt(Unary):
    """1 / sqrt(x). What is not above zero gives the largest output; the oracle takes 0 so and stops below it."""

    name = "RSQRT"
    rules = unary_rules(factor_bounded, types=rules.activations)

    @staticmethod
    def params(view: NodeView) -> RsqrtParams:
        """A node on int16 as the kernels take it."""
        multiplier, shift = quantize_multiplier(_factor(view))
        return RsqrtParams(view.output().size, multiplier, shift - FRACTION_BITS)

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite RsqrtEvalQuantized."""
        zero, out_zero = view.given(0).zero_point, view.output().zero_point
        multiplier, shift = quantize_multiplier(_factor(view))

        def result(value: int) -> int:
            if value <= zero:
                return 127
            mantissa, exponent = inverse_sqrt(value - zero)
            root = requantize(1, mantissa, exponent + FRACTION_BITS)
            return requantize(root, multiplier, shift - FRACTION_BITS) + out_zero

        return tabulate(result)
