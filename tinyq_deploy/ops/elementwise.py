# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators: each output element is a function of the input elements at its place, broadcast as numpy does.

One class per operator says what that function is, in integers. From it follow constant folding, intervals, tables.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array, Operator, Rule

Numbers = npt.NDArray[np.int64]
INT8_VALUES: Numbers = np.arange(-128, 128, dtype=np.int64)
MOST_DIMENSIONS = 6
BYTES = ("int8", "uint8", "bool")


class Elementwise(Operator):
    """Any such operator. `operands` of its inputs are read element by element; the others are parameters."""

    channelwise = True
    operands: ClassVar[int]

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: not a multiply-accumulate."""
        return 0

    @classmethod
    @abstractmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """What the operator makes of values in the operands' types, broadcast: int64 arrays in and out."""

    @classmethod
    def of_bytes(cls, view: NodeView) -> bool:
        """Whether all that a checked node reads and writes element by element are bytes. Its `values` then stand for
        those: uint8 as the int8 of the same bits, bool as 0 and 1."""
        tensors = (*(view.given(i) for i in range(cls.operands)), view.output())
        return all(tensor.dtype in BYTES for tensor in tensors)

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """`values` of constants."""
        constants = [data for i in range(cls.operands) if (data := view.given(i).data) is not None]
        if len(constants) < cls.operands:
            return None
        return (cls.values(view, *(data.astype(np.int64) for data in constants)).astype(view.output().dtype),)


def operands_int8(view: NodeView) -> str | None:
    """Both inputs and the output are int8, quantised as a whole, zero point in -128..127."""
    tensors = (view.given(0), view.given(1), view.output())
    return next((found for tensor in tensors if (found := rules.per_tensor(tensor))), None)


def _operands(view: NodeView) -> str | None:
    return rules.alike(view.given(0), view.given(1), view.output())


operands_alike = rules.documented(_operands, f"Both inputs and the output are {rules.ALIKE}.")


def operands_bool(view: NodeView) -> str | None:
    """Inputs and output are bool."""
    tensors = (*(view.given(i) for i in range(len(view.node.inputs))), view.output())
    return next((f"{tensor.name!r} is {tensor.dtype}" for tensor in tensors if tensor.dtype != "bool"), None)


def broadcasts(most: int = MOST_DIMENSIONS) -> Rule:
    """A rule: the inputs broadcast as numpy does, in as many dimensions as TFLite's kernels have loops."""

    def rule(view: NodeView) -> str | None:
        shapes = [*(view.given(i).shape for i in range(len(view.node.inputs))), view.output().shape]
        found = f"shapes {[list(shape) for shape in shapes]}"
        try:
            expected = np.broadcast_shapes(*shapes[:-1])
        except ValueError:
            return found
        fits = len(set(shapes)) == 1 or len(expected) <= most
        return None if shapes[-1] == expected and fits else found

    return rules.documented(
        rule, f"The inputs broadcast to the output's shape, which has at most {most} dimensions where they differ."
    )


class Binary(Elementwise):
    """A function of two tensors. In each operand alone, whatever the other is, the result rises or falls throughout,
    so that its extremes over two intervals are at their ends."""

    operands = 2


def binary_rules(*more: Rule, dimensions: int = MOST_DIMENSIONS, types: Rule = operands_int8) -> tuple[Rule, ...]:
    """The rules of an operator on two tensors, then `more`; `types` is operands_alike where it takes int16 too."""
    return (rules.operands(2), types, broadcasts(dimensions), *more)
