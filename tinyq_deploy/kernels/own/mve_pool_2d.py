# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D for Helium."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.own.mve import mve_call, reading_lead, takes
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D, Pool2DParams

# |sum| + count / 2 of that many taps, and its product with a mean, stay inside int32.
LARGEST_COUNT = 1 << 16


class MveAveragePool2D(Kernel):
    """Four channels at a time."""

    op = "AVERAGE_POOL_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes windows of up to 65,536 taps on a core with Helium."""
        p = AveragePool2D.params(view)
        if not takes(target) or p.filter_height * p.filter_width > LARGEST_COUNT:
            return None
        return _call("average_pool_2d", view, p)


class MveMaxPool2D(Kernel):
    """Sixteen channels at a time."""

    op = "MAX_POOL_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node on a core with Helium."""
        if not takes(target):
            return None
        return _call("max_pool_2d", view, MaxPool2D.params(view))


def _call(name: str, view: NodeView, p: Pool2DParams) -> KernelCall:
    rows = np.maximum(np.arange(p.output_height) * p.stride_height - p.pad_top, 0)[:, None] * p.input_width
    reads = (rows + np.maximum(np.arange(p.output_width) * p.stride_width - p.pad_left, 0)) * p.channels
    lead = reading_lead(reads, p.channels)
    return mve_call(name, p, Read(view.given(0).index), Write(view.output().index), lead=lead)
