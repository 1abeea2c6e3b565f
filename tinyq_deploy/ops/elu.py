# SPDX-License-Identifier: Apache-2.0
"""ELU, int8 -> int8, from a table that the oracle too makes in float32."""

from __future__ import annotations

import math

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Table, Unary, real_table, unary_rules


class Elu(Unary):
    """x where it is positive, else e^x - 1."""

    name = "ELU"
    rules = unary_rules()

    @staticmethod
    def table(view: NodeView) -> Table:
        """tflite-micro's elu.cc."""
        return real_table(view, lambda x: np.float32(math.exp(x)) - np.float32(1) if x < 0 else x)
