# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN: where along an axis the largest or smallest element is, the first among equals.

Oracle: tflite-micro; LiteRT for int64, of the output or of the axis, which that lacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator


@dataclass(frozen=True)
class ArgMaxParams:
    """Field for field the C struct tinyq_arg_max_params."""

    outer: int
    extent: int
    inner: int
    flip: int
    words: int


def types(view: NodeView) -> str | None:
    """The input is int8, quantised as a whole, zero point in -128..127; the output is int32 or int64."""
    output = view.output()
    counts = output.dtype in movement.STATIC_TYPES
    return rules.per_tensor(view.given(0)) or (None if counts else f"{output.name!r} is {output.dtype}")


def one_axis(view: NodeView) -> str | None:
    """The axis is one of the input's."""
    numbers, rank = movement.values(view, 1), len(view.given(0).shape)
    return None if len(numbers) == 1 and -rank <= numbers[0] < rank else f"axis {numbers} of {rank}"


def axis(view: NodeView) -> int:
    """The axis that goes, counted from the start."""
    return movement.axis_of(movement.values(view, 1)[0], len(view.given(0).shape))


def without_axis(view: NodeView) -> tuple[int, ...]:
    """The input's shape without the axis."""
    shape, gone = view.given(0).shape, axis(view)
    return (*shape[:gone], *shape[gone + 1 :])


class ArgMax(Operator):
    """Position of the largest."""

    name = "ARG_MAX"
    # What makes the smallest int8 the largest, by exclusive or.
    flip: ClassVar[int] = 0
    rules = (
        rules.operands(2),
        types,
        movement.integers(1, "axis"),
        one_axis,
        movement.output_is(without_axis, "the input without the axis"),
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: it compares."""
        return 0

    @classmethod
    def params(cls, view: NodeView) -> ArgMaxParams:
        """Loops as the kernels take them."""
        shape, gone = view.given(0).shape, axis(view)
        words = movement.itemsize(view.output()) // 4
        return ArgMaxParams(math.prod(shape[:gone]), shape[gone], math.prod(shape[gone + 1 :]), cls.flip, words)

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """The positions in a constant input."""
        data = view.given(0).data
        if data is None:
            return None
        return (np.argmax(data.astype(np.int64) ^ cls.flip, axis(view)).astype(view.output().dtype),)


class ArgMin(ArgMax):
    """Position of the smallest."""

    name = "ARG_MIN"
    flip = -1
