# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D for cores without DSP extension: one channel at a time from a padded plane of bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NodeView
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
)
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.dsp_depthwise_conv_2d import by_channel, turned
from tinyq_deploy.kernels.own.plain_dot import CORES
from tinyq_deploy.ops.conv_2d import BIAS, INPUT, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

# The plane holds the input plus this.
_OFFSET = 128
# Outputs side by side for which the registers suffice.
_STEPS = (4, 5, 3)
# A plane of the whole channel, which lets the output lie over the input, may take a share of the input or this.
_SHARE, _LEAST = 4, 4096


@dataclass(frozen=True)
class OwnPlainDepthwiseParams:
    """Field for field the C struct tinyq_own_plain_depthwise_params."""

    input_height: int
    input_width: int
    input_channels: int
    depth_multiplier: int
    output_height: int
    output_width: int
    filter_height: int
    filter_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int
    plane_width: int
    plane_rows: int
    plane_bytes: int
    strip_rows: int
    step: int
    input_zero_point: int
    activation_min: int
    activation_max: int
    requantization: int
    shift: int


class OwnPlainDepthwiseConv2D(Kernel):
    """Several outputs of one channel side by side, no border inside the loop."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node, on cores without DSP extension; one column high is turned into one row."""
        if target.core not in CORES:
            return None
        p = DepthwiseConv2D.params(view)
        filter_ = by_channel(view)
        chosen = _requantization(view, p, filter_.reshape(p.output_channels, -1))
        if (p.input_width, p.filter_width, p.output_width) == (1, 1, 1):
            p = turned(p)
        layout = plane_layout(p, chosen)
        whole = layout.strip_rows == p.output_height
        read = view.given(INPUT).index
        call = KernelCall(
            "own", "tinyq_own_plain_depthwise_conv_2d", "own/plain/depthwise_conv_2d.h",
            "tinyq_own_plain_depthwise_params", params_of(layout),
            (
                Read(read), Constant("filters", filter_), Constant("channels", chosen.rows()),
                Scratch(layout.plane_bytes + 4 * p.filter_height * p.filter_width), Write(view.output().index),
            ),
            in_place=(read,) if whole and p.depth_multiplier == 1 else (),
        )  # fmt: skip
        return call if whole else replace(call, lead=row_lead(view, p.stride_height, p.pad_top, layout.strip_rows))


def _requantization(view: NodeView, p: DepthwiseConv2DParams, taps: npt.NDArray[Any]) -> requantize.Requantization:
    """With a bias for inputs that are _OFFSET larger."""
    sums = requantize.accumulators(taps, bias_or_zeros(view, BIAS, p.output_channels), -p.input_offset)
    factors = channel_multipliers(view, p.output_channels)
    chosen = requantize.choose(sums, factors, p.output_offset, (p.activation_min, p.activation_max))
    bias = chosen.bias.astype(np.int64) - _OFFSET * taps.astype(np.int64).sum(axis=1)
    return replace(chosen, bias=(bias & 0xFFFFFFFF).astype(np.uint32).view(np.int32))


def plane_layout(p: DepthwiseConv2DParams, chosen: requantize.Requantization) -> OwnPlainDepthwiseParams:
    """The size of the plane and how many output rows one filling serves."""
    width = (p.filter_width - 1) * p.dilation_width + (p.output_width - 1) * p.stride_width + 1
    width = max(width, p.pad_left + p.input_width)
    strip = strip_rows(p, width)
    rows = _plane_rows(p, strip)
    step = next((n for n in _STEPS if p.output_width % n == 0), min(p.output_width, _STEPS[0]))
    size = rows * width + (max(_STEPS) - 1) * p.stride_width
    return OwnPlainDepthwiseParams(
        p.input_height, p.input_width, p.input_channels, p.depth_multiplier, p.output_height, p.output_width,
        p.filter_height, p.filter_width, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width,
        p.pad_top, p.pad_left, width, rows, -(-size // 4) * 4, strip, step, -p.input_offset, p.activation_min,
        p.activation_max, chosen.kind, chosen.shift,
    )  # fmt: skip


def _plane_rows(p: DepthwiseConv2DParams, strip: int) -> int:
    return (strip - 1) * p.stride_height + (p.filter_height - 1) * p.dilation_height + 1


def strip_rows(p: DepthwiseConv2DParams, width: int) -> int:
    """Output rows per filling: all of them, or strips of equal height within the budget, at least one row."""
    budget = max(p.input_height * p.input_width * p.input_channels // _SHARE, _LEAST)
    most = (budget // width - _plane_rows(p, 1)) // p.stride_height + 1
    strips = -(-p.output_height // max(most, 1))
    return -(-p.output_height // strips)
