# SPDX-License-Identifier: Apache-2.0
"""RESIZE_BILINEAR in portable C; RESIZE_NEAREST_NEIGHBOR is a pick."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, operand
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.resize import ResizeBilinear


class PortableResizeBilinear(Kernel):
    """Pixel by pixel."""

    op = "RESIZE_BILINEAR"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write = operand(view.given(0), "input"), Write(view.output().index)
        return portable_call("resize_bilinear", "resize_bilinear", ResizeBilinear.params(view), read, write)
