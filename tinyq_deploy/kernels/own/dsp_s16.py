# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 for cores with the DSP extension, where 32 bits hold each
sum.

TFLite keeps such sums in 64 bits. With constant weights their extremes are known: 32768 times the weights' absolute
sum, and the bias. Where they fit int32, SMLAD adds two products at a time; and with a shift to the right by 16 to 32
bits, which SMMULR does by itself once the multiplier is shifted left, requantisation is one instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import INT32_MAX, Multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import (
    Constant,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    params_of,
    row_lead,
    weights,
)
from tinyq_deploy.ops.conv_2d import (
    BIAS,
    FILTER,
    INPUT,
    Conv2D,
    Conv2DParams,
    channel_multipliers,
    narrow_sums,
)
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D
from tinyq_deploy.ops.fully_connected import FullyConnected, FullyConnectedParams, has_constant_weights

_LARGEST_INPUT = 1 << 15


@dataclass(frozen=True)
class OwnDspConv2DS16Params:
    """Field for field the C struct tinyq_own_dsp_conv_2d_s16_params."""

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
    activation_min: int
    activation_max: int
    quads: int
    repeated: int
    direct: int


class OwnDspConv2DS16(Kernel):
    """Two pixels times two output channels a step."""

    op = "CONV_2D"
    kernel_set = "own"
    kinds = ("int16",)

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes one group, on cores with the DSP extension, where sums and shifts fit."""
        p = Conv2D.params(view)
        if extension(target.core) != "dsp" or p.groups != 1:
            return None
        filter_ = weights(view, FILTER).reshape(p.output_channels, -1)
        channels = channel_rows(view, filter_, channel_multipliers(view, p.output_channels))
        # Two pixels at a time, across the ends of rows: what is written is up to a row ahead.
        written = view.output().bytes // p.output_height
        lead = row_lead(view, p.stride_height, p.pad_top) + written
        return None if channels is None else _call(view, p, filter_, channels, lead)


class OwnDspFullyConnectedS16(Kernel):
    """The rows are the pixels of a convolution of 1 by 1."""

    op = "FULLY_CONNECTED"
    kernel_set = "own"
    kinds = ("int16",)

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes constant weights, on cores with the DSP extension, where sums and shifts fit."""
        if extension(target.core) != "dsp" or not has_constant_weights(view):
            return None
        p, filter_ = FullyConnected.params(view), weights(view, FILTER)
        factors = FullyConnected.requantization(view)
        if not p.per_channel:
            factors = Multipliers(*(np.repeat(part, p.output_depth) for part in (factors.multiplier, factors.shift)))
        channels = channel_rows(view, filter_, factors)
        return None if channels is None else _call(view, _as_convolution(p), filter_, channels, None)


class OwnDspDepthwiseConv2DS16(Kernel):
    """Two channels a step."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"
    kinds = ("int16",)

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes an even number of channels with one output each, on cores with the DSP extension, where sums and shifts
        fit."""
        p = DepthwiseConv2D.params(view)
        if extension(target.core) != "dsp" or p.depth_multiplier != 1 or p.input_channels % 2:
            return None
        filter_ = weights(view, FILTER).reshape(-1, p.output_channels)
        channels = channel_rows(view, filter_.T, channel_multipliers(view, p.output_channels))
        if channels is None:
            return None
        return KernelCall(
            "own", "tinyq_own_dsp_depthwise_conv_2d_s16", "own/dsp/depthwise_conv_2d_s16.h",
            "tinyq_depthwise_conv_2d_params", params_of(p),
            (
                Read(view.given(INPUT).index), Constant("weights", filter_.astype(np.int16)),
                Constant("channels", channels), Write(view.output().index),
            ),
            lead=row_lead(view, p.stride_height, p.pad_top),
        )  # fmt: skip


def channel_rows(view: NodeView, filter_: npt.NDArray[Any], factors: Multipliers) -> npt.NDArray[np.int32] | None:
    """[O rounded up to 2, 2] bias and multiplier of the outputs of `filter_` [O, I]; None where a sum could leave int32
    or a shift is none that SMMULR does."""
    if narrow_sums(view):
        return None
    tensor, outputs = view.input(BIAS), len(filter_)
    bias = np.zeros(outputs, np.int64) if tensor is None else weights(view, BIAS).reshape(outputs)
    most = _LARGEST_INPUT * np.abs(filter_.astype(np.int64)).sum(axis=1) + np.abs(bias)
    multiplier, shift = factors.multiplier.astype(np.int64), factors.shift.astype(np.int64)
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    left = np.where(reduced == 0, 0, 17 + shift)  # 32 bits less the 15 - shift that follow the product
    if most.max() > INT32_MAX or left.min() < 0 or left.max() > 16:
        return None
    rows = np.stack([bias, reduced << left], axis=1)
    return np.pad(rows, ((0, outputs % 2), (0, 0))).astype(np.int32)


def _call(
    view: NodeView, p: Conv2DParams, filter_: npt.NDArray[Any], channels: npt.NDArray[np.int32], lead: int | None
) -> KernelCall:
    depth = filter_.shape[1]
    quads = -(-depth // 4)
    one_pixel = (p.filter_height, p.filter_width, p.stride_height, p.stride_width) == (1, 1, 1, 1)
    direct = one_pixel and (p.pad_top, p.pad_left) == (0, 0) and depth % 4 == 0 and p.input_width == p.output_width
    params = OwnDspConv2DS16Params(
        p.input_height, p.input_width, p.input_channels, p.filter_height, p.filter_width, p.output_height,
        p.output_width, p.output_channels, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width,
        p.pad_top, p.pad_left, p.activation_min, p.activation_max, quads,
        next(n for n in (4, 2, 1) if quads % n == 0), int(direct),
    )  # fmt: skip
    return KernelCall(
        "own", "tinyq_own_dsp_conv_2d_s16", "own/dsp/conv_2d_s16.h", "tinyq_own_dsp_conv_2d_s16_params",
        params_of(params),
        (
            Read(view.given(INPUT).index), Constant("weights", in_pairs(filter_)), Constant("channels", channels),
            Scratch(0 if direct else 2 * 4 * quads * 2), Write(view.output().index),
        ),
        lead=lead,
    )  # fmt: skip


def in_pairs(filter_: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """[O, I] as [pairs of O, quads, 2, 4], zeros behind the ends, the bytes of a quad as SXTB16 takes them apart."""
    outputs, depth = filter_.shape
    padded = np.pad(filter_, ((0, outputs % 2), (0, -depth % 4)))
    quads = padded.reshape(len(padded) // 2, 2, -1, 4).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(quads[..., [0, 2, 1, 3]], np.int8)


def _as_convolution(p: FullyConnectedParams) -> Conv2DParams:
    return Conv2DParams(
        1, p.batches, p.input_depth, 1, 1, p.input_depth, 1, p.batches, p.output_depth, 1, 1, 1, 1, 1, 0, 0, 0, 0,
        p.activation_min, p.activation_max,
    )  # fmt: skip
