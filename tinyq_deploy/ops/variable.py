# SPDX-License-Identifier: Apache-2.0
"""Resource variables: VAR_HANDLE names one, CALL_ONCE initialises some, READ_VARIABLE and ASSIGN_VARIABLE use one.

states.py makes states of them, after which a READ_VARIABLE has what its variable holds at that point as its input, an
ASSIGN_VARIABLE what its variable holds from then on as its output, and the other two are gone.
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


def another_subgraph(view: NodeView) -> str | None:
    """It names another subgraph of the file, which only assigns constants to variables, before any is used."""
    number = view.number("init_subgraph_index", 0)
    return None if number > 0 else f"subgraph {number}"


class _Named(Operator):
    """Tells of variables; never runs on the target."""

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0


class VarHandle(_Named):
    """Another name for a variable."""

    name = "VAR_HANDLE"
    rules = (rules.operands(0),)


class CallOnce(_Named):
    """Initial values of variables."""

    name = "CALL_ONCE"
    rules = (rules.operands(0, outputs=0), another_subgraph)


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
