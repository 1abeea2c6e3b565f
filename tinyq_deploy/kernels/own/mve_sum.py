# SPDX-License-Identifier: Apache-2.0
"""SUM and MEAN for Helium: eight neighbours at a time where they stay, sixteen where they go."""

from __future__ import annotations

from dataclasses import replace

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.own.mve import mve_call, takes
from tinyq_deploy.ops.reduce import Sum, few_loops


class MveSum(Kernel):
    """SUM, or MEAN, which is a sum with another factor."""

    kernel_set = "own"

    def __init__(self, operator: type[Sum]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes nodes with few loops on a core with Helium."""
        if not takes(target) or not few_loops(view):
            return None
        read = operand(view.given(0), "input")
        in_place = (read.tensor,) if isinstance(read, Read) else ()
        params = self.operator.params(view)
        # The innermost axis of the input, whose step is 1, is the last one that stays or the last one that goes.
        stays = params.kept_step[-1] == 1
        call = mve_call("sum" if stays else "sum_runs", params, read, Write(view.output().index), in_place=in_place)
        return replace(call, header="own/mve/sum.h")
