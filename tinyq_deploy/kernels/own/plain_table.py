# SPDX-License-Identifier: Apache-2.0
"""All functions of one int8 as a look-up of several elements at a time, on every core without Helium."""

from __future__ import annotations

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, params_of
from tinyq_deploy.kernels.portable.table import TableParams, packed


class OwnTable(Kernel):
    """The look-up for one operator; it may write over what it reads."""

    kernel_set = "own"

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node where speed counts; the portable loop is the smallest."""
        if target.small or extension(target.core) == "mve":
            return None
        read = view.given(0).index
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_plain_table",
            header="own/plain/table.h",
            params_type="tinyq_table_params",
            params=params_of(TableParams(view.output().size)),
            arguments=(Read(read), packed(view), Write(view.output().index)),
            in_place=(read,),
        )
