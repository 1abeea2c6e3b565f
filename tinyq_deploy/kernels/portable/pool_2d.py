# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, SUFFIXES, portable_call
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D


class PortableAveragePool2D(Kernel):
    """Mean of the taps inside the input."""

    op = "AVERAGE_POOL_2D"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        reads, writes = Read(view.given(0).index), Write(view.output().index)
        return portable_call(
            "average_pool_2d", "pool_2d", AveragePool2D.params(view), reads, writes, suffix=SUFFIXES[view.kind]
        )


class PortableMaxPool2D(Kernel):
    """Largest of the taps inside the input."""

    op = "MAX_POOL_2D"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        reads, writes = Read(view.given(0).index), Write(view.output().index)
        return portable_call(
            "max_pool_2d", "pool_2d", MaxPool2D.params(view), reads, writes, suffix=SUFFIXES[view.kind]
        )
