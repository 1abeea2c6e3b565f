# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements, in portable C; what changes no address is a view, which has no code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.kernels.base import Argument, Constant, Kernel, KernelCall, Read, Scratch, Target, Write, operand
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.ops.concatenation import MOST_PARTS, Joiner, Rows, inputs
from tinyq_deploy.ops.movement import MOST_AXES, Axis, Copy, Mover, whole
from tinyq_deploy.ops.split import Splitter, outputs, split_source

# Bytes of the widest element that the kernel moves at once; a wider one is a run of bytes.
WIDEST = 4


@dataclass(frozen=True)
class CopyParams:
    """Field for field the C struct tinyq_copy_params."""

    extent: tuple[int, ...]
    input_step: tuple[int, ...]
    output_step: tuple[int, ...]
    input_start: int
    output_start: int
    filled: int
    fill: int
    output_bytes: int
    width: int


def moved_operand(tensor: Tensor, name: str) -> Read | Constant:
    """An input of which bytes are moved, whatever its type."""
    read = operand(tensor, name)
    return read if isinstance(read, Read) else Constant(name, read.values.reshape(-1).view(np.int8))


def copy_call(source: Tensor, output: Tensor, copy: Copy) -> KernelCall:
    """The call that makes `output` of `source`: a view where nothing moves."""
    read = moved_operand(source, "input")
    if copy.is_whole and isinstance(read, Read):
        return KernelCall("portable", None, arguments=(read, Write(output.index)))
    return moving_call(source, output, copy)


def moving_call(source: Tensor, output: Tensor, copy: Copy) -> KernelCall:
    """The call that makes `output` of `source` in memory of its own."""
    kept = copy.axes[:-1] if copy.axes[-1] == Axis(copy.width, 1, 1) and 1 < copy.width <= WIDEST else copy.axes
    axes = (Axis(1, 0, 0),) * (MOST_AXES - len(kept)) + kept
    params = CopyParams(
        tuple(axis.extent for axis in axes), tuple(axis.input_step for axis in axes),
        tuple(axis.output_step for axis in axes), copy.input_start, copy.output_start,
        copy.fill is not None, copy.fill or 0, output.bytes, copy.width,
    )  # fmt: skip
    return portable_call("copy", "copy", params, moved_operand(source, "input"), Write(output.index))


class PortableView(Kernel):
    """The output is the input's memory under another shape."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        return copy_call(view.given(0), view.output(), whole(view.given(0)))


class PortableAssign(Kernel):
    """All bytes into the memory of a state."""

    op = "ASSIGN_VARIABLE"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        return moving_call(view.given(0), view.output(), whole(view.given(0)))


class PortableCopy(Kernel):
    """One copy between two grids of addresses."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, mover: type[Mover]) -> None:
        self.op, self.mover = mover.name, mover

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        return copy_call(view.given(0), view.output(), self.mover.copy(view))


@dataclass(frozen=True)
class RowsParams:
    """Field for field the C struct tinyq_rows_params."""

    rows: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class ManyRowsParams:
    """Field for field the C struct tinyq_many_rows_params."""

    rows: int
    count: int


def rows_call(name: str, rows: Rows, one: Read | Constant | Write, parts: Sequence[Argument]) -> KernelCall:
    """The call of tinyq_portable_<name>, or of _<name>_many where there are more parts than it takes."""
    if len(parts) > MOST_PARTS:
        sizes = Constant("parts", np.array(rows.parts, np.int32))
        params = ManyRowsParams(rows.rows, len(parts))
        return portable_call(f"{name}_many", "many_rows", params, sizes, one, *parts, pointers=2)
    missing = MOST_PARTS - len(parts)
    pointers = [*parts, *[Scratch(0)] * missing]
    arguments = [*pointers, one] if isinstance(one, Write) else [one, *pointers]
    return portable_call(name, "rows", RowsParams(rows.rows, rows.parts + (0,) * missing), *arguments)


class PortableJoin(Kernel):
    """Row by row, a part of each input."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        tensors = inputs(view)
        if len(tensors) == 1:
            return copy_call(tensors[0], view.output(), whole(tensors[0]))
        reads = [moved_operand(tensor, f"input{position}") for position, tensor in enumerate(tensors)]
        return rows_call("join", Joiner.rows(view), Write(view.output().index), reads)


class PortableSplit(Kernel):
    """Row by row, a part for each output."""

    kernel_set = "portable"
    kinds = ALIKE

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        source, parts = split_source(view), outputs(view)
        if len(parts) == 1:
            return copy_call(source, parts[0], whole(source))
        writes = [Write(part.index) for part in parts]
        return rows_call("split", Splitter.rows(view), moved_operand(source, "input"), writes)
