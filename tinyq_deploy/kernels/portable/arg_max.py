# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, operand
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.arg_max import ArgMax


class PortableArgMax(Kernel):
    """Output by output, all elements along the axis."""

    kernel_set = "portable"

    def __init__(self, operator: type[ArgMax]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write = operand(view.given(0), "input"), Write(view.output().index)
        return portable_call("arg_max", "arg_max", self.operator.params(view), read, write)
