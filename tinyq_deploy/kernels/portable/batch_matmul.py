# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, operand
from tinyq_deploy.kernels.portable.base import ALIKE, SUFFIXES, portable_call
from tinyq_deploy.ops.batch_matmul import BatchMatmul, X, Y


class PortableBatchMatmul(Kernel):
    """One dot product per output."""

    op = "BATCH_MATMUL"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        inputs = operand(view.given(X), "x"), operand(view.given(Y), "y")
        params, write = BatchMatmul.params(view), Write(view.output().index)
        return portable_call("batch_matmul", "batch_matmul", params, *inputs, write, suffix=SUFFIXES[view.kind])
