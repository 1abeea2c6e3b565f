# SPDX-License-Identifier: Apache-2.0
"""CONV_2D of 3x3 taps and stride 1 for cores with the DSP extension: 16 products for 4 outputs where 36 are asked for.

firmware/kernels/own/dsp/tinyq_tiles.h has the arithmetic. Transformed weights are int16 and 16 for 9, which only few
weights are worth in flash. Others stay int8: the kernel transforms those of two output channels at a time and uses them
for as many tiles as its working memory holds, which may be what the arena has left where this layer runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import Node, NodeView
from tinyq_deploy.kernels.base import (
    Constant,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    bias_or_zeros,
    params_of,
    row_lead,
    weights,
)
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.dsp_conv_2d import PLAIN, WIDE, WIDE_BYTES, WIDE_PIXELS, channel_pairs, in_pairs
from tinyq_deploy.kernels.own.room import room
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers, output_range

# Twice G of tinyq_tiles.h, its rows in the order 1, 2, 0, 3 in which they are used.
_ROWS = np.array([[1, 1, 1], [1, -1, 1], [2, 0, 0], [0, 0, 2]], np.int64)
_COLUMNS = _ROWS[[2, 0, 1, 3]]
TILES_PER_GROUP = 3
# Working memory that a layer may have wherever it runs, bytes.
LEAST_ROOM = 2048
# Instructions, as counted: per input channel of a tile to transform it, per output channel of a tile besides the
# products, per weight to transform it; per output of the direct convolution; per product with int8 and int16 weights.
_TILE_INPUT, _TILE_OUTPUT, _WEIGHT, _DIRECT_OUTPUT, _INT8, _INT16 = 45, 80, 4.2, 12, 3 / 4, 2 / 3


@dataclass(frozen=True)
class OwnDspConv2D3x3Params:
    """Field for field the C struct tinyq_own_dsp_conv_2d_3x3_params."""

    input_height: int
    input_width: int
    input_channels: int
    output_height: int
    output_width: int
    output_channels: int
    pad_top: int
    pad_left: int
    input_zero_point: int
    activation_min: int
    activation_max: int
    chunk_quads: int
    chunks: int
    groups: int
    transform: int
    requantization: int
    shift: int


@dataclass(frozen=True)
class Tiling:
    """How a layer is cut: its quads of channels into chunks, its groups of tiles into strips of `groups`; `transform`
    says whether the kernel transforms the weights."""

    chunk_quads: int
    chunks: int
    groups: int
    strips: int
    transform: bool

    @property
    def scratch_bytes(self) -> int:
        """Sums and transformed weights, or one of sums and a window; the groups with the places of their tiles."""
        quads, sums = self.chunk_quads * self.chunks, 4 * 48
        return (sums + 256 * quads if self.transform else max(sums, 64 * quads)) + self.groups * _group_bytes(
            self.chunk_quads, self.chunks
        )


class OwnDspConv2D3x3(Kernel):
    """Tiles of 2x2 outputs, three side by side, two output channels at a time."""

    op = "CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes 3x3 taps, stride 1, input channels in fours, where that is proven to fit int32 and pays."""
        return tiled(view, target, view.node)


def tiled(view: NodeView, target: Target, at: Node) -> KernelCall | None:
    """The call, made where the node `at` stands; None where the kernel does not take the layer. Where that is the
    layer's own place, its output will lie over its input, but for the lead."""
    p = Conv2D.params(view)
    if extension(target.core) != "dsp" or target.small or not _fits(p) or not quarter_of_int32(weights(view, FILTER)):
        return None
    beside = row_lead(view, 1, p.pad_top, rows=2) if at.index == view.node.index else 0
    tiling = choose_tiling(p, max(room(view.graph, at) - beside, LEAST_ROOM))
    return None if tiling is None else tiles_call(view, p, tiling)


def tiles_call(view: NodeView, p: Conv2DParams, tiling: Tiling) -> KernelCall:
    """The call for a layer that the kernel takes, cut as `tiling` says."""
    filter_ = weights(view, FILTER)
    bias, zero_point = bias_or_zeros(view, BIAS, len(filter_)), view.given(INPUT).zero_point
    sums = requantize.accumulators(filter_.reshape(len(filter_), -1), bias, zero_point)
    factors = channel_multipliers(view, len(filter_))
    chosen = requantize.choose(sums, factors, view.output().zero_point, output_range(view))
    params = OwnDspConv2D3x3Params(
        p.input_height, p.input_width, p.input_channels, p.output_height, p.output_width, p.output_channels,
        p.pad_top, p.pad_left, zero_point, p.activation_min, p.activation_max, tiling.chunk_quads, tiling.chunks,
        tiling.groups, int(tiling.transform), chosen.kind, chosen.shift,
    )  # fmt: skip
    return KernelCall(
        "own", "tinyq_own_dsp_conv_2d_3x3", "own/dsp/conv_2d_3x3.h", "tinyq_own_dsp_conv_2d_3x3_params",
        params_of(params),
        (
            Read(view.given(INPUT).index),
            Constant("weights", taps(filter_) if tiling.transform else transformed(filter_)),
            Constant("channels", channel_pairs(chosen, PLAIN)),
            Scratch(tiling.scratch_bytes),
            Write(view.output().index),
        ),
        lead=row_lead(view, 1, p.pad_top, rows=2),
    )  # fmt: skip


def _fits(p: Conv2DParams) -> bool:
    """Whether the geometry is one for tiles."""
    window = (p.filter_height, p.filter_width, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width)
    return window == (3, 3, 1, 1, 1, 1) and p.groups == 1 and p.input_channels % 4 == 0


def quarter_of_int32(filter_: npt.NDArray[Any]) -> bool:
    """Whether four times the sum of products of [O,3,3,C] weights and any int8 inputs fits int32."""
    largest = np.abs(filter_.astype(np.int64)).reshape(len(filter_), -1).sum(axis=1).max()
    return bool(4 * 128 * largest < 1 << 31)


def transformed(filter_: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """[O,3,3,C] as pairs of channels' transformed weights, columns and rows in the order of tinyq_tiles.h."""
    values = np.einsum("jx,iy,oyxc->ojic", _COLUMNS, _ROWS, filter_.astype(np.int64))
    quads = values.reshape(len(filter_), -1, 4).astype(np.int16)
    return np.ascontiguousarray(in_pairs(quads, WIDE), np.int16)


def taps(filter_: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """[O,3,3,C] as [pairs, quads, taps, 2, 4]; an odd last channel gets zeros."""
    even = np.pad(filter_, ((0, len(filter_) % 2), (0, 0), (0, 0), (0, 0)))
    parts = even.reshape(len(even) // 2, 2, 9, filter_.shape[3] // 4, 4)
    return np.ascontiguousarray(parts.transpose(0, 3, 2, 1, 4), np.int8)


def choose_tiling(p: Conv2DParams, most: int) -> Tiling | None:
    """The tiling with the fewest instructions in at most `most` bytes, None where the direct convolution needs fewer.
    Weights are transformed beforehand where there are few and many pixels."""
    quads = p.input_channels // 4
    chunk = max(n for n in range(1, 9) if quads % n == 0)
    tiles = ((p.output_height + 1) // 2) * ((p.output_width + 1) // 2)
    count, size = -(-tiles // TILES_PER_GROUP), 9 * p.input_channels * p.output_channels
    few = size <= WIDE_BYTES and p.output_height * p.output_width >= WIDE_PIXELS
    least = Tiling(chunk, quads // chunk, 1, count, not few)
    if least.scratch_bytes > most:
        return None
    found = least
    if not few:
        groups = min(count, 1 + (most - least.scratch_bytes) // _group_bytes(chunk, quads // chunk))
        strips = -(-count // groups)
        found = Tiling(chunk, quads // chunk, -(-count // strips), strips, True)
    mac = _INT16 if few else _INT8
    direct = p.output_height * p.output_width * (size * mac + _DIRECT_OUTPUT * p.output_channels)
    return found if _instructions(p, found, count) < direct else None


def _instructions(p: Conv2DParams, tiling: Tiling, groups: int) -> float:
    """About what the tiles cost."""
    products = 16 * p.input_channels * p.output_channels * _INT16
    tile = products + _TILE_INPUT * p.input_channels + _TILE_OUTPUT * p.output_channels
    changed = 9 * p.input_channels * p.output_channels * _WEIGHT * tiling.strips if tiling.transform else 0
    return groups * TILES_PER_GROUP * tile + changed


def _group_bytes(chunk_quads: int, chunks: int) -> int:
    """Bytes of a group of three tiles and their places."""
    row = chunks * (24 * chunk_quads + (4 if chunks > 1 else 0))
    return 4 * (4 * row + 8) + 8 * TILES_PER_GROUP
