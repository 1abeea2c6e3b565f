# SPDX-License-Identifier: Apache-2.0
"""CAST in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.kernels.portable.movement import moved_operand
from tinyq_deploy.ops import movement
from tinyq_deploy.ops.cast import Cast


class PortableCast(Kernel):
    """Number by number, over the input where it may."""

    op = "CAST"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node. A wider output grows over its input from the front."""
        source, output = view.given(0), view.output()
        read, write = moved_operand(source, "input"), Write(output.index)
        wider = movement.itemsize(output) - movement.itemsize(source)
        computed = isinstance(read, Read)
        in_place = (source.index,) if computed and wider <= 0 else ()
        lead = wider * (output.size - 1) if computed and wider > 0 else None
        return portable_call("cast", "cast", Cast.params(view), read, write, in_place=in_place, lead=lead)
