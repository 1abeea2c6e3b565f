# SPDX-License-Identifier: Apache-2.0
"""GELU, int8 -> int8 or int16 -> int16. Oracle: LiteRT, as tflite-micro has no such kernel; it makes a table in
float32."""

from __future__ import annotations

import math

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.lookup import Curved
from tinyq_deploy.ops.unary import Table, real_table, unary_rules


class Gelu(Curved):
    """x times the normal distribution function of x, or its approximation by a hyperbolic tangent."""

    name = "GELU"
    rules = unary_rules(types=rules.activations)

    @classmethod
    def function(cls, view: NodeView, x: np.float32) -> float:
        """As the oracle computes it."""
        return _approximate(x) if view.option("approximate", False) else _exact(x)

    @staticmethod
    def table(view: NodeView) -> Table:
        """LiteRT's gelu.h."""
        return real_table(view, lambda x: Gelu.function(view, x))


def _exact(x: np.float32) -> float:
    return float(np.float32(0.5) * x * np.float32(math.erfc(float(x * np.float32(-math.sqrt(0.5))))))


def _approximate(x: np.float32) -> float:
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return float(np.float32(0.5) * x * (np.float32(1) + np.float32(math.tanh(inner))))
