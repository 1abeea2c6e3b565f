# SPDX-License-Identifier: Apache-2.0
"""ADD and SUB: two tensors, element by element, broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.conv_2d import output_range
from tinyq_deploy.ops.elementwise import Binary, Numbers, binary_rules, operands_alike

# TFLite scales both inputs by 2^20, or int16 by 2^15, before it adds them, to keep the rounding error below one unit.
LEFT_SHIFTS = {"int8": 20, "int16": 15}


@dataclass(frozen=True)
class AddParams:
    """Field for field the C struct tinyq_add_params."""

    size: int
    left_shift: int
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    activation_min: int
    activation_max: int


def output_scale(view: NodeView) -> str | None:
    """The sum's rescaling factor is below 1: 2 * max(input scales) / 2^20, with int16 2^15, < output scale."""
    shift = LEFT_SHIFTS[view.output().dtype]
    ratio = 2 * max(view.given(0).scale, view.given(1).scale) / ((1 << shift) * view.output().scale)
    return None if 0 < ratio < 1 else f"factor {ratio:g}"


class Add(Binary):
    """Sum."""

    name = "ADD"
    clamps = True
    rules = binary_rules(
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        output_scale,
        types=operands_alike,
    )

    @staticmethod
    def params(view: NodeView) -> AddParams:
        """Quantisation as the kernels take it: TFLite CalculateOpDataAdd and CalculateOpDataSub."""
        first, second, out = view.given(0), view.given(1), view.output()
        twice, shift = 2 * max(first.scale, second.scale), LEFT_SHIFTS[out.dtype]
        return AddParams(
            out.size, shift,
            -first.zero_point, *quantize_multiplier(first.scale / twice),
            -second.zero_point, *quantize_multiplier(second.scale / twice),
            out.zero_point, *quantize_multiplier(twice / ((1 << shift) * out.scale)),
            *output_range(view),
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite AddElementwise."""
        return add_values(cls.params(view), operands[0], operands[1])


class Sub(Add):
    """Difference."""

    name = "SUB"

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite SubElementwise."""
        return add_values(cls.params(view), operands[0], operands[1], sign=-1)


def add_values(p: AddParams, first: Numbers, second: Numbers, sign: int = 1) -> Numbers:
    """What the kernels make of values; `sign` -1 subtracts the second."""
    a = requantize_array((first + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    b = requantize_array((second + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    scaled = requantize_array(a + sign * b, p.output_multiplier, p.output_shift)
    clamped: Numbers = np.clip(scaled + p.output_offset, p.activation_min, p.activation_max)
    return clamped
