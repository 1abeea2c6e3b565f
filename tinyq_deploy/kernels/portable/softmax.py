# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX in portable C; it may write over what it reads."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.ops.softmax import Softmax


class PortableSoftmax(Kernel):
    """Softmax, row by row, with tables."""

    op = "SOFTMAX"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write = view.given(0).index, Write(view.output().index)
        if view.kind == "int16":
            tables = [Constant(name, values) for name, values in zip(_TABLES, Softmax.wide_tables(), strict=True)]
            params = Softmax.wide_params(view)
            return portable_call("softmax_s16", "softmax_s16", params, Read(read), *tables, write, in_place=(read,))
        table = Constant("exponential", Softmax.table(view).exponential)
        return portable_call("softmax", "softmax", Softmax.params(view), Read(read), table, write, in_place=(read,))


_TABLES = ("exponential", "reciprocal")
