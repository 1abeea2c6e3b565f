# SPDX-License-Identifier: Apache-2.0
"""All functions of one int8 for Helium: sixteen look-ups at a time."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.own.mve import mve_call, takes
from tinyq_deploy.kernels.portable.table import TableParams, packed


class MveTable(Kernel):
    """The look-up for one operator."""

    kernel_set = "own"

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node on a core with Helium."""
        if not takes(target):
            return None
        reads, writes = Read(view.given(0).index), Write(view.output().index)
        return mve_call("table", TableParams(view.output().size), reads, packed(view), writes, lead=0)
