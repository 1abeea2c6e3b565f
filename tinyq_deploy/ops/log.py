# SPDX-License-Identifier: Apache-2.0
"""LOG, int8 -> int8. Oracle: LiteRT, as tflite-micro has no int8 kernel; it makes a table in float32."""

from __future__ import annotations

import math

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Table, Unary, real_table, unary_rules


class Log(Unary):
    """Natural logarithm; what is not above zero gives the least output."""

    name = "LOG"
    rules = unary_rules()

    @staticmethod
    def table(view: NodeView) -> Table:
        """LiteRT's elementwise.cc."""
        return real_table(view, lambda x: math.log(x) if x > 0 else -math.inf)
