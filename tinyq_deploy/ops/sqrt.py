# SPDX-License-Identifier: Apache-2.0
"""SQRT, int8 -> int8. Oracle: LiteRT, as tflite-micro has no int8 kernel; it computes in float32 and rounds down."""

from __future__ import annotations

import math

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Table, Unary, tabulate, unary_rules


class Sqrt(Unary):
    """Square root. What is below zero gives that of zero; the oracle stops there."""

    name = "SQRT"
    rules = unary_rules()

    @staticmethod
    def table(view: NodeView) -> Table:
        """LiteRT's elementwise.cc."""
        source, out = view.given(0), view.output()

        def result(value: int) -> int:
            real = np.float32(source.scale) * np.float32(max(0, value - source.zero_point))
            return math.floor(float(np.sqrt(real) / np.float32(out.scale))) + out.zero_point

        return tabulate(result)
