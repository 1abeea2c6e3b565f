# SPDX-License-Identifier: Apache-2.0
"""ADD: two int8 tensors of one shape, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array, Operator
from tinyq_deploy.ops.conv_2d import output_range

# TFLite scales both inputs by 2^20 before it adds them, to keep the rounding error below one unit.
LEFT_SHIFT = 20

Numbers = npt.NDArray[np.int64]


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


def operands_int8(view: NodeView) -> str | None:
    """Both inputs and the output are int8, quantised as a whole, zero point in -128..127."""
    tensors = (view.given(0), view.given(1), view.output())
    return next((found for tensor in tensors if (found := rules.per_tensor(tensor))), None)


def same_shapes(view: NodeView) -> str | None:
    """Both inputs and the output have the same shape."""
    shapes = [view.given(0).shape, view.given(1).shape, view.output().shape]
    return None if len(set(shapes)) == 1 else f"shapes {[list(shape) for shape in shapes]}"


def output_scale(view: NodeView) -> str | None:
    """The sum's rescaling factor is below 1: 2 * max(input scales) / 2^20 < output scale."""
    ratio = 2 * max(view.given(0).scale, view.given(1).scale) / ((1 << LEFT_SHIFT) * view.output().scale)
    return None if 0 < ratio < 1 else f"factor {ratio:g}"


class Add(Operator):
    """Elementwise sum."""

    name = "ADD"
    rules = (
        rules.operands(2),
        operands_int8,
        same_shapes,
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        output_scale,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: an addition is not a multiply-accumulate."""
        return 0

    @staticmethod
    def params(view: NodeView) -> AddParams:
        """Quantisation as the kernels take it: TFLite CalculateOpDataAdd."""
        first, second, out = view.given(0), view.given(1), view.output()
        twice = 2 * max(first.scale, second.scale)
        return AddParams(
            out.size, LEFT_SHIFT,
            -first.zero_point, *quantize_multiplier(first.scale / twice),
            -second.zero_point, *quantize_multiplier(second.scale / twice),
            out.zero_point, *quantize_multiplier(twice / ((1 << LEFT_SHIFT) * out.scale)),
            *output_range(view),
        )  # fmt: skip

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The sum of two constants."""
        first, second = view.given(0).data, view.given(1).data
        if first is None or second is None:
            return None
        return (add_values(Add.params(view), first.astype(np.int64), second.astype(np.int64)).astype(np.int8),)


def add_values(p: AddParams, first: Numbers, second: Numbers) -> Numbers:
    """What the kernels make of int8 values."""
    a = requantize_array((first + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    b = requantize_array((second + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    scaled = requantize_array(a + b, p.output_multiplier, p.output_shift)
    clamped: Numbers = np.clip(scaled + p.output_offset, p.activation_min, p.activation_max)
    return clamped
