# SPDX-License-Identifier: Apache-2.0
"""TABLE: any function of a byte, element by element. No file holds it: passes make it of other operators.

Inputs: the activation, int8 or uint8 or bool, and the constant int8 [256] with the results for -128..127. Bytes of
other types than int8 are read and written as the int8 of the same bits.
"""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.elementwise import BYTES
from tinyq_deploy.ops.unary import Table as Entries
from tinyq_deploy.ops.unary import Unary, same_shape


def of_bytes(view: NodeView) -> str | None:
    """Input and output are int8, uint8 or bool."""
    found = [tensor for tensor in (view.given(0), view.output()) if tensor.dtype not in BYTES]
    return f"{found[0].name!r} is {found[0].dtype}" if found else None


def table_whole(view: NodeView) -> str | None:
    """The table is a constant of 256 int8."""
    table = view.given(1)
    found = f"{table.dtype} {list(table.shape)}"
    return None if table.data is not None and (table.dtype, table.shape) == ("int8", (256,)) else found


class Table(Unary):
    """Look-up."""

    name = "TABLE"
    builtin = False
    takes_reals = True
    rules = (rules.operands(2), rules.computed(0, "input"), of_bytes, same_shape, table_whole)

    @staticmethod
    def table(view: NodeView) -> Entries:
        """The constant."""
        data = view.given(1).data
        assert data is not None
        return data.astype(np.int8)
