# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D for Helium: sixteen outputs at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Scratch, Target, Write, bias_or_zeros, weights
from tinyq_deploy.kernels.own.mve import (
    VECTOR,
    Ints,
    Requantization,
    copying_lead,
    mve_call,
    reading_lead,
    requantization,
    takes,
)
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

# Shifts that are part of widening the sums, as the C has them.
LEFTS = (14, 13, 12)
# As in depthwise_conv_2d.h.
UNROLLED_TAPS = 9
# Lanes of the four quads: widening bytes to 16 and then to 32 bits takes even and odd lanes apart twice.
LANES = np.array([[0, 4, 8, 12], [2, 6, 10, 14], [1, 5, 9, 13], [3, 7, 11, 15]])


@dataclass(frozen=True)
class MveDepthwiseConv2DParams:
    """Field for field the C struct tinyq_own_mve_depthwise_conv_2d_params."""

    input_height: int
    input_width: int
    input_channels: int
    filter_height: int
    filter_width: int
    output_height: int
    output_width: int
    output_channels: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int
    input_zero_point: int
    output_offset: int
    activation_min: int
    activation_max: int
    depth_multiplier: int
    cycle: int
    pair: int
    kind: int
    left: int
    fraction: int
    direct: int
    row_bytes: int
    window: int


class MveDepthwiseConv2D(Kernel):
    """Rows are copied to a ring with padding around them, so that the inner loop meets no border."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node on a core with Helium, but one input channel with several outputs: that is a convolution."""
        p = DepthwiseConv2D.params(view)
        if not takes(target) or (p.input_channels == 1 and p.output_channels > 1):
            return None
        filter_ = weights(view, FILTER).reshape(-1, p.output_channels)
        made = requantization(
            filter_.T, bias_or_zeros(view, BIAS, p.output_channels), channel_multipliers(view, p.output_channels),
            -p.input_offset, p.output_offset, (p.activation_min, p.activation_max), () if target.small else LEFTS,
        )  # fmt: skip
        channels = blocks(p)
        params = _params(p, made, channels, filter_)
        return mve_call(
            "depthwise_conv_2d", params, Read(view.given(INPUT).index),
            Constant("filter", _packed(filter_, channels)),
            Constant("constants", made.quads(channels[:, LANES].reshape(-1, 4))),
            Write(view.output().index),
            Scratch(_scratch(params, target.small)), lead=_lead(params),
        )  # fmt: skip


def blocks(p: DepthwiseConv2DParams) -> Ints:
    """[cycle, 16] channel of each lane, -1 for none."""
    if p.stride_width == 1:
        cycle = math.lcm(p.output_channels, VECTOR) // VECTOR
        # A row shorter than the cycle ends it earlier.
        cycle = min(cycle, -(-p.output_width * p.output_channels // VECTOR))
        return (np.arange(cycle * VECTOR) % p.output_channels).reshape(-1, VECTOR)
    order = np.arange(-(-p.output_channels // VECTOR) * VECTOR)
    return np.where(order < p.output_channels, order, -1).reshape(-1, VECTOR)


def _packed(filter_: Ints, channels: Ints) -> Ints:
    """[cycle, KH*KW, 16] of [KH*KW, C]."""
    wide = np.concatenate([filter_, np.zeros((len(filter_), 1), np.int8)], axis=1)
    return np.ascontiguousarray(wide[:, channels].transpose(1, 0, 2))


def _params(p: DepthwiseConv2DParams, made: Requantization, channels: Ints, filter_: Ints) -> MveDepthwiseConv2DParams:
    columns = max((p.output_width - 1) * p.stride_width + (p.filter_width - 1) * p.dilation_width + 1,
                  p.pad_left + p.input_width)  # fmt: skip
    window = (p.filter_height - 1) * p.dilation_height + 1
    direct = _direct(p, columns, window)
    return MveDepthwiseConv2DParams(
        p.input_height, p.input_width, p.input_channels, p.filter_height, p.filter_width, p.output_height,
        p.output_width, p.output_channels, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width,
        p.pad_top, p.pad_left, -p.input_offset, p.output_offset, p.activation_min, p.activation_max,
        p.depth_multiplier, len(channels), int(filter_.min() > -128), made.kind, made.left, made.fraction, int(direct),
        (p.input_width if direct else columns) * p.output_channels, window,
    )  # fmt: skip


def _direct(p: DepthwiseConv2DParams, columns: int, window: int) -> bool:
    """Whether every window lies in the input and is read in whole vectors."""
    inside = p.pad_top == p.pad_left == 0 and columns <= p.input_width
    inside = inside and (p.output_height - 1) * p.stride_height + window <= p.input_height
    run = p.output_channels * (p.output_width if p.stride_width == 1 else 1)
    return inside and p.depth_multiplier == 1 and run % VECTOR == 0


def _scratch(p: MveDepthwiseConv2DParams, small: bool) -> int:
    """Bytes for the table of taps and for the rows."""
    taps = p.filter_height * p.filter_width
    table = 4 * taps if taps > (0 if small else UNROLLED_TAPS) else 0
    return table + (0 if p.direct else p.row_bytes * p.window + VECTOR)


def _lead(p: MveDepthwiseConv2DParams) -> int:
    line = p.output_width * p.output_channels
    if p.direct:
        return reading_lead(np.arange(p.output_height)[:, None] * p.stride_height * p.row_bytes, line)
    rows, heights = (p.input_width * p.input_channels, line), (p.input_height, p.output_height)
    return copying_lead(rows, heights, p.stride_height, p.pad_top, p.window)
