# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE: axes in another order."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.movement import Axis, Copy, Mover


def permutation(view: NodeView) -> tuple[int, ...]:
    """The input axis that each output axis is."""
    rank = len(view.given(0).shape)
    return tuple(movement.axis_of(axis, rank) for axis in movement.values(view, 1))


def is_permutation(view: NodeView) -> str | None:
    """The permutation names each axis once."""
    found = permutation(view)
    return None if sorted(found) == list(range(len(found))) else f"permutation {movement.values(view, 1)}"


def transposed(view: NodeView) -> tuple[int, ...]:
    """The input's shape in the order of the permutation."""
    return tuple(view.given(0).shape[axis] for axis in permutation(view))


def copy(view: NodeView) -> Copy:
    """Each output axis steps through the input as the axis that it is there."""
    source, output, width = view.given(0), view.output(), movement.itemsize(view.given(0))
    reads = (movement.steps(source)[axis] for axis in permutation(view))
    axes = [Axis(*axis) for axis in zip(output.shape, reads, movement.steps(output), strict=True)]
    return Copy(movement.grid(axes, width), width=width)


class Transpose(Mover):
    """Axes in another order."""

    name = "TRANSPOSE"
    copy = staticmethod(copy)
    rules = (
        rules.operands(2),
        movement.integers(1, "permutation", per_axis_of=0),
        movement.moves(),
        is_permutation,
        movement.output_is(transposed, "input and permutation"),
    )
