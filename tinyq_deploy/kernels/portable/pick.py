# SPDX-License-Identifier: Apache-2.0
"""Operators whose output is made of elements of the input, in portable C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Target, Write
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.kernels.portable.movement import copy_call, moved_operand
from tinyq_deploy.ops.gather import INDICES, Gatherer
from tinyq_deploy.ops.movement import MOST_AXES, Copy
from tinyq_deploy.ops.pick import Picker


@dataclass(frozen=True)
class PickParams:
    """Field for field the C struct tinyq_pick_params."""

    extent: tuple[int, ...]
    run: int
    width: int


class PortablePick(Kernel):
    """A copy between two grids where that is what it is, else a look-up in tables."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, picker: type[Picker]) -> None:
        self.op, self.picker = picker.name, picker

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node whose tables are known."""
        if not self.picker.known(view):
            return None
        found, source = self.picker.picked(view), view.given(0)
        if isinstance(found, Copy):
            return copy_call(source, view.output(), found)
        tables = ((0,),) * (MOST_AXES - len(found.tables)) + found.tables
        params = PickParams(tuple(len(table) for table in tables), found.run, found.width)
        places = Constant("tables", np.array([entry for table in tables for entry in table], np.int32))
        return portable_call("pick", "pick", params, moved_operand(source, "input"), places, Write(view.output().index))


class PortableGather(PortablePick):
    """By constant indices, or by those that another layer computes."""

    def __init__(self, gatherer: type[Gatherer]) -> None:
        super().__init__(gatherer)
        self.gatherer = gatherer

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        if self.gatherer.known(view):
            return super().call(view, target)
        reads = moved_operand(view.given(0), "input"), moved_operand(view.given(INDICES), "indices")
        return portable_call("gather", "gather", self.gatherer.params(view), *reads, Write(view.output().index))
