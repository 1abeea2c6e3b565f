# SPDX-License-Identifier: Apache-2.0
"""TABLE: any function of int8, element by element. No file holds it: passes make it of other operators.

Inputs: the activation, and the constant int8 [256] with the results for -128..127.
"""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.unary import Table as Entries
from tinyq_deploy.ops.unary import Unary, same_shape


def table_whole(view: NodeView) -> str | None:
    """The table is a constant of 256 int8."""
    table = view.given(1)
    found = f"{table.dtype} {list(table.shape)}"
    return None if table.data is not None and (table.dtype, table.shape) == ("int8", (256,)) else found


class Table(Unary):
    """Look-up."""

    name = "TABLE"
    builtin = False
    rules = (rules.operands(2), rules.computed(0, "input"), rules.activations_int8, same_shape, table_whole)

    @staticmethod
    def table(view: NodeView) -> Entries:
        """The constant."""
        data = view.given(1).data
        assert data is not None
        return data.astype(np.int8)
