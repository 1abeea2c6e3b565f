# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D by CMSIS-NN."""

from __future__ import annotations

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Scratch, Target, Write
from tinyq_deploy.kernels.cmsis_nn import scratch
from tinyq_deploy.kernels.cmsis_nn.base import adapter_call
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D

AVERAGE = "arm_avgpool_s8"
MAX = "arm_max_pool_s8"


class CmsisNNAveragePool2D(Kernel):
    """arm_avgpool_s8."""

    op = "AVERAGE_POOL_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        if target.cmsis_nn is None or not target.cmsis_nn.has(AVERAGE):
            return None
        params = AveragePool2D.params(view)
        working = Scratch(scratch.average_pool_2d(params.channels, extension(target.core)))
        reads, writes = Read(view.given(0).index), Write(view.output().index)
        return adapter_call("average_pool_2d", "tinyq_pool_2d_params", params, (AVERAGE,), reads, working, writes)


class CmsisNNMaxPool2D(Kernel):
    """arm_max_pool_s8."""

    op = "MAX_POOL_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        if target.cmsis_nn is None or not target.cmsis_nn.has(MAX):
            return None
        reads, writes = Read(view.given(0).index), Write(view.output().index)
        return adapter_call("max_pool_2d", "tinyq_pool_2d_params", MaxPool2D.params(view), (MAX,), reads, writes)
