# SPDX-License-Identifier: Apache-2.0
"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL: two int8 tensors, of any two quantisations, or for the
first two of bool, broadcast, to bool.

TFLite compares int8 as 256 times the real values, rounded: values that are closer than that are equal to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize_array
from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.elementwise import Binary, Elementwise, Numbers, broadcasts

LEFT_SHIFT = 8
DIMENSIONS = 4


@dataclass(frozen=True)
class CompareParams:
    """Field for field the C struct tinyq_compare_params."""

    size: int
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int
    less: int
    equal: int
    greater: int


def inputs_int8(view: NodeView) -> str | None:
    """Both inputs are int8, quantised as a whole, zero point in -128..127; the output is bool."""
    return rules.per_tensor(view.given(0)) or rules.per_tensor(view.given(1)) or _bool(view.output())


def inputs_int8_or_bool(view: NodeView) -> str | None:
    """Both inputs are int8, quantised as a whole, zero point in -128..127, or both bool; the output is bool."""
    if view.given(0).dtype == "bool":
        return _bool(view.given(1)) or _bool(view.output())
    return inputs_int8(view)


def _bool(tensor: Tensor) -> str | None:
    return None if tensor.dtype == "bool" else f"{tensor.name!r} is {tensor.dtype}"


def scales_bounded(view: NodeView) -> str | None:
    """The scales of int8 inputs are below 1."""
    scales = [t.scale for t in (view.given(0), view.given(1)) if t.dtype == "int8"]
    return None if all(scale < 1 for scale in scales) else f"scales {scales}"


def _quantization(tensor: Tensor) -> tuple[int, int, int]:
    if tensor.dtype == "bool":
        return 0, *quantize_multiplier(1.0)
    return -tensor.zero_point, *quantize_multiplier(tensor.scale)


class Comparison(Elementwise):
    """What is true where the first is less than the second, equal to it, greater."""

    operands = 2
    true: ClassVar[tuple[bool, bool, bool]]
    rules = (rules.operands(2), inputs_int8, broadcasts(DIMENSIONS), scales_bounded)

    @classmethod
    def params(cls, view: NodeView) -> CompareParams:
        """Quantisation as the kernels take it: tflite-micro's ComparisonsPrepare."""
        return CompareParams(
            view.output().size, *_quantization(view.given(0)), *_quantization(view.given(1)),
            *(int(here) for here in cls.true),
        )  # fmt: skip

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite's ComparisonWithScaling."""
        p = cls.params(view)
        a = requantize_array((operands[0] + p.input1_offset) << LEFT_SHIFT, p.input1_multiplier, p.input1_shift)
        b = requantize_array((operands[1] + p.input2_offset) << LEFT_SHIFT, p.input2_multiplier, p.input2_shift)
        results: Numbers = np.array(cls.true, np.int64)[np.sign(a - b) + 1]
        return results


class Equal(Comparison):
    """a == b."""

    name = "EQUAL"
    true = (False, True, False)
    rules = (rules.operands(2), inputs_int8_or_bool, broadcasts(DIMENSIONS), scales_bounded)


class NotEqual(Equal):
    """a != b."""

    name = "NOT_EQUAL"
    true = (True, False, True)


class Greater(Comparison, Binary):
    """a > b."""

    name = "GREATER"
    true = (False, False, True)


class GreaterEqual(Comparison, Binary):
    """a >= b."""

    name = "GREATER_EQUAL"
    true = (False, True, True)


class Less(Comparison, Binary):
    """a < b."""

    name = "LESS"
    true = (True, False, False)


class LessEqual(Comparison, Binary):
    """a <= b."""

    name = "LESS_EQUAL"
    true = (True, True, False)
