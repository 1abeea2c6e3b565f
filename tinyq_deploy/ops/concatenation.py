# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION and PACK: several inputs one after the other, along an axis that is there or along a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator

# Parts with a parameter of their own in C; where there are more, their sizes are an array in flash.
MOST_PARTS = 10


@dataclass(frozen=True)
class Rows:
    """How often a row follows another, and the bytes of it that are each of the other side's tensors."""

    rows: int
    parts: tuple[int, ...]


def rows_of(axis: int, parts: list[Tensor]) -> Rows:
    """`parts` along `axis`, which is theirs: what lies before it counts rows, the rest is bytes of a row."""
    sizes = (math.prod(tensor.shape[axis:]) * movement.itemsize(tensor) for tensor in parts)
    return Rows(math.prod(parts[0].shape[:axis]), tuple(sizes))


def inputs(view: NodeView) -> list[Tensor]:
    """All inputs."""
    return [view.given(position) for position in range(len(view.node.inputs))]


def some_inputs(view: NodeView) -> str | None:
    """It has inputs, of which none is left out, and 1 output."""
    present = [view.input(position) for position in range(len(view.node.inputs))]
    if present and None not in present and len(view.node.outputs) == 1:
        return None
    return f"{len(present)} inputs {list(view.node.inputs)}, {len(view.node.outputs)} outputs"


def axis_exists(view: NodeView) -> str | None:
    """The axis is one of the output's."""
    rank, axis = len(view.output().shape), view.number("axis", 0)
    return None if -rank <= axis < rank else f"axis {axis} of {rank}"


def axis_of(view: NodeView) -> int:
    """The axis of the output along which the inputs follow each other."""
    return movement.axis_of(view.number("axis", 0), len(view.output().shape))


def fitting(view: NodeView) -> str | None:
    """Inputs and output have equal extents along every other axis, and those along the axis add up."""
    axis, shapes, output = axis_of(view), [tensor.shape for tensor in inputs(view)], view.output().shape
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in (*shapes, output)}
    ranks = {len(shape) for shape in (*shapes, output)}
    if len(others) == len(ranks) == 1 and sum(shape[axis] for shape in shapes) == output[axis]:
        return None
    return f"inputs {[list(shape) for shape in shapes]}, output {list(output)}, axis {axis}"


def alike(view: NodeView) -> str | None:
    """The inputs have one shape, and the output that shape with the number of inputs as a new axis."""
    axis, shapes, output = axis_of(view), {tensor.shape for tensor in inputs(view)}, view.output().shape
    expected = (*output[:axis], *output[axis + 1 :])
    if shapes == {expected} and output[axis] == len(view.node.inputs):
        return None
    return f"inputs {[list(shape) for shape in shapes]}, output {list(output)}, axis {axis}"


class Joiner(Operator):
    """Rows of the output, each made of a part of every input."""

    takes_reals = True

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def rows(view: NodeView) -> Rows:
        """Rows of the output and their parts."""
        return rows_of(axis_of(view), inputs(view))

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The joined rows of constant inputs."""
        known = [tensor.data for tensor in inputs(view) if tensor.data is not None]
        if len(known) < len(view.node.inputs):
            return None
        rows = math.prod(view.output().shape[: axis_of(view)])
        joined = np.concatenate([data.reshape(rows, -1) for data in known], axis=1)
        return (joined.reshape(view.output().shape),)


class Concatenation(Joiner):
    """Tensors one after the other along an axis."""

    name = "CONCATENATION"
    rules = (
        some_inputs,
        movement.moves(last=None),
        rules.option_in("fused_activation_function", ("NONE",), "NONE"),
        axis_exists,
        fitting,
    )


class Pack(Joiner):
    """Tensors of one shape as the entries of a new axis."""

    name = "PACK"
    rules = (some_inputs, movement.moves(last=None), axis_exists, alike)
