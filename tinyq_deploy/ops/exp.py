# SPDX-License-Identifier: Apache-2.0
"""EXP, int8 -> int8. Oracle: LiteRT, as tflite-micro has no int8 kernel; it makes a table in float32."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Table, Unary, exponential, real_table, unary_rules


class Exp(Unary):
    """e^x."""

    name = "EXP"
    rules = unary_rules()

    @staticmethod
    def table(view: NodeView) -> Table:
        """LiteRT's exp.cc."""
        return real_table(view, lambda x: exponential(float(x)))
