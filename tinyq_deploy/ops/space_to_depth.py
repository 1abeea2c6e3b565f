# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of pixels [B,B] as channels, and back."""

from __future__ import annotations

from collections.abc import Sequence

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.pick import Picker, Table, straight


def block_of(view: NodeView) -> int:
    """Rows and columns of a block."""
    return view.number("block_size", 0)


def whole_blocks(view: NodeView) -> str | None:
    """Rows and columns of the input are whole numbers of blocks of at least 1."""
    block, shape = block_of(view), view.given(0).shape
    fits = block >= 1 and shape[1] % block == shape[2] % block == 0
    return None if fits else f"block size {block}, input {list(shape)}"


def deeper(view: NodeView) -> list[int]:
    """The shape with a pixel for each block."""
    block, (batch, height, width, channels) = block_of(view), view.given(0).shape
    return [batch, height // block, width // block, channels * block * block]


class SpaceToDepth(Picker):
    """A pixel of all channels for each block."""

    name = "SPACE_TO_DEPTH"
    rules = (
        rules.operands(1),
        rules.rank(0, (4,), "input"),
        movement.moves(),
        whole_blocks,
        movement.output_is(deeper, "input and block size"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Channels go through a block row by row."""
        block, source = block_of(view), view.given(0)
        image, row, pixel, channel = movement.steps(source)
        batch, height, width, _ = view.output().shape
        steps = (image, block * row, block * pixel)
        depth = [i * row + j * channel for i in range(block) for j in range(block * source.shape[3])]
        return [*straight((batch, height, width), steps), depth]


def whole_channels(view: NodeView) -> str | None:
    """The input's channels are a whole number of blocks of at least 1."""
    block, shape = block_of(view), view.given(0).shape
    fits = block >= 1 and shape[3] % (block * block) == 0
    return None if fits else f"block size {block}, input {list(shape)}"


def wider(view: NodeView) -> list[int]:
    """The shape with a block for each pixel."""
    block, (batch, height, width, channels) = block_of(view), view.given(0).shape
    return [batch, height * block, width * block, channels // (block * block)]


class DepthToSpace(Picker):
    """A block for each pixel of all channels."""

    name = "DEPTH_TO_SPACE"
    rules = (
        rules.operands(1),
        rules.rank(0, (4,), "input"),
        movement.moves(),
        whole_channels,
        movement.output_is(wider, "input and block size"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Rows and columns go through the channels of their pixel."""
        block, source = block_of(view), view.given(0)
        image, row, pixel, channel = movement.steps(source)
        batch, _, _, channels = view.output().shape
        rows = [h * row + i * block * channels * channel for h in range(source.shape[1]) for i in range(block)]
        columns = [w * pixel + j * channels * channel for w in range(source.shape[2]) for j in range(block)]
        return [*straight((batch,), (image,)), rows, columns, *straight((channels,), (channel,))]
