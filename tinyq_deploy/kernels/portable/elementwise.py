# SPDX-License-Identifier: Apache-2.0
"""ADD and SOFTMAX in portable C; both may write over what they read."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.add import Add
from tinyq_deploy.ops.softmax import Softmax


class PortableAdd(Kernel):
    """Sum, element by element."""

    op = "ADD"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        inputs = (operand(view.given(0), "input1"), operand(view.given(1), "input2"))
        in_place = tuple(argument.tensor for argument in inputs if isinstance(argument, Read))
        writes = Write(view.output().index)
        return portable_call("add", "add", Add.params(view), *inputs, writes, in_place=in_place)


class PortableSoftmax(Kernel):
    """Softmax, row by row, with a table of exponentials."""

    op = "SOFTMAX"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, table = view.given(0).index, Constant("exponential", Softmax.table(view).exponential)
        writes = Write(view.output().index)
        return portable_call("softmax", "softmax", Softmax.params(view), Read(read), table, writes, in_place=(read,))
