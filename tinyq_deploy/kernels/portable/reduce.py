# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN in portable C; all may write over what they read."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.portable.base import ALIKE, SUFFIXES, portable_call
from tinyq_deploy.ops.reduce import Reduce, few_loops, loops


class PortableReduce(Kernel):
    """Output by output, all elements that become it. `function` computes the operator's params: MEAN is a sum with
    another factor."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, operator: type[Reduce], function: str) -> None:
        self.op, self.operator, self.function = operator.name, operator, function

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read = operand(view.given(0), "input")
        in_place = (read.tensor,) if isinstance(read, Read) else ()
        write, suffix = Write(view.output().index), SUFFIXES[view.kind]
        if few_loops(view):
            params = self.operator.params(view)
            return portable_call(self.function, "reduce", params, read, write, in_place=in_place, suffix=suffix)
        found, many = loops(view), self.operator.many_params(view)
        axes = Constant("axes", np.array([*found.kept, *found.reduced], np.int32))
        name = f"{self.function}_many"
        return portable_call(name, "reduce_many", many, read, axes, write, in_place=in_place, suffix=suffix)
