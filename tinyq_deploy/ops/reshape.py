# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


class _View(Operator):
    """Another shape for the same elements; costs nothing at run time."""

    takes_reals = True

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """A constant input under the output's shape."""
        data = view.given(0).data
        return None if data is None else (data.reshape(view.output().shape),)


class Reshape(_View):
    """Any other shape."""

    name = "RESHAPE"
    rules = (rules.operands(2, optional=1), rules.constant(1, "new shape"), movement.moves(), rules.same_size)


class Squeeze(_View):
    """Axes of one element less."""

    name = "SQUEEZE"
    rules = (rules.operands(1), movement.moves(), rules.same_size)


class ExpandDims(_View):
    """An axis of one element more."""

    name = "EXPAND_DIMS"
    rules = (rules.operands(2), rules.constant(1, "axis"), movement.moves(), rules.same_size)
