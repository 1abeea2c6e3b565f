# SPDX-License-Identifier: Apache-2.0
"""MIRROR_PAD: the input with its own elements around it, mirrored at its ends."""

from __future__ import annotations

from collections.abc import Sequence

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.pad import padded, paddings, two_an_axis
from tinyq_deploy.ops.pick import Picker, Table


def edge(view: NodeView) -> int:
    """Elements between an end of the input and the mirror: REFLECT does not repeat the last one."""
    return 1 if view.option("mode", "REFLECT") == "REFLECT" else 0


def enough_elements(view: NodeView) -> str | None:
    """No side is padded with more elements than the input has to mirror: its extent, or one less with REFLECT."""
    mirrored = [extent - edge(view) for extent in view.given(0).shape]
    fits = all(max(pair) <= most for pair, most in zip(paddings(view), mirrored, strict=True))
    return None if fits else f"paddings {movement.values(view, 1)[:12]}, input {list(view.given(0).shape)}"


def mirrored(extent: int, before: int, after: int, edge: int) -> list[int]:
    """The input index of each output index along an axis."""
    front = range(before - 1 + edge, edge - 1, -1)
    back = range(extent - 1 - edge, extent - 1 - edge - after, -1)
    return [*front, *range(extent), *back]


class MirrorPad(Picker):
    """Mirror images around the input."""

    name = "MIRROR_PAD"
    rules = (
        rules.operands(2),
        movement.moves(),
        two_an_axis,
        rules.option_in("mode", ("REFLECT", "SYMMETRIC"), "REFLECT"),
        enough_elements,
        movement.output_is(padded, "input and paddings"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Back and forth along each axis."""
        source = view.given(0)
        axes = zip(source.shape, paddings(view), movement.steps(source), strict=True)
        return [[i * step for i in mirrored(extent, *around, edge(view))] for extent, around, step in axes]
