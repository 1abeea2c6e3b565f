# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX in portable C; it may write over what it reads."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.softmax import Softmax


class PortableSoftmax(Kernel):
    """Softmax, row by row, with a table of exponentials."""

    op = "SOFTMAX"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, table = view.given(0).index, Constant("exponential", Softmax.table(view).exponential)
        writes = Write(view.output().index)
        return portable_call("softmax", "softmax", Softmax.params(view), Read(read), table, writes, in_place=(read,))
