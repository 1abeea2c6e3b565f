# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: every B-th element of padded axes as an image of its own, and back.

Input and output are [N,H,C] or [N,H,W,C]; there is a block extent for each of H and W.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator, Rule
from tinyq_deploy.ops.pick import Picker, Table, straight


def blocks(view: NodeView) -> list[int]:
    """Extents of a block along the spatial axes."""
    return movement.values(view, 1)


def margins(view: NodeView) -> list[tuple[int, int]]:
    """Elements before and after: the padding, or what is cut off."""
    numbers = movement.values(view, 2)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def spatial(view: NodeView) -> tuple[int, ...]:
    """The extents of the input's spatial axes."""
    return view.given(0).shape[1:-1]


def block_given(view: NodeView) -> str | None:
    """The block shape is a constant of int32 or int64, a number of at least 1 for each spatial axis."""
    tensor = view.given(1)
    if tensor.dtype not in movement.STATIC_TYPES or tensor.data is None:
        return f"block shape is {tensor.dtype}, {'constant' if tensor.data is not None else 'computed at run time'}"
    fits = tensor.size == len(spatial(view)) and min(blocks(view)) >= 1
    return None if fits else f"block shape {blocks(view)[:12]}, input {list(view.given(0).shape)}"


def margins_given(what: str) -> Rule:
    """A rule: two numbers for each spatial axis."""

    def rule(view: NodeView) -> str | None:
        tensor = view.given(2)
        if tensor.dtype not in movement.STATIC_TYPES or tensor.data is None:
            return f"{what} are {tensor.dtype}, {'constant' if tensor.data is not None else 'computed at run time'}"
        numbers = movement.values(view, 2)
        fits = len(numbers) == 2 * len(spatial(view)) and min(numbers) >= 0
        return None if fits else f"{what} {numbers[:12]}, input {list(view.given(0).shape)}"

    return rules.documented(
        rule, f"The {what} are constants of int32 or int64, two numbers of at least 0 for each spatial axis."
    )


def padded(view: NodeView) -> list[int]:
    """The spatial axes with their padding."""
    return [before + size + after for size, (before, after) in zip(spatial(view), margins(view), strict=True)]


def divides(view: NodeView) -> str | None:
    """Each spatial axis with its padding is a whole number of blocks."""
    fits = all(size % block == 0 for size, block in zip(padded(view), blocks(view), strict=True))
    return None if fits else f"padded axes {padded(view)}, block shape {blocks(view)}"


def batched(view: NodeView) -> list[int]:
    """An image for each place in a block."""
    shape, block = view.given(0).shape, blocks(view)
    sizes = [size // count for size, count in zip(padded(view), block, strict=True)]
    return [shape[0] * math.prod(block), *sizes, shape[-1]]


@dataclass(frozen=True)
class SpaceToBatchParams:
    """Field for field the C struct tinyq_space_to_batch_params; [N,H,C] has a width of 1."""

    batches: int
    height: int
    width: int
    pixel: int
    output_height: int
    output_width: int
    block_height: int
    block_width: int
    pad_top: int
    pad_left: int
    element: int
    fill: int


def four(numbers: Sequence[Any], missing: Any) -> tuple[Any, Any]:
    """Of the height and the width, for an input that may have none."""
    return (*numbers, missing)[0], (*numbers, missing)[1]


class SpaceToBatchNd(Operator):
    """Images of every B-th row and column; the padding holds what stands for 0."""

    name = "SPACE_TO_BATCH_ND"
    takes_reals = True
    rules = (
        rules.operands(3),
        rules.rank(0, (3, 4), "input"),
        movement.moves(),
        block_given,
        margins_given("paddings"),
        divides,
        movement.output_is(batched, "input, block shape and paddings"),
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def params(view: NodeView) -> SpaceToBatchParams:
        """As the kernel takes it."""
        source, output = view.given(0), view.output()
        before = four([pair[0] for pair in margins(view)], 0)
        element = movement.itemsize(source)
        return SpaceToBatchParams(
            source.shape[0], *four(spatial(view), 1), source.shape[-1] * element, *four(output.shape[1:-1], 1),
            *four(blocks(view), 1), *before, element, filling(view),
        )  # fmt: skip

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The images of a constant input."""
        data, block = view.given(0).data, blocks(view)
        if data is None:
            return None
        full = np.pad(data, [(0, 0), *margins(view), (0, 0)], constant_values=filling(view))
        count, channels = data.shape[0], data.shape[-1]
        axes = len(block)
        split = np.stack([np.array(full.shape[1:-1]) // block, block], axis=1).reshape(-1).tolist()
        order = [*range(2, 2 * axes + 1, 2), 0, *range(1, 2 * axes, 2), 2 * axes + 1]
        return (full.reshape(count, *split, channels).transpose(order).reshape(view.output().shape),)


def filling(view: NodeView) -> int:
    """The element that stands for 0."""
    output = view.output()
    return output.zero_point if output.dtype in movement.QUANTIZED_TYPES else 0


def whole_batches(view: NodeView) -> str | None:
    """The input has an image for each place in a block, or whole numbers of them."""
    fits = view.given(0).shape[0] % math.prod(blocks(view)) == 0
    return None if fits else f"input {list(view.given(0).shape)}, block shape {blocks(view)}"


def cropped(view: NodeView) -> list[int]:
    """Blocks without what is cut off."""
    shape, block = view.given(0).shape, blocks(view)
    sizes = zip(spatial(view), block, margins(view), strict=True)
    return [shape[0] // math.prod(block), *(size * count - sum(cut) for size, count, cut in sizes), shape[-1]]


class BatchToSpaceNd(Picker):
    """One image of those of every B-th row and column."""

    name = "BATCH_TO_SPACE_ND"
    rules = (
        rules.operands(3),
        rules.rank(0, (3, 4), "input"),
        movement.moves(),
        block_given,
        margins_given("crops"),
        whole_batches,
        movement.output_is(cropped, "input, block shape and crops"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """An output index along an axis is in the image of its place in the block, at the number of the block."""
        source, output, block = view.given(0), view.output(), blocks(view)
        steps, count = movement.steps(source), output.shape[0]
        found: list[Table] = [*straight((count,), (steps[0],))]
        for axis, (extent, size) in enumerate(zip(output.shape[1:-1], block, strict=True)):
            image = count * math.prod(block[axis + 1 :]) * steps[0]
            places = [divmod(index + margins(view)[axis][0], size) for index in range(extent)]
            found.append([whole * steps[axis + 1] + part * image for whole, part in places])
        return [*found, *straight(output.shape[-1:], steps[-1:])]
