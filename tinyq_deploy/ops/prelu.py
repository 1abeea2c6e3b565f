# SPDX-License-Identifier: Apache-2.0
"""PRELU, int8: x where it is positive, else alpha * x, with an alpha for each channel or any shape that broadcasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.elementwise import Elementwise, Numbers, binary_rules
from tinyq_deploy.ops.mul import factor_bounded
from tinyq_deploy.ops.unary import ratio_bounded

DIMENSIONS = 4


@dataclass(frozen=True)
class PreluParams:
    """Field for field the C struct tinyq_prelu_params."""

    size: int
    input_offset: int
    alpha_offset: int
    output_offset: int
    above_multiplier: int
    above_shift: int
    below_multiplier: int
    below_shift: int


class Prelu(Elementwise):
    """Two slopes; its second operand is the lower one."""

    name = "PRELU"
    operands = 2
    rules = binary_rules(ratio_bounded, factor_bounded, dimensions=DIMENSIONS)

    @staticmethod
    def params(view: NodeView) -> PreluParams:
        """Quantisation as the kernels take it: tflite-micro's CalculatePreluParams."""
        source, alpha, out = view.given(0), view.given(1), view.output()
        return PreluParams(
            out.size, -source.zero_point, -alpha.zero_point, out.zero_point,
            *quantize_multiplier(source.scale / out.scale),
            *quantize_multiplier(source.scale * alpha.scale / out.scale),
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite's Prelu."""
        p = cls.params(view)
        value, alpha = operands[0] + p.input_offset, operands[1] + p.alpha_offset
        above = requantize_array(value, p.above_multiplier, p.above_shift)
        below = requantize_array(value * alpha, p.below_multiplier, p.below_shift)
        clamped: Numbers = np.clip(np.where(value >= 0, above, below) + p.output_offset, -128, 127)
        return clamped
