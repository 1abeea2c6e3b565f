# SPDX-License-Identifier: Apache-2.0
"""RESHAPE: no code, a view of its input's memory."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write


class View(Kernel):
    """The output is the input's memory under another shape."""

    op = "RESHAPE"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        return KernelCall("portable", None, arguments=(Read(view.given(0).index), Write(view.output().index)))
