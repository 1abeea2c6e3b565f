# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION in portable C: row by row; they may write over what they read."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.ops.l2_normalization import L2Normalization
from tinyq_deploy.ops.log_softmax import LogSoftmax
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


class PortableLogSoftmax(Kernel):
    """Logarithm of softmax, with a table of exponentials."""

    op = "LOG_SOFTMAX"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, table = view.given(0).index, Constant("exponential", LogSoftmax.table(view))
        arguments = (Read(read), table, Write(view.output().index))
        return portable_call("log_softmax", "log_softmax", LogSoftmax.params(view), *arguments, in_place=(read,))


class PortableL2Normalization(Kernel):
    """Each row by the inverse of its length."""

    op = "L2_NORMALIZATION"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write, params = view.given(0).index, Write(view.output().index), L2Normalization.params(view)
        return portable_call("l2_normalization", "l2_normalization", params, Read(read), write, in_place=(read,))
