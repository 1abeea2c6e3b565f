# SPDX-License-Identifier: Apache-2.0
"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator


class Reshape(Operator):
    """Another shape for the same elements; costs nothing at run time."""

    name = "RESHAPE"
    rules = (
        rules.operands(2, optional=1),
        rules.computed(0, "input"),
        rules.constant(1, "new shape"),
        rules.activations_int8,
        rules.same_quantization,
        rules.same_size,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0
