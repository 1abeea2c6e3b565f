# SPDX-License-Identifier: Apache-2.0
"""TILE and BROADCAST_TO: the input, or its axes of one element, several times."""

from __future__ import annotations

from collections.abc import Sequence

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.pick import Picker, Table, straight


def tiled(view: NodeView) -> list[int]:
    """The input's extents times the multiples."""
    return [extent * count for extent, count in zip(view.given(0).shape, movement.values(view, 1), strict=True)]


class Tile(Picker):
    """The whole input over and over along each axis."""

    name = "TILE"
    rules = (
        rules.operands(2),
        movement.integers(1, "multiples", per_axis_of=0),
        movement.moves(),
        movement.output_is(tiled, "input and multiples"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Each axis as often as its multiple says."""
        source = view.given(0)
        once = straight(source.shape, movement.steps(source))
        return [[*table] * count for table, count in zip(once, movement.values(view, 1), strict=True)]


def broadcasts(view: NodeView) -> str | None:
    """The input's last axes are the output's, or have one element; the output has at least as many."""
    source, output = view.given(0).shape, view.output().shape
    pairs = zip(reversed(source), reversed(output), strict=False)
    if len(source) <= len(output) and all(a in (1, b) for a, b in pairs):
        return None
    return f"input {list(source)}, output {list(output)}"


class BroadcastTo(Picker):
    """Axes of one element as often as the output has entries."""

    name = "BROADCAST_TO"
    rules = (
        rules.operands(2),
        movement.integers(1, "shape"),
        movement.moves(),
        movement.output_is(lambda view: movement.values(view, 1), "the shape that is asked for"),
        broadcasts,
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Axes that stay where they are have a step of 0."""
        source, output = view.given(0), view.output()
        new = len(output.shape) - len(source.shape)
        walks = [0 if extent == 1 else step for extent, step in zip(source.shape, movement.steps(source), strict=True)]
        return straight(output.shape, [*[0] * new, *walks])
