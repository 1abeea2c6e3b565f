# SPDX-License-Identifier: Apache-2.0
"""CONV_2D for cores without DSP extension: eight windows at a time, two to a word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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
    pixel_lead,
    weights,
)
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.plain_dot import CORES, WINDOWS, channel_rows, pack
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers, output_range

# Windows from which computing eight of them is faster than one at a time.
FEWEST_WINDOWS = 5


@dataclass(frozen=True)
class OwnPlainConv2DParams:
    """Field for field the C struct tinyq_own_plain_conv_2d_params."""

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
    activation_min: int
    activation_max: int
    run_taps: int
    run_bytes: int
    requantization: int
    shift: int


class OwnPlainConv2D(Kernel):
    """The same tap of two windows in one word, one multiplication for both."""

    op = "CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes one group, on cores without DSP extension."""
        p = Conv2D.params(view)
        if target.core not in CORES or p.groups != 1:
            return None
        filter_ = weights(view, FILTER)
        count = len(filter_)
        rows = filter_.reshape(count, -1)
        sums = requantize.accumulators(rows, bias_or_zeros(view, BIAS, count), view.given(INPUT).zero_point)
        factors = channel_multipliers(view, count)
        chosen = requantize.choose(sums, factors, view.output().zero_point, output_range(view))
        lead = pixel_lead(view, (p.stride_height, p.stride_width), (p.pad_top, p.pad_left), WINDOWS)
        return replace(convolution(view, p, rows, chosen), lead=lead)


def convolution(
    view: NodeView, p: Conv2DParams, rows: npt.NDArray[Any], chosen: requantize.Requantization
) -> KernelCall:
    """The call that convolves input 0 with the filters `rows` [O, KH*KW*C]."""
    run = p.filter_width if p.dilation_width == 1 else 1
    params = OwnPlainConv2DParams(
        p.input_height, p.input_width, p.input_channels, p.filter_height, p.filter_width, p.output_height,
        p.output_width, p.output_channels, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width,
        p.pad_top, p.pad_left, -p.input_offset, p.activation_min, p.activation_max, run, run * p.input_channels,
        chosen.kind, chosen.shift,
    )  # fmt: skip
    filters, counts = pack(rows)
    return KernelCall(
        "own", "tinyq_own_plain_conv_2d", "own/plain/conv_2d.h", "tinyq_own_plain_conv_2d_params", params_of(params),
        (
            Read(view.given(INPUT).index),
            Constant("filters", filters),
            Constant("channels", channel_rows(chosen, counts)),
            Scratch(2 * WINDOWS * rows.shape[1] + 2 * params.run_bytes),
            Write(view.output().index),
        ),
    )  # fmt: skip
