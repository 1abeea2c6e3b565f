# SPDX-License-Identifier: Apache-2.0
"""SELECT_V2 and SELECT: element by element the second input where the first, a condition, is true, else the third.

Oracle for SELECT: LiteRT; tflite-micro has SELECT_V2 alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array
from tinyq_deploy.ops.elementwise import Elementwise, Numbers, broadcasts

CONDITION, CHOSEN, OTHER = range(3)
DIMENSIONS = 5


@dataclass(frozen=True)
class SelectParams:
    """Field for field the C struct tinyq_select_params."""

    size: int


def types(view: NodeView) -> str | None:
    """The condition is bool; what it selects from and the output are int8, quantised as a whole, zero point in
    -128..127."""
    condition = view.given(CONDITION)
    if condition.dtype != "bool":
        return f"{condition.name!r} is {condition.dtype}"
    tensors = (view.given(CHOSEN), view.given(OTHER), view.output())
    return next((found for tensor in tensors if (found := rules.per_tensor(tensor))), None)


def same_quantization(view: NodeView) -> str | None:
    """What the condition selects from and the output have the same scale and zero point."""
    found = [(t.scale, t.zero_point) for t in (view.given(CHOSEN), view.given(OTHER), view.output())]
    return None if len(set(found)) == 1 else ", ".join(f"{scale:g}/{zero}" for scale, zero in found)


def same_shapes(view: NodeView) -> str | None:
    """What it selects from and the output have one shape; the condition has it too, or is a scalar, or a vector with an
    entry for each index of the first dimension."""
    shape = view.output().shape
    shapes = [view.given(position).shape for position in (CONDITION, CHOSEN, OTHER)]
    fits = shapes[1:] == [shape, shape] and shapes[0] in (shape, (), shape[:1])
    return None if fits else f"shapes {[list(s) for s in (*shapes, shape)]}"


class SelectV2(Elementwise):
    """Choice by a condition that broadcasts."""

    name = "SELECT_V2"
    operands = 3
    rules = (rules.operands(3), types, broadcasts(DIMENSIONS), same_quantization)

    @staticmethod
    def shapes(view: NodeView) -> list[tuple[int, ...]]:
        """The inputs' shapes, as they broadcast."""
        return [view.given(position).shape for position in (CONDITION, CHOSEN, OTHER)]

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite's Select."""
        return np.where(operands[CONDITION] != 0, operands[CHOSEN], operands[OTHER])


class Select(SelectV2):
    """Choice by a condition of the same shape, or one for each index of the first dimension."""

    name = "SELECT"
    channelwise = False
    rules = (rules.operands(3), types, same_shapes, same_quantization)

    @staticmethod
    def shapes(view: NodeView) -> list[tuple[int, ...]]:
        """The inputs' shapes; a vector stands along the first dimension."""
        condition, *others = SelectV2.shapes(view)
        if len(condition) == 1:
            condition = (*condition, *(1,) * (len(others[0]) - 1))
        return [condition, *others]

    @classmethod
    def of_bytes(cls, view: NodeView) -> bool:
        """Not where the condition is a vector, which numpy would lay along the last dimension."""
        return cls.shapes(view) == SelectV2.shapes(view)

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """`values` of constants, but for such a vector."""
        return super().evaluate(view) if cls.of_bytes(view) else None
