# SPDX-License-Identifier: Apache-2.0
"""EXP, int8 -> int8 or int16 -> int16. Oracle: LiteRT, as tflite-micro has neither; it makes a table in float32."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.lookup import Curved
from tinyq_deploy.ops.unary import Table, exponential, real_table, unary_rules

# float32 holds e to this.
LARGEST_WIDE_INPUT = 88.0


def wide_input_bounded(view: NodeView) -> str | None:
    """With int16 the largest input is below 88."""
    most = 32767 * view.given(0).scale
    return None if view.kind != "int16" or most < LARGEST_WIDE_INPUT else f"scale {view.given(0).scale:g}"


class Exp(Curved):
    """e^x."""

    name = "EXP"
    rules = unary_rules(wide_input_bounded, types=rules.activations)

    @classmethod
    def function(cls, view: NodeView, x: np.float32) -> float:
        """As the oracle computes it."""
        return exponential(float(x))

    @staticmethod
    def table(view: NodeView) -> Table:
        """LiteRT's exp.cc."""
        return real_table(view, lambda x: exponential(float(x)))
