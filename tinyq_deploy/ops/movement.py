# SPDX-License-Identifier: Apache-2.0
"""What operators that only move elements share: copies between two grids of addresses, rows that are joined or cut, and
the rules for what is moved.

TRANSPOSE, SLICE, PAD and their kin compute nothing: each is one copy between two grids, whose axes have an extent and a
step through the input and through the output.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array, Operator, Rule

# Axes that the kernel's loops have: as many as a tensor has, so that one of them walks along each.
MOST_AXES = 8
# Shape arithmetic: int64 is computed when the model is read, never on the target; int32 may be either.
STATIC_TYPES = ("int32", "int64")
# What has a scale and a zero point, and what has none.
QUANTIZED_TYPES, PLAIN_TYPES = ("int8", "int16"), ("int32", "bool", "float32")


@dataclass(frozen=True)
class Axis:
    """Elements along one axis of a grid, and the bytes from one to the next in input and output."""

    extent: int
    input_step: int
    output_step: int


@dataclass(frozen=True)
class Copy:
    """Every byte of a grid, from the input to the output; starts are in bytes, the innermost axis is last. `fill` is
    the element, of `width` bytes, that the rest of the output holds, None where there is no rest. Starts, and steps
    from one element to another, are multiples of `width`."""

    axes: tuple[Axis, ...]
    input_start: int = 0
    output_start: int = 0
    fill: int | None = None
    width: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it is one run of bytes from the start of the input that fills the output."""
        (axis, *others) = self.axes
        run = not others and axis.input_step == axis.output_step == 1
        return run and self.input_start == self.output_start == 0 and self.fill is None


def steps(tensor: Tensor) -> tuple[int, ...]:
    """Bytes from one element to the next along each axis of a tensor in memory."""
    shape = tensor.shape
    return tuple(math.prod(shape[i + 1 :]) * itemsize(tensor) for i in range(len(shape)))


def grid(axes: Sequence[Axis], item: int) -> tuple[Axis, ...]:
    """The same bytes with as few axes as it takes, of elements of `item` bytes: axes of one element go, neighbours that
    follow each other without a gap on both sides become one."""
    joined = [Axis(item, 1, 1)]
    for axis in reversed(axes):
        inner = joined[0]
        span = (inner.extent * inner.input_step, inner.extent * inner.output_step)
        if axis.extent == 1:
            continue
        if inner.extent == 1:
            joined[0] = axis
        elif (axis.input_step, axis.output_step) == span:
            joined[0] = Axis(axis.extent * inner.extent, inner.input_step, inner.output_step)
        else:
            joined.insert(0, axis)
    return tuple(joined)


def whole(tensor: Tensor) -> Copy:
    """The copy of all bytes to where they are."""
    return Copy((Axis(tensor.bytes, 1, 1),), width=itemsize(tensor))


def itemsize(tensor: Tensor) -> int:
    """Bytes of one element."""
    return np.dtype(tensor.dtype).itemsize


def values(view: NodeView, position: int) -> list[int]:
    """The numbers of a constant input, whatever its shape."""
    data = view.given(position).data
    assert data is not None
    return [int(value) for value in data.reshape(-1)]


SAME_VALUES = (
    "What is moved is int8 or int16 with one scale and zero point (in the type's range) before and after, int32, bool "
    "or float32, or shape arithmetic on int64 constants."
)


def moves(first: int = 0, last: int | None = 0) -> Rule:
    """A rule: the inputs from `first` to `last` (None: to the end) and all outputs hold the same kind of values."""

    def rule(view: NodeView) -> str | None:
        end = len(view.node.inputs) if last is None else last + 1
        inputs = [view.given(position) for position in range(first, end)]
        outputs = [view.output(i) for i in range(len(view.node.outputs))]
        return next((found for tensor in (*inputs, *outputs) if (found := unlike(inputs[0], tensor))), None) or next(
            (found for tensor in inputs if (found := _unmoved(tensor))), None
        )

    return rules.documented(rule, SAME_VALUES)


def unlike(first: Tensor, tensor: Tensor) -> str | None:
    """What keeps two tensors from holding the same kind of values."""
    if first.dtype != tensor.dtype:
        return f"{first.name!r} is {first.dtype}, {tensor.name!r} is {tensor.dtype}"
    if first.dtype not in QUANTIZED_TYPES:
        return None
    found = _unscaled(tensor)
    if found or (first.scale, first.zero_point) == (tensor.scale, tensor.zero_point):
        return found
    return f"{first.name!r} {first.scale:g}/{first.zero_point}, {tensor.name!r} {tensor.scale:g}/{tensor.zero_point}"


def _unscaled(tensor: Tensor) -> str | None:
    quantization, limits = tensor.quantization, np.iinfo(tensor.dtype)
    if quantization is None or len(quantization.scale) != 1 or len(quantization.zero_point) != 1:
        return f"{tensor.name!r} has no scale or several"
    inside = limits.min <= tensor.zero_point <= limits.max
    return None if inside else f"{tensor.name!r} has zero point {tensor.zero_point}"


def _unmoved(tensor: Tensor) -> str | None:
    """What keeps a tensor's type from being moved."""
    if tensor.dtype in (*QUANTIZED_TYPES, *PLAIN_TYPES) or (tensor.dtype in STATIC_TYPES and tensor.data is not None):
        return None
    return f"{tensor.name!r} is {tensor.dtype}, {'constant' if tensor.data is not None else 'computed at run time'}"


def integers(position: int, what: str, per_axis_of: int | None = None) -> Rule:
    """A rule: an input is a constant of int32 or int64, one number for each axis of input `per_axis_of` if given."""

    def rule(view: NodeView) -> str | None:
        tensor = view.given(position)
        if tensor.dtype not in STATIC_TYPES or tensor.data is None:
            return f"{what} is {tensor.dtype}, {'constant' if tensor.data is not None else 'computed at run time'}"
        if per_axis_of is not None and tensor.size != len(view.given(per_axis_of).shape):
            return f"{what} has {tensor.size} numbers for {len(view.given(per_axis_of).shape)} axes"
        return None

    each = "" if per_axis_of is None else ", one number for each axis"
    return rules.documented(rule, f"The {what} is a constant of int32 or int64{each}.")


class Mover(Operator):
    """An operator that is one copy of input 0."""

    takes_reals = True

    @staticmethod
    @abstractmethod
    def copy(view: NodeView) -> Copy:
        """The copy that a checked node is."""

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """The elements of a constant input at their new places."""
        source = view.given(0).data
        return None if source is None else (moved(cls.copy(view), source, view.output()),)


def moved(copy: Copy, source: Array, output: Tensor) -> Array:
    """What `copy` makes of `source`."""
    rest = np.array(copy.fill or 0, np.int64).tobytes()[: copy.width]
    found = np.frombuffer(rest * (output.bytes // copy.width), np.int8).copy()
    reads, writes = np.array([copy.input_start]), np.array([copy.output_start])
    for axis in copy.axes:
        reads = np.add.outer(reads, np.arange(axis.extent) * axis.input_step).reshape(-1)
        writes = np.add.outer(writes, np.arange(axis.extent) * axis.output_step).reshape(-1)
    found[writes] = np.frombuffer(np.ascontiguousarray(source).tobytes(), np.int8)[reads]
    return found.view(output.dtype).reshape(output.shape)


def output_is(shape: Callable[[NodeView], Sequence[int]], why: str) -> Rule:
    """A rule: the output has the shape that the inputs and options ask for."""

    def rule(view: NodeView) -> str | None:
        expected, found = tuple(shape(view)), view.output().shape
        return (
            None
            if found == expected and min(found, default=1) > 0
            else f"output {list(found)}, computed {list(expected)}"
        )

    return rules.documented(rule, f"The output shape follows from {why}.")


def axis_of(axis: int, rank: int) -> int:
    """A possibly negative axis, counted from the end, as one from the start."""
    return axis + rank if axis < 0 else axis
