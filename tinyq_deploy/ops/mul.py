# SPDX-License-Identifier: Apache-2.0
"""MUL: two tensors, element by element, broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.ops.elementwise import Binary, Numbers, binary_rules, operands_alike

# A product of int8 has 16 bits and a sign; shifted left by at most 15 it stays in int32. One of int16 leaves no room.
LARGEST_FACTOR, LARGEST_WIDE_FACTOR = float(1 << 15), 1.0


@dataclass(frozen=True)
class MulParams:
    """Field for field the C struct tinyq_mul_params."""

    size: int
    input1_offset: int
    input2_offset: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    activation_min: int
    activation_max: int


def factor_bounded(view: NodeView) -> str | None:
    """The product of the input scales is below 2^15 output scales."""
    factor = _factor(view)
    return None if factor < LARGEST_FACTOR else f"factor {factor:g}"


def wide_factor_bounded(view: NodeView) -> str | None:
    """With int16 the product of the input scales is below the output scale."""
    factor = _factor(view)
    return None if view.kind != "int16" or factor < LARGEST_WIDE_FACTOR else f"factor {factor:g}"


def _factor(view: NodeView) -> float:
    return view.given(0).scale * view.given(1).scale / view.output().scale


class Mul(Binary):
    """Product."""

    name = "MUL"
    clamps = True
    rules = binary_rules(
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        factor_bounded,
        wide_factor_bounded,
        types=operands_alike,
    )

    @staticmethod
    def params(view: NodeView) -> MulParams:
        """Quantisation as the kernels take it: TFLite mul's CalculateOpData."""
        first, second, out = view.given(0), view.given(1), view.output()
        return MulParams(
            out.size, -first.zero_point, -second.zero_point, out.zero_point, *quantize_multiplier(_factor(view)),
            *output_range(view),
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite MulElementwise."""
        p = cls.params(view)
        product = (operands[0] + p.input1_offset) * (operands[1] + p.input2_offset)
        scaled = requantize_array(product, p.output_multiplier, p.output_shift)
        clamped: Numbers = np.clip(scaled + p.output_offset, p.activation_min, p.activation_max)
        return clamped
