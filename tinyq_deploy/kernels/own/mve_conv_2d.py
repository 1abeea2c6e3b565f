# SPDX-License-Identifier: Apache-2.0
"""CONV_2D for Helium: two pixels and eight channels at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Scratch, Target, Write, bias_or_zeros, weights
from tinyq_deploy.kernels.own.mve import VECTOR, Ints, copying_lead, mve_call, reading_lead, requantization, takes
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

GROUP = 8
# Lanes of a group's quads, and the pairs of channels in the order of their weights: lanes 0 and 2, 1 and 3 of a quad,
# in `size` builds 0 and 1, 2 and 3.
QUADS = np.array([[0, 2, 4, 6], [1, 3, 5, 7]])
PAIRS = np.array([[0, 4], [2, 6], [1, 5], [3, 7]])
SMALL_PAIRS = np.array([[0, 2], [4, 6], [1, 3], [5, 7]])


@dataclass(frozen=True)
class MveConv2DParams:
    """Field for field the C struct tinyq_own_mve_conv_2d_params."""

    input_height: int
    input_bytes: int
    output_height: int
    output_width: int
    output_channels: int
    stride_height: int
    pixel_step: int
    pad_top: int
    pad_left_bytes: int
    input_zero_point: int
    output_offset: int
    activation_min: int
    activation_max: int
    kind: int
    left: int
    fraction: int
    direct: int
    window: int
    row_bytes: int
    row_capacity: int
    lines: int
    line_step: int
    parts: int
    part_step: int
    vectors: int
    tail: int
    gather: int


class MveConv2D(Kernel):
    """Pointwise reads its input where it is; everything else copies rows to scratch with padding around them."""

    op = "CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every ungrouped node on a core with Helium."""
        p = Conv2D.params(view)
        if not takes(target) or p.groups > 1:
            return None
        return convolution(view, p, weights(view, FILTER), target.small)


class MveDepthwiseAsConv2D(Kernel):
    """A single input channel with several outputs is an ordinary convolution."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes such nodes on a core with Helium."""
        p = DepthwiseConv2D.params(view)
        if not takes(target) or p.input_channels > 1:
            return None
        filter_ = weights(view, FILTER)
        return convolution(view, _as_convolution(p), np.ascontiguousarray(filter_.transpose(3, 1, 2, 0)), target.small)


def _as_convolution(p: DepthwiseConv2DParams) -> Conv2DParams:
    return Conv2DParams(
        p.input_height, p.input_width, 1, p.filter_height, p.filter_width, 1, p.output_height, p.output_width,
        p.output_channels, 1, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width, p.pad_top,
        p.pad_left, p.input_offset, p.output_offset, p.activation_min, p.activation_max,
    )  # fmt: skip


def convolution(view: NodeView, p: Conv2DParams, filter_: Ints, small: bool) -> KernelCall:
    """The call for `filter_` [O,KH,KW,C]."""
    outputs = p.output_channels
    made = requantization(
        filter_.reshape(outputs, -1), bias_or_zeros(view, BIAS, outputs), channel_multipliers(view, outputs),
        -p.input_offset, p.output_offset, (p.activation_min, p.activation_max),
    )  # fmt: skip
    params = replace(_params(p, small), kind=made.kind, left=made.left, fraction=made.fraction)
    return mve_call(
        "conv_2d", params, Read(view.given(INPUT).index),
        Constant("filter", packed(_runs(params, filter_), small)),
        Constant("constants", made.quads(group_order(outputs))),
        Write(view.output().index), Scratch(scratch(params)), lead=_lead(params),
    )  # fmt: skip


def group_order(channels: int) -> Ints:
    """[2 * G, 4] channel of each lane, -1 behind the last."""
    order = np.arange(-(-channels // GROUP) * GROUP)
    return np.where(order < channels, order, -1).reshape(-1, GROUP)[:, QUADS].reshape(-1, 4)


def packed(vectors: Ints, small: bool) -> Ints:
    """[G, 4, V, 2, 16] of [O, V, 16]."""
    outputs, count, _ = vectors.shape
    padded = np.zeros((-(-outputs // GROUP) * GROUP, count, VECTOR), np.int8)
    padded[:outputs] = vectors
    pairs = padded.reshape(-1, GROUP, count, VECTOR)[:, SMALL_PAIRS if small else PAIRS]
    return np.ascontiguousarray(pairs.transpose(0, 1, 3, 2, 4))


def whole_vectors(values: Ints) -> Ints:
    """[..., V, 16] of [..., K], padded with zeros."""
    short = -values.shape[-1] % VECTOR
    padded = np.concatenate([values, np.zeros((*values.shape[:-1], short), np.int8)], axis=-1)
    return padded.reshape(*values.shape[:-1], -1, VECTOR)


def _runs(params: MveConv2DParams, filter_: Ints) -> Ints:
    """[O, V, 16] weights as the inputs are read."""
    outputs = len(filter_)
    if params.gather:
        return whole_vectors(filter_.reshape(outputs, -1))
    return whole_vectors(filter_.reshape(outputs, params.lines * params.parts, -1)).reshape(outputs, -1, VECTOR)


def pointwise(channels: int, outputs: int, small: bool) -> MveConv2DParams:
    """Pixels that lie one behind the other, without their sizes and the requantisation. `small` builds read whole
    vectors only and copy others."""
    over = channels % VECTOR
    return MveConv2DParams(
        0, 0, 0, 0, outputs, 1, channels, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, -(-channels // VECTOR),
        0 if small else over, channels if small and over else 0,
    )  # fmt: skip


def _params(p: Conv2DParams, small: bool) -> MveConv2DParams:
    """All but the requantisation."""
    channels = p.input_channels
    common = replace(
        pointwise(channels, p.output_channels, small), input_height=p.input_height,
        input_bytes=p.input_width * channels, output_height=p.output_height, output_width=p.output_width,
        stride_height=p.stride_height, pixel_step=p.stride_width * channels, pad_top=p.pad_top,
        pad_left_bytes=p.pad_left * channels, input_zero_point=-p.input_offset, output_offset=p.output_offset,
        activation_min=p.activation_min, activation_max=p.activation_max,
    )  # fmt: skip
    bottom, right = (p.output_height - 1) * p.stride_height, (p.output_width - 1) * p.stride_width
    inside = p.pad_top == p.pad_left == 0 and bottom < p.input_height and right < p.input_width
    if not inside or p.filter_height > 1 or p.filter_width > 1:
        return _rows(p, common, small)
    if p.stride_height == p.stride_width == 1 and (p.output_height, p.output_width) == (p.input_height, p.input_width):
        return replace(common, output_height=1, output_width=p.output_height * p.output_width)
    return common


def _rows(p: Conv2DParams, common: MveConv2DParams, small: bool) -> MveConv2DParams:
    """With rows in scratch."""
    channels = p.input_channels
    extent = (p.filter_width - 1) * p.dilation_width + 1
    row = max((p.output_width - 1) * p.stride_width + extent, p.pad_left + p.input_width) * channels
    window = (p.filter_height - 1) * p.dilation_height + 1
    parts, run = (1, p.filter_width * channels) if p.dilation_width == 1 else (p.filter_width, channels)
    runs = p.filter_height * parts
    whole = -(-runs * run // VECTOR)
    # Two instructions a vector and output, four a run and pixel.
    pays = run <= VECTOR and 2 * whole + 4 * runs / p.output_channels < 2 * runs
    gather = runs > 1 if small else pays
    return replace(
        common, direct=0, window=window, row_bytes=row, row_capacity=window if small else window + (window > 1),
        lines=p.filter_height, line_step=p.dilation_height * row, parts=parts, part_step=p.dilation_width * channels,
        vectors=whole if gather else -(-run // VECTOR), tail=0, gather=run if gather else 0,
    )  # fmt: skip


def scratch(params: MveConv2DParams) -> int:
    """Bytes for two gathered pixels and for the rows."""
    columns = 2 * (params.vectors + 1) * VECTOR if params.gather else 0
    rows = 0 if params.direct else params.row_bytes * params.row_capacity + params.pixel_step + VECTOR
    return columns + rows


def pairs_lead(p: MveConv2DParams) -> int:
    """The lead where inputs are read where they are, two pixels at a time."""
    rows = np.arange(p.output_height)[:, None] * p.stride_height * p.input_bytes
    return reading_lead(rows + np.arange(p.output_width) * p.pixel_step, p.output_channels, 2)


def _lead(p: MveConv2DParams) -> int:
    if p.direct:
        return pairs_lead(p)
    rows = p.input_bytes, p.output_width * p.output_channels
    return copying_lead(rows, (p.input_height, p.output_height), p.stride_height, p.pad_top, p.window)
