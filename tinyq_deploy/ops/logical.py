# SPDX-License-Identifier: Apache-2.0
"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT on bool, of which each element is a byte, 0 or 1."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.elementwise import Binary, Numbers, broadcasts, operands_bool
from tinyq_deploy.ops.maximum import MaximumParams
from tinyq_deploy.ops.unary import Table, Unary, same_shape, tabulate

DIMENSIONS = 4


class LogicalAnd(Binary):
    """Both: the smaller of two bytes."""

    name = "LOGICAL_AND"
    rules = (rules.operands(2), operands_bool, broadcasts(DIMENSIONS))

    @staticmethod
    def params(view: NodeView) -> MaximumParams:
        """Size as the kernels take it."""
        return MaximumParams(view.output().size)

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """The bytes' minimum."""
        return np.minimum(operands[0], operands[1])


class LogicalOr(LogicalAnd):
    """One or both: the larger of two bytes."""

    name = "LOGICAL_OR"

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """The bytes' maximum."""
        return np.maximum(operands[0], operands[1])


class LogicalNot(Unary):
    """Neither."""

    name = "LOGICAL_NOT"
    rules = (rules.operands(1), rules.computed(0, "input"), rules.bool_to_bool, same_shape)

    @staticmethod
    def table(view: NodeView) -> Table:
        """1 for 0."""
        return tabulate(lambda value: int(value == 0))
