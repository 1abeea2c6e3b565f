# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2: the input with more elements of one value around it."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.movement import Axis, Copy, Mover


def paddings(view: NodeView) -> list[tuple[int, int]]:
    """Elements before and after the input along each axis."""
    numbers = movement.values(view, 1)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def padding_value(view: NodeView) -> int:
    """The element around the input, as the signed integer of its bits: the third input's, or what stands for 0."""
    tensor, output = view.input(2), view.output()
    if tensor is None:
        return output.zero_point if output.dtype in movement.QUANTIZED_TYPES else 0
    assert tensor.data is not None
    return int(tensor.data.reshape(1).view(f"int{8 * movement.itemsize(tensor)}")[0])


def two_an_axis(view: NodeView) -> str | None:
    """The paddings are constants of int32 or int64, two numbers of at least 0 for each axis."""
    tensor, rank = view.given(1), len(view.given(0).shape)
    if tensor.dtype not in movement.STATIC_TYPES or tensor.data is None:
        return f"paddings are {tensor.dtype}, {'constant' if tensor.data is not None else 'computed at run time'}"
    if tensor.size == 2 * rank and min(movement.values(view, 1), default=0) >= 0:
        return None
    return f"paddings {list(tensor.shape)} {movement.values(view, 1)[:12]} for {rank} axes"


def padded(view: NodeView) -> list[int]:
    """The input's shape with its padding."""
    return [before + size + after for size, (before, after) in zip(view.given(0).shape, paddings(view), strict=True)]


def one_value(view: NodeView) -> str | None:
    """The padding value, if given, is one constant with the type, scale and zero point of the output."""
    tensor, output = view.input(2), view.output()
    if tensor is None:
        return None
    if tensor.data is None or tensor.size != 1:
        return f"{tensor.name!r} {list(tensor.shape)}, {'constant' if tensor.data is not None else 'computed'}"
    return movement.unlike(output, tensor)


def copy(view: NodeView) -> Copy:
    """The whole input into the middle of an output that holds the padding value."""
    source, output, width = view.given(0), view.output(), movement.itemsize(view.given(0))
    writes = movement.steps(output)
    axes = [Axis(*axis) for axis in zip(source.shape, movement.steps(source), writes, strict=True)]
    start = sum(before * step for (before, _), step in zip(paddings(view), writes, strict=True))
    fill = padding_value(view) if source.shape != output.shape else None
    return Copy(movement.grid(axes, width), output_start=start, fill=fill, width=width)


class Pad(Mover):
    """Zeros around the input."""

    name = "PAD"
    copy = staticmethod(copy)
    rules = (
        rules.operands(3, optional=1),
        movement.moves(),
        two_an_axis,
        movement.output_is(padded, "input and paddings"),
        one_value,
    )


class PadV2(Pad):
    """A value of choice around the input."""

    name = "PADV2"
