# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D: input [N,H,W,C], filter [1,KH,KW,C*M], bias [C*M] -> [N,OH,OW,C*M]."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import (
    BIAS,
    FILTER,
    INPUT,
    extent_bounded,
    factors_bounded,
    output_range,
    wide_sums,
    window,
)


@dataclass(frozen=True)
class DepthwiseConv2DParams:
    """Field for field the C struct tinyq_depthwise_conv_2d_params."""

    input_height: int
    input_width: int
    input_channels: int
    filter_height: int
    filter_width: int
    depth_multiplier: int
    output_height: int
    output_width: int
    output_channels: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int
    input_offset: int
    output_offset: int
    activation_min: int
    activation_max: int


def multiplier_matches(view: NodeView) -> str | None:
    """The filter holds 1 slice, and its channels are the input's times a whole depth multiplier."""
    first, _, _, outputs = view.given(FILTER).shape
    channels = view.given(INPUT).shape[3]
    stated = view.number("depth_multiplier", 1)
    if first == 1 and channels > 0 and outputs == channels * max(stated, 0) and outputs > 0:
        return None
    return f"{channels} input channels, depth_multiplier {stated}, filter {list(view.given(FILTER).shape)}"


def output_shape(view: NodeView) -> str | None:
    """The output shape follows from input, filter, stride, dilation and padding."""
    _, kh, kw, channels = view.given(FILTER).shape
    w = window(view, (kh, kw))
    expected = (view.given(INPUT).shape[0], w.output_height, w.output_width, channels)
    found = view.output().shape
    return None if found == expected and min(expected) > 0 else f"output {list(found)}, computed {list(expected)}"


class DepthwiseConv2D(Operator):
    """Convolution of each input channel by its own filters."""

    name = "DEPTHWISE_CONV_2D"
    clamps = True
    batch_of = INPUT
    rules = (
        rules.operands(3, optional=1),
        rules.rank(INPUT, (4,), "input"),
        rules.rank(FILTER, (4,), "filter"),
        rules.computed(INPUT, "input"),
        rules.same_batches,
        rules.activations,
        rules.weights(FILTER, channel_axis=3, int4=True),
        rules.wide_bias(BIAS, FILTER, channel_axis=3, int32=False),
        rules.positive("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor", "depth_multiplier"),
        rules.option_in("padding", ("SAME", "VALID"), "SAME"),
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        multiplier_matches,
        extent_bounded,
        output_shape,
        factors_bounded,
        wide_sums,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Output elements times taps of one channel."""
        _, kh, kw, _ = view.given(FILTER).shape
        return view.output().size * kh * kw

    @staticmethod
    def params(view: NodeView) -> DepthwiseConv2DParams:
        """Shape and quantisation as the kernels take them."""
        _, height, width, channels = view.given(INPUT).shape
        _, kh, kw, outputs = view.given(FILTER).shape
        w = window(view, (kh, kw))
        return DepthwiseConv2DParams(
            height, width, channels, kh, kw, outputs // channels, w.output_height, w.output_width, outputs,
            w.stride_height, w.stride_width, w.dilation_height, w.dilation_width, w.pad_top, w.pad_left,
            -view.given(INPUT).zero_point, view.output().zero_point, *output_range(view),
        )  # fmt: skip
