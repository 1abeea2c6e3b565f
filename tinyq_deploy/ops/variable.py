# SPDX-License-Identifier: Apache-2.0
"""READ_VARIABLE and ASSIGN_VARIABLE: the old value of a state, and its new one.

states.py has made plain inputs and outputs of the variables: a READ_VARIABLE reads what its variable holds at that
point, an ASSIGN_VARIABLE writes what its variable holds from then on.
"""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array, Operator


def same_bytes(view: NodeView) -> str | None:
    """What is read or assigned has the variable's type and number of elements."""
    a, b = view.given(0), view.output()
    if (a.dtype, a.size) == (b.dtype, b.size):
        return None
    return f"{a.name!r} is {a.dtype} {list(a.shape)}, {b.name!r} {b.dtype} {list(b.shape)}"


class ReadVariable(Operator):
    """The bytes of a variable as they are."""

    name = "READ_VARIABLE"
    rules = (rules.operands(1), same_bytes)

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """A constant that was assigned before, under the output's shape."""
        data = view.given(0).data
        return None if data is None else (data.reshape(view.output().shape),)


class AssignVariable(Operator):
    """A variable's new bytes."""

    name = "ASSIGN_VARIABLE"
    rules = (rules.operands(1), same_bytes)

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0
