# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D for cores with the DSP extension: int16 planes of one channel, two taps a multiplication."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
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
    weights,
)
from tinyq_deploy.kernels.own.requantize import RISING, Requantization, accumulators, choose
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

# Channels whose planes are filled together, as in firmware/kernels/own/dsp/tinyq_planes.h.
PLANES = 4
WORD = 4
# Output pixels up to which filling planes and decoding taps costs more than it saves.
FEW = 3
# The planes may take a fifth of the input, but never less than the first and never more than the second, where one
# output row's worth fits.
_SHARE, _LEAST, _MOST = 5, 1536, 4096


@dataclass(frozen=True)
class OwnDepthwiseParams:
    """Field for field the C struct tinyq_own_depthwise_params."""

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
    pad_top: int
    phase: int
    lead_words: int
    copy_pairs: int
    odd_column: int
    row_words: int
    plane_rows: int
    strip_rows: int
    filter_words: int
    input_zero_point: int
    kind: int
    shift: int
    activation_min: int
    activation_max: int


class DspDepthwiseConv2D3x3(Kernel):
    """3 by 3 with horizontal stride 1 or 2: the taps stay in registers."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes 3 by 3 without horizontal dilation."""
        p = DepthwiseConv2D.params(view)
        if extension(target.core) != "dsp" or (p.filter_height, p.filter_width) != (3, 3):
            return None
        if p.stride_width > 2 or p.dilation_width > 1:
            return None
        return depthwise_call(view, p, "depthwise_conv_2d_3x3", rows_of_three(by_channel(view)), target.least_scratch)


class DspDepthwiseConv2DFew(Kernel):
    """Few output pixels and no padding, as in streaming models: straight from the input, four channels at a time."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes up to FEW output pixels without padding, horizontal dilation and depth multiplier."""
        p = DepthwiseConv2D.params(view)
        if extension(target.core) != "dsp" or p.output_height * p.output_width > FEW or not _inside(p):
            return None
        if p.depth_multiplier > 1 or p.dilation_width > 1:
            return None
        requantization = requantize_channels(view, p)
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_dsp_depthwise_conv_2d_few",
            header="own/dsp/depthwise_conv_2d_few.h",
            params_type="tinyq_own_depthwise_params",
            params=params_of(plane_layout(p, requantization, over_read=0)),
            arguments=(
                Read(view.given(INPUT).index), Constant("filter", weights(view, FILTER)),
                Constant("channels", requantization.rows()), Write(view.output().index),
            ),
        )  # fmt: skip


def _inside(p: DepthwiseConv2DParams) -> bool:
    """Whether every window lies in the input."""
    bottom = (p.output_height - 1) * p.stride_height + (p.filter_height - 1) * p.dilation_height - p.pad_top
    right = (p.output_width - 1) * p.stride_width + p.filter_width - 1 - p.pad_left
    return max(p.pad_top, p.pad_left) == 0 and bottom < p.input_height and right < p.input_width


class DspDepthwiseConv2D(Kernel):
    """Any filter: the taps of a channel lie in scratch as int16 pairs."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node; one column high is turned into one row, which has pairs of taps."""
        if extension(target.core) != "dsp":
            return None
        p = DepthwiseConv2D.params(view)
        filter_ = by_channel(view)
        if (p.input_width, p.filter_width, p.output_width) == (1, 1, 1):
            p, filter_ = turned(p), np.ascontiguousarray(filter_.transpose(0, 2, 1))
        return depthwise_call(view, p, "depthwise_conv_2d", dilated(filter_, p.dilation_width), target.least_scratch)


def turned(p: DepthwiseConv2DParams) -> DepthwiseConv2DParams:
    """The same layer with height and width exchanged; in memory one column is one row."""
    return replace(
        p, input_height=1, input_width=p.input_height, filter_height=1, filter_width=p.filter_height,
        output_height=1, output_width=p.output_height, stride_height=1, stride_width=p.stride_height,
        dilation_height=1, dilation_width=p.dilation_height, pad_top=p.pad_left, pad_left=p.pad_top,
    )  # fmt: skip


def dilated(filter_: npt.NDArray[np.int8], dilation: int) -> npt.NDArray[np.int8]:
    """[O,KH,KW] with the zeros between the taps that horizontal dilation stands for."""
    outputs, height, width = filter_.shape
    spread = np.zeros((outputs, height, (width - 1) * dilation + 1), np.int8)
    spread[:, :, ::dilation] = filter_
    return spread


def depthwise_call(
    view: NodeView, p: DepthwiseConv2DParams, name: str, filter_: npt.NDArray[np.int8], least_scratch: bool
) -> KernelCall:
    """The call of tinyq_own_dsp_<name> with a packed filter; with `least_scratch` its planes hold one output row's
    worth."""
    requantization = requantize_channels(view, p)
    by_three = name.endswith("3x3")
    layout = plane_layout(p, requantization, 0 if by_three else 1, least_scratch)
    read = view.given(INPUT).index
    extra = 0 if by_three else decoded_bytes(layout)
    return KernelCall(
        kernel_set="own",
        function=f"tinyq_own_dsp_{name}{_variant(layout) if by_three else ''}",
        header=f"own/dsp/{name}.h",
        params_type="tinyq_own_depthwise_params",
        params=params_of(layout),
        arguments=(
            Read(read), Constant("filter", filter_), Constant("channels", requantization.rows()),
            Scratch(planes_bytes(layout) + extra), Write(view.output().index),
        ),
        in_place=(read,) if may_overlap(layout) else (),
    )  # fmt: skip


def _variant(layout: OwnDepthwiseParams) -> str:
    """The suffix of the 3 by 3 function that knows kind and strides, empty where only the general one fits."""
    strides = (layout.stride_height, layout.stride_width)
    plain = (layout.dilation_height, layout.depth_multiplier, layout.activation_min, layout.activation_max)
    if layout.kind != RISING or plain != (1, 1, -128, 127) or strides not in ((1, 1), (2, 2)):
        return ""
    return f"_rising_stride{layout.stride_width}"


def by_channel(view: NodeView) -> npt.NDArray[np.int8]:
    """The filter as [C*M,KH,KW]."""
    return np.ascontiguousarray(weights(view, FILTER)[0].transpose(2, 0, 1))


def rows_of_three(filter_: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """[O,3,3] as [O,3,4]: w0,w1,w1,w2, so that SXTB16 gives (w0,w1) and, rotated, (w1,w2)."""
    return np.ascontiguousarray(filter_[:, :, [0, 1, 1, 2]])


def requantize_channels(view: NodeView, p: DepthwiseConv2DParams) -> Requantization:
    """Bias with the input's zero point folded in, and the cheapest requantisation proven for it."""
    taps: npt.NDArray[Any] = by_channel(view).reshape(p.output_channels, -1)
    sums = accumulators(taps, bias_or_zeros(view, BIAS, p.output_channels), -p.input_offset)
    factors = channel_multipliers(view, p.output_channels)
    return choose(sums, factors, p.output_offset, (p.activation_min, p.activation_max))


def plane_layout(
    p: DepthwiseConv2DParams, requantization: Requantization, over_read: int, least_scratch: bool = False
) -> OwnDepthwiseParams:
    """Where input columns and rows lie in a plane, and how many output rows one filling serves. `over_read`: words
    behind the last window that the kernel loads without need."""
    width = (p.filter_width - 1) * p.dilation_width + 1
    lead, phase = -(-p.pad_left // 2), p.pad_left % 2
    words = (width + 2) // 2
    last = phase + (p.output_width - 1) * p.stride_width
    used = max(1, min(p.input_width, last + width - 2 * lead))
    row_words = max(lead + -(-used // 2), last // 2 + words + over_read)
    strip = 1 if least_scratch else strip_rows(p, row_words)
    return OwnDepthwiseParams(
        p.input_height, p.input_width, p.input_channels, p.depth_multiplier, p.output_height, p.output_width,
        p.filter_height, width, p.stride_height, p.stride_width, p.dilation_height, p.pad_top,
        phase, lead, -(-used // 2), used % 2, row_words, plane_rows(p, strip), strip, words,
        -p.input_offset, requantization.kind, requantization.shift, p.activation_min, p.activation_max,
    )  # fmt: skip


def plane_rows(p: DepthwiseConv2DParams, strip: int) -> int:
    """Input rows that `strip` output rows reach."""
    return (strip - 1) * p.stride_height + (p.filter_height - 1) * p.dilation_height + 1


def strip_rows(p: DepthwiseConv2DParams, row_words: int) -> int:
    """Output rows per filling of the planes: strips of equal height within the budget, at least one row."""
    budget = min(max(p.input_height * p.input_width * p.input_channels // _SHARE, _LEAST), _MOST)
    rows = budget // (row_words * WORD * plane_count(p.input_channels))
    most = (rows - (p.filter_height - 1) * p.dilation_height - 1) // p.stride_height + 1
    strips = -(-p.output_height // max(most, 1))
    return -(-p.output_height // strips)


def plane_count(channels: int) -> int:
    """Planes in use at a time."""
    return PLANES if channels >= PLANES else 1


def planes_bytes(layout: OwnDepthwiseParams) -> int:
    """Bytes of the planes."""
    return plane_count(layout.input_channels) * layout.plane_rows * layout.row_words * WORD


def decoded_bytes(layout: OwnDepthwiseParams) -> int:
    """Bytes of one channel's taps as int16 pairs in both phases."""
    return layout.filter_height * layout.filter_words * 2 * WORD


def may_overlap(layout: OwnDepthwiseParams) -> bool:
    """Whether the output may lie over the input: with M = 1 a channel writes only bytes of that channel, so each strip
    must end before the first input row that is still to be read."""
    if layout.depth_multiplier != 1:
        return False
    for row in range(layout.strip_rows, layout.output_height, layout.strip_rows):
        read = (row - layout.strip_rows) * layout.stride_height - layout.pad_top + layout.plane_rows
        if row * layout.output_width > max(read, 0) * layout.input_width:
            return False
    return True
