# SPDX-License-Identifier: Apache-2.0
"""NEG, int8 -> int8. Oracle: LiteRT, as tflite-micro has no int8 kernel; it negates the bytes, modulo 256."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.elementwise import INT8_VALUES
from tinyq_deploy.ops.unary import Table, Unary, unary_rules


def zero_point_zero(view: NodeView) -> str | None:
    """The zero point is 0: the kernel negates bytes."""
    zero = view.given(0).zero_point
    return None if zero == 0 else f"zero point {zero}"


class Neg(Unary):
    """Negation; -128 stays -128."""

    name = "NEG"
    rules = unary_rules(rules.same_quantization, zero_point_zero)

    @staticmethod
    def table(view: NodeView) -> Table:
        """Modulo 256."""
        return (-INT8_VALUES).astype(np.int8)
