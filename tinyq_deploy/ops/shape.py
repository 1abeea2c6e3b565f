# SPDX-License-Identifier: Apache-2.0
"""SHAPE: the extents of a tensor, which are known when the model is read."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator


def holds_extents(view: NodeView) -> str | None:
    """The output is a vector of int32 or int64 with an entry for each axis of the input."""
    output, rank = view.output(), len(view.given(0).shape)
    if output.dtype in movement.STATIC_TYPES and output.shape == (rank,):
        return None
    return f"{output.name!r} is {output.dtype} {list(output.shape)} for {rank} axes"


class Shape(Operator):
    """Extents as numbers; never runs on the target."""

    name = "SHAPE"
    rules = (rules.operands(1), holds_extents)

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The input's shape; its values need not be known."""
        return (np.array(view.given(0).shape, view.output().dtype),)
