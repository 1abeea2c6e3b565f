# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements, for Helium: runs in vectors, single bytes by gathers and scatters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, operand
from tinyq_deploy.kernels.own.mve import mve_call, takes
from tinyq_deploy.kernels.portable.movement import PortableJoin, PortableSplit
from tinyq_deploy.ops.movement import Axis, Mover

AXES = 6
# What eight steps of 16 bits reach.
LARGEST_STEP = 65535 // 7


@dataclass(frozen=True)
class MveCopyParams:
    """Field for field the C struct tinyq_own_mve_copy_params."""

    extent: tuple[int, ...]
    input_step: tuple[int, ...]
    output_step: tuple[int, ...]
    input_start: int
    output_start: int
    filled: int
    fill: int
    output_bytes: int


class MveCopy(Kernel):
    """One copy between two grids of addresses."""

    kernel_set = "own"

    def __init__(self, mover: type[Mover]) -> None:
        self.op, self.mover = mover.name, mover

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes copies along up to six axes, with innermost steps below 9,363 bytes, on a core with Helium; of types
        other than int8 those of activations without a filling."""
        copy, source = self.mover.copy(view), view.given(0)
        inner = copy.axes[-1]
        if not takes(target) or copy.is_whole or len(copy.axes) > AXES:
            return None
        if source.dtype != "int8" and (copy.fill is not None or source.data is not None):
            return None
        if max(abs(inner.input_step), abs(inner.output_step)) > LARGEST_STEP:
            return None
        axes = (Axis(1, 0, 0),) * (AXES - len(copy.axes)) + copy.axes
        params = MveCopyParams(
            tuple(axis.extent for axis in axes), tuple(axis.input_step for axis in axes),
            tuple(axis.output_step for axis in axes), copy.input_start, copy.output_start,
            copy.fill is not None, copy.fill or 0, view.output().bytes,
        )  # fmt: skip
        name = "copy" if inner.input_step == inner.output_step == 1 else "copy_steps"
        call = mve_call(name, params, operand(source, "input"), Write(view.output().index))
        return replace(call, header="own/mve/copy.h")


class MveRows(Kernel):
    """Rows that are joined of parts or cut into them: the call of the portable kernel, with vectors."""

    kernel_set = "own"

    def __init__(self, portable: PortableJoin | PortableSplit) -> None:
        self.op, self.portable = portable.op, portable
        self.name = "join" if isinstance(portable, PortableJoin) else "split"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes nodes of several parts on a core with Helium."""
        made = self.portable.call(view, target) if takes(target) else None
        if made is None or made.function != f"tinyq_portable_{self.name}":
            return None
        name = f"tinyq_own_mve_{self.name}"
        header = f"own/mve/{self.name}.h"
        return replace(made, kernel_set="own", function=name, header=header, params_type=f"{name}_params")
