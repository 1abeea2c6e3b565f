# SPDX-License-Identifier: Apache-2.0
"""Copies between two grids of addresses, on every core without Helium: paddings that write each byte once, and single
bytes several at a time. Copies of whole runs are the portable kernel's."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Argument, Kernel, KernelCall, Target, Write, operand, params_of
from tinyq_deploy.ops.movement import Axis, Copy, Mover

_AXES = 4
_NO_AXIS = Axis(1, 0, 0)


@dataclass(frozen=True)
class OwnPadParams:
    """Field for field the C struct tinyq_own_pad_params."""

    extent: tuple[int, ...]
    input_step: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    input_start: int
    fill: int


@dataclass(frozen=True)
class OwnCopyParams:
    """Field for field the C struct tinyq_own_copy_params."""

    extent: tuple[int, ...]
    input_step: tuple[int, ...]
    output_step: tuple[int, ...]
    input_start: int
    output_start: int


class OwnCopy(Kernel):
    """One copy."""

    kernel_set = "own"

    def __init__(self, mover: type[Mover]) -> None:
        self.op, self.mover = mover.name, mover

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes paddings and copies of single bytes along at most four axes, where speed counts."""
        copy = self.mover.copy(view)
        if target.small or extension(target.core) == "mve" or len(copy.axes) > _AXES or copy.width != 1:
            return None
        arguments = (operand(view.given(0), "input"), Write(view.output().index))
        if copy.fill is not None:
            return _call("pad", padding(copy, copy.fill, view.output().bytes), *arguments)
        inner = copy.axes[-1]
        if inner.input_step == inner.output_step == 1:
            return None
        return _call("copy", strided(copy), *arguments)


def _call(name: str, struct: OwnPadParams | OwnCopyParams, *arguments: Argument) -> KernelCall:
    return KernelCall(
        kernel_set="own",
        function=f"tinyq_own_plain_{name}",
        header=f"own/plain/{name}.h",
        params_type=f"tinyq_own_{name}_params",
        params=params_of(struct),
        arguments=arguments,
    )


def padding(copy: Copy, fill: int, output_bytes: int) -> OwnPadParams:
    """The output in order: along each axis, outermost first, so many bytes of `fill` before and after its elements."""
    start, region = copy.output_start, output_bytes
    before, after = [], []
    for axis in copy.axes:
        before.append(start // axis.output_step * axis.output_step)
        after.append(region - before[-1] - axis.extent * axis.output_step)
        start, region = start - before[-1], axis.output_step
    none = (0,) * (_AXES - len(copy.axes))
    axes = (_NO_AXIS,) * len(none) + copy.axes
    return OwnPadParams(
        tuple(axis.extent for axis in axes), tuple(axis.input_step for axis in axes), (*none, *before), (*none, *after),
        copy.input_start, fill,
    )  # fmt: skip


def strided(copy: Copy) -> OwnCopyParams:
    """The longest axis innermost; the order of the others does not matter."""
    axes = sorted(copy.axes, key=lambda axis: axis.extent)
    axes = [_NO_AXIS] * (_AXES - len(axes)) + axes
    return OwnCopyParams(
        tuple(axis.extent for axis in axes), tuple(axis.input_step for axis in axes),
        tuple(axis.output_step for axis in axes), copy.input_start, copy.output_start,
    )  # fmt: skip
