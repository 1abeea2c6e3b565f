# SPDX-License-Identifier: Apache-2.0
"""DIV: two int8 tensors, element by element, broadcast.

Exact wherever TFLite defines a result. It does not where it shifts by more than 31 bits (a numerator of few steps, a
factor below 2^6), nor for x / 0, at which LiteRT stops: the oracle's bytes come from the processor it runs on then.
Here the one is 0, as the quotient rounds, and the other the end of the output's range on the numerator's side, 0 / 0
being 0.
"""

from __future__ import annotations

import numpy as np

from tinyq_deploy.fixed_point import doubling_high_multiply_array, quantize_multiplier, reciprocal, shift_right_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.ops.elementwise import Elementwise, Numbers, binary_rules
from tinyq_deploy.ops.mul import MulParams

# The quotient has 23 bits before the binary point of what it is scaled by, or more.
LARGEST_FACTOR = float(1 << 23)
DIMENSIONS = 5
# 1 / d in Q0.31 and the bits before its binary point, for the divisors that two int8 values can be apart.
_RECIPROCALS = np.array([(0, 0), *(reciprocal(divisor) for divisor in range(1, 256))], np.int64)
# Sign bits but one of an int32 of so many steps; -n has those of n - 1.
_HEADROOM = np.array([31 - value.bit_length() for value in range(256)], np.int64)


def factor_bounded(view: NodeView) -> str | None:
    """The first input's scale is below 2^23 times the product of the second one's and the output's."""
    factor = _factor(view)
    return None if factor < LARGEST_FACTOR else f"factor {factor:g}"


def _factor(view: NodeView) -> float:
    return view.given(0).scale / (view.given(1).scale * view.output().scale)


class Div(Elementwise):
    """Quotient."""

    name = "DIV"
    operands = 2
    clamps = True
    rules = binary_rules(
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        factor_bounded,
        dimensions=DIMENSIONS,
    )

    @staticmethod
    def params(view: NodeView) -> MulParams:
        """Quantisation as the kernels take it: TFLite CalculateOpDataDiv."""
        first, second, out = view.given(0), view.given(1), view.output()
        return MulParams(
            out.size, -first.zero_point, -second.zero_point, out.zero_point, *quantize_multiplier(_factor(view)),
            *output_range(view),
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite DivElementwise."""
        p = cls.params(view)
        first, divisor = np.broadcast_arrays(operands[0] + p.input1_offset, operands[1] + p.input2_offset)
        numerator = np.where(divisor < 0, -first, first)
        inverse, bits = np.moveaxis(_RECIPROCALS[np.abs(divisor)], -1, 0)
        headroom = _HEADROOM[np.where(numerator < 0, ~numerator, numerator)]
        scaled = doubling_high_multiply_array(numerator << headroom, inverse)
        right = bits + headroom - p.output_shift
        quotient = shift_right_array(doubling_high_multiply_array(scaled, p.output_multiplier), np.minimum(right, 31))
        quotient = np.where(right > 31, 0, quotient)
        quotient = np.where(divisor == 0, np.sign(first) * 256, quotient)
        clamped: Numbers = np.clip(quotient + p.output_offset, p.activation_min, p.activation_max)
        return clamped
