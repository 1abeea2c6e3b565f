# SPDX-License-Identifier: Apache-2.0
"""SPLIT, SPLIT_V and UNPACK: one input cut into several outputs along an axis."""

from __future__ import annotations

import math

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator, Rule
from tinyq_deploy.ops.concatenation import Rows, rows_of


def outputs(view: NodeView) -> list[Tensor]:
    """All outputs."""
    return [view.output(position) for position in range(len(view.node.outputs))]


def some_outputs(inputs: int) -> Rule:
    """A rule: the node has this many inputs, and outputs."""

    def rule(view: NodeView) -> str | None:
        count, given = len(view.node.outputs), len(view.node.inputs)
        if given == inputs and all(view.input(i) is not None for i in range(inputs)) and count:
            return None
        return f"{given} inputs {list(view.node.inputs)}, {count} outputs"

    return rules.documented(rule, f"It has {inputs} inputs and at least 1 output.")


def one_number(position: int) -> Rule:
    """A rule: the axis is one constant number."""

    def rule(view: NodeView) -> str | None:
        tensor = view.given(position)
        if tensor.dtype in movement.STATIC_TYPES and tensor.data is not None and tensor.size == 1:
            return None
        return f"axis is {tensor.dtype} {list(tensor.shape)}"

    return rules.documented(rule, "The axis is one constant number.")


def split_source(view: NodeView) -> Tensor:
    """The tensor that is cut: SPLIT has its axis before it."""
    return view.given(1 if view.node.op == "SPLIT" else 0)


def cut_axis(view: NodeView) -> int:
    """The axis of the input that is cut; SPLIT and SPLIT_V have it as an input, UNPACK as an option."""
    position = {"SPLIT": 0, "SPLIT_V": 2}.get(view.node.op)
    number = view.number("axis", 0) if position is None else movement.values(view, position)[0]
    return movement.axis_of(number, len(split_source(view).shape))


def axis_exists(view: NodeView) -> str | None:
    """The axis is one of the input's."""
    rank = len(split_source(view).shape)
    return None if 0 <= cut_axis(view) < rank else f"axis {cut_axis(view)} of {rank}"


def fitting(view: NodeView) -> str | None:
    """Input and outputs have equal extents along every other axis, and those of the outputs along the axis add up."""
    axis, shapes, source = cut_axis(view), [tensor.shape for tensor in outputs(view)], split_source(view).shape
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in (*shapes, source)}
    ranks = {len(shape) for shape in (*shapes, source)}
    if len(others) == len(ranks) == 1 and sum(shape[axis] for shape in shapes) == source[axis]:
        return None
    return f"input {list(source)}, outputs {[list(shape) for shape in shapes]}, axis {axis}"


def equal_parts(view: NodeView) -> str | None:
    """All outputs have one shape."""
    shapes = {tensor.shape for tensor in outputs(view)}
    return None if len(shapes) == 1 else f"outputs {[list(tensor.shape) for tensor in outputs(view)]}"


def entries(view: NodeView) -> str | None:
    """There is an output for each entry of the axis, of the input's shape without it."""
    axis, shapes, source = cut_axis(view), {tensor.shape for tensor in outputs(view)}, split_source(view).shape
    if shapes == {(*source[:axis], *source[axis + 1 :])} and source[axis] == len(view.node.outputs):
        return None
    return f"input {list(source)}, outputs {[list(shape) for shape in shapes]}, axis {axis}"


class Splitter(Operator):
    """Rows of the input, each cut into a part of every output."""

    takes_reals = True

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def rows(view: NodeView) -> Rows:
        """Rows of the input and their parts."""
        return rows_of(cut_axis(view), outputs(view))

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The parts of a constant input."""
        data, parts = split_source(view).data, outputs(view)
        if data is None:
            return None
        rows = math.prod(data.shape[: cut_axis(view)])
        ends = np.cumsum([part.size // rows for part in parts])[:-1]
        cut = np.split(data.reshape(rows, -1), ends, axis=1)
        return tuple(piece.reshape(part.shape) for piece, part in zip(cut, parts, strict=True))


class Split(Splitter):
    """Equal parts."""

    name = "SPLIT"
    rules = (some_outputs(2), one_number(0), movement.moves(1, 1), axis_exists, equal_parts, fitting)


class SplitV(Splitter):
    """Parts of different extents."""

    name = "SPLIT_V"
    rules = (some_outputs(3), one_number(2), movement.moves(), axis_exists, fitting)


class Unpack(Splitter):
    """The entries of an axis, which they lose."""

    name = "UNPACK"
    rules = (some_outputs(1), movement.moves(), axis_exists, entries)
