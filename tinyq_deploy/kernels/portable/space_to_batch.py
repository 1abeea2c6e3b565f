# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND in portable C; BATCH_TO_SPACE_ND is a pick."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.kernels.portable.movement import moved_operand
from tinyq_deploy.ops.space_to_batch import SpaceToBatchNd


class PortableSpaceToBatchNd(Kernel):
    """Image by image."""

    op = "SPACE_TO_BATCH_ND"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write = moved_operand(view.given(0), "input"), Write(view.output().index)
        return portable_call("space_to_batch_nd", "space_to_batch", SpaceToBatchNd.params(view), read, write)
