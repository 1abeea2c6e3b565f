# SPDX-License-Identifier: Apache-2.0
"""LEAKY_RELU, int8 -> int8 or int16 -> int16: x where it is positive, else alpha * x."""

from __future__ import annotations

from tinyq_deploy.fixed_point import requantize
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.slopes import Sloped, SlopesParams, lines
from tinyq_deploy.ops.unary import LARGEST_RATIO, Table, ratio_bounded, scale_multiplier, tabulate, unary_rules


def alpha_bounded(view: NodeView) -> str | None:
    """alpha is a number, and alpha times the input scale is below 2^22 output scales."""
    alpha = float(view.option("alpha", 0.0))
    return None if abs(alpha) * view.given(0).scale / view.output().scale < LARGEST_RATIO else f"alpha {alpha:g}"


class LeakyRelu(Sloped):
    """Two slopes."""

    name = "LEAKY_RELU"
    rules = unary_rules(ratio_bounded, alpha_bounded, types=rules.activations)

    @classmethod
    def slopes(cls, view: NodeView) -> SlopesParams:
        """The same as for int8."""
        alpha = float(view.option("alpha", 0.0))
        return lines(view, scale_multiplier(view), scale_multiplier(view, abs(alpha)), after=-1 if alpha < 0 else 1)

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite QuantizeLeakyRelu. A negative alpha turns the rounded product of its amount around."""
        zero, out_zero, alpha = view.given(0).zero_point, view.output().zero_point, float(view.option("alpha", 0.0))
        above, below = scale_multiplier(view), scale_multiplier(view, abs(alpha))
        sign = -1 if alpha < 0 else 1

        def result(value: int) -> int:
            if value >= zero:
                return requantize(value - zero, *above) + out_zero
            return sign * requantize(value - zero, *below) + out_zero

        return tabulate(result)
