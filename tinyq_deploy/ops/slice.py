# SPDX-License-Identifier: Apache-2.0
"""SLICE and STRIDED_SLICE: a part of the input, every n-th element of an axis, backwards too.

Source of the index rules: TFLite, strided_slice_logic.h and slice.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.movement import Axis, Copy, Mover


@dataclass(frozen=True)
class Part:
    """Of one input axis: the first element, how many, and how far apart; `dropped` where the output lacks the axis."""

    first: int
    count: int
    stride: int = 1
    dropped: bool = False


def part_copy(view: NodeView, parts: Sequence[Part]) -> Copy:
    """The copy of a part of each axis into an output without gaps."""
    source, output, width = view.given(0), view.output(), movement.itemsize(view.given(0))
    reads, writes = movement.steps(source), iter(movement.steps(output))
    axes = [
        Axis(part.count, part.stride * step, 0 if part.dropped else next(writes))
        for part, step in zip(parts, reads, strict=True)
    ]
    start = sum(part.first * step for part, step in zip(parts, reads, strict=True))
    return Copy(movement.grid(axes, width), input_start=start, width=width)


def slice_parts(view: NodeView) -> list[Part]:
    """Size -1 stands for all that follow."""
    found = zip(movement.values(view, 1), movement.values(view, 2), view.given(0).shape, strict=True)
    return [Part(begin, extent - begin if size == -1 else size) for begin, size, extent in found]


def inside(view: NodeView) -> str | None:
    """The part lies inside the input."""
    parts = zip(slice_parts(view), view.given(0).shape, strict=True)
    if all(part.first >= 0 and part.count > 0 and part.first + part.count <= extent for part, extent in parts):
        return None
    begin, size = movement.values(view, 1), movement.values(view, 2)
    return f"begin {begin}, size {size}, input {list(view.given(0).shape)}"


def slice_copy(view: NodeView) -> Copy:
    """The copy that a SLICE is."""
    return part_copy(view, slice_parts(view))


class Slice(Mover):
    """A box of the input."""

    name = "SLICE"
    copy = staticmethod(slice_copy)
    rules = (
        rules.operands(3),
        movement.integers(1, "begin", per_axis_of=0),
        movement.integers(2, "size", per_axis_of=0),
        movement.moves(),
        inside,
        movement.output_is(lambda view: [part.count for part in slice_parts(view)], "input, begin and size"),
    )


def strided_parts(view: NodeView) -> list[Part]:
    """Indices below 0 count from the end, those beyond the input stand for its ends; a masked one is an end too."""
    found = zip(*(movement.values(view, position) for position in (1, 2, 3)), view.given(0).shape, strict=True)
    return [_strided(view, axis, *numbers) for axis, numbers in enumerate(found)]


def _strided(view: NodeView, axis: int, begin: int, end: int, stride: int, extent: int) -> Part:
    masks = {name: bool(view.number(f"{name}_mask", 0) >> axis & 1) for name in ("begin", "end", "shrink_axis")}
    low, high = (0, extent) if stride > 0 else (-1, extent - 1)

    def place(index: int) -> int:
        return min(max(index + extent if index < 0 else index, low), high)

    first = (low if stride > 0 else high) if masks["begin"] else place(begin)
    if masks["shrink_axis"]:
        return Part(first, 1, stride, dropped=True)
    last = (high if stride > 0 else low) if masks["end"] else place(end)
    return Part(first, max(0, -(-(last - first) // stride)), stride)


def strides_move(view: NodeView) -> str | None:
    """No stride is 0, and an axis that the output drops has one above 0 and its element inside the input."""
    strides, shape = movement.values(view, 3), view.given(0).shape
    if 0 in strides:
        return f"strides {strides}"
    dropped = [(part, extent) for part, extent in zip(strided_parts(view), shape, strict=True) if part.dropped]
    if all(part.stride > 0 and 0 <= part.first < extent for part, extent in dropped):
        return None
    return f"begin {movement.values(view, 1)}, strides {strides}, input {list(shape)}"


def plain_masks(view: NodeView) -> str | None:
    """ellipsis_mask and new_axis_mask are 0, and ends are counted from the start of the axis."""
    set_ = [name for name in ("ellipsis_mask", "new_axis_mask", "offset") if view.number(name, 0)]
    return ", ".join(f"{name} {view.number(name, 0)}" for name in set_) or None


def strided_copy(view: NodeView) -> Copy:
    """The copy that a STRIDED_SLICE is."""
    return part_copy(view, strided_parts(view))


class StridedSlice(Mover):
    """A grid of the input."""

    name = "STRIDED_SLICE"
    copy = staticmethod(strided_copy)
    rules = (
        rules.operands(4),
        movement.integers(1, "begin", per_axis_of=0),
        movement.integers(2, "end", per_axis_of=0),
        movement.integers(3, "strides", per_axis_of=0),
        movement.moves(),
        plain_masks,
        strides_move,
        movement.output_is(
            lambda view: [part.count for part in strided_parts(view) if not part.dropped],
            "input, begin, end, strides and masks",
        ),
    )
