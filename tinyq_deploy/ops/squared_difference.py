# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE: two int8 tensors, element by element, broadcast."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.add import AddParams
from tinyq_deploy.ops.elementwise import Elementwise, Numbers, binary_rules
from tinyq_deploy.ops.rules import ZERO_POINTS

# TFLite scales both inputs by 2^7: the square of the difference then has 30 bits.
LEFT_SHIFT = 7
DIMENSIONS = 4


def factor_bounded(view: NodeView) -> str | None:
    """The square of the larger input scale is below 2^13 output scales."""
    factor = _factor(view)
    return None if factor < 2 else f"factor {factor:g}"


def _twice(view: NodeView) -> float:
    return 2 * max(view.given(0).scale, view.given(1).scale)


def _factor(view: NodeView) -> float:
    return _twice(view) ** 2 / ((1 << 2 * LEFT_SHIFT) * view.output().scale)


class SquaredDifference(Elementwise):
    """(a - b)^2."""

    name = "SQUARED_DIFFERENCE"
    operands = 2
    rules = binary_rules(factor_bounded, dimensions=DIMENSIONS)

    @staticmethod
    def params(view: NodeView) -> AddParams:
        """Quantisation as the kernels take it: tflite-micro's PrepareQuantized."""
        first, second, out = view.given(0), view.given(1), view.output()
        return AddParams(
            out.size, LEFT_SHIFT,
            -first.zero_point, *quantize_multiplier(first.scale / _twice(view)),
            -second.zero_point, *quantize_multiplier(second.scale / _twice(view)),
            out.zero_point, *quantize_multiplier(_factor(view)),
            *ZERO_POINTS["int8"],
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite's SquaredDifference."""
        p = cls.params(view)
        a = requantize_array((operands[0] + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
        b = requantize_array((operands[1] + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
        scaled = requantize_array((a - b) ** 2, p.output_multiplier, p.output_shift)
        clamped: Numbers = np.clip(scaled + p.output_offset, p.activation_min, p.activation_max)
        return clamped
