# SPDX-License-Identifier: Apache-2.0
"""ADD and SOFTMAX by CMSIS-NN; both may write over what they read."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import quantize_multiplier
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.broadcast import broadcasts
from tinyq_deploy.kernels.cmsis_nn.base import adapter_call
from tinyq_deploy.ops.add import Add
from tinyq_deploy.ops.softmax import Softmax

ADD = "arm_elementwise_add_s8"
SOFTMAX = "arm_softmax_s8"
FIRST_SOFTMAX_ON_MVE = (4, 1, 0)


class CmsisNNAdd(Kernel):
    """arm_elementwise_add_s8."""

    op = "ADD"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        if target.cmsis_nn is None or not target.cmsis_nn.has(ADD) or broadcasts(view):
            return None
        inputs = (operand(view.given(0), "input1"), operand(view.given(1), "input2"))
        in_place = tuple(argument.tensor for argument in inputs if isinstance(argument, Read))
        writes = Write(view.output().index)
        return adapter_call("add", "tinyq_add_params", Add.params(view), (ADD,), *inputs, writes, in_place=in_place)


# From 512 near-equal entries on, every output is below half a unit, and the library shifts by 32 bits or more.
_LONGEST_ROW = 511


@dataclass(frozen=True)
class SoftmaxParams:
    """Field for field the C struct tinyq_cmsis_nn_softmax_params."""

    rows: int
    depth: int
    multiplier: int
    shift: int
    diff_min: int


class CmsisNNSoftmax(Kernel):
    """arm_softmax_s8."""

    op = "SOFTMAX"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes rows of up to 511, but not with version 4.0 on MVE: gcc up to 12.2 breaks off with an internal error
        there; later versions take their plain kernel for these compilers."""
        library = target.cmsis_nn
        if library is None or not library.has(SOFTMAX):
            return None
        if extension(target.core) == "mve" and library.version < FIRST_SOFTMAX_ON_MVE:
            return None
        own = Softmax.params(view)
        if own.depth > _LONGEST_ROW:
            return None
        scale = float(view.option("beta", 0.0)) * view.given(0).scale * (1 << 26)
        params = SoftmaxParams(own.rows, own.depth, *quantize_multiplier(min(scale, (1 << 31) - 1.0)), own.diff_min)
        read, write = view.given(0).index, view.output().index
        return adapter_call(
            "softmax", "tinyq_cmsis_nn_softmax_params", params, (SOFTMAX,), Read(read), Write(write), in_place=(read,)
        )
