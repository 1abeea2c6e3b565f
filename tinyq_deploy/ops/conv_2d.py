# SPDX-License-Identifier: Apache-2.0
"""CONV_2D: input [N,H,W,C], filter [O,KH,KW,C/groups], bias [O] -> [N,OH,OW,O]."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.fixed_point import Multipliers, activation_range, limits, multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator, Rule

INPUT, FILTER, BIAS = 0, 1, 2
# Geometry is int32 in C; a dilated filter beyond this has no use.
LARGEST_EXTENT = 32767
# tinyq_requantize shifts an int32 left by at most 30.
LARGEST_FACTOR = float(1 << 30)
# tinyq_requantize_wide takes shifts of at most 7, and sums of 48 bits: 2^22 times so many products, and the bias.
LARGEST_WIDE_FACTOR, MOST_WIDE_PRODUCTS = float(1 << 7), 1 << 23
# TensorType.INT32 of the schema.
_INT32 = 2
# Rows and columns of padding, 0 unless a pass gives a VALID window some; no file has these options.
EXPLICIT_PADDING = ("pad_top", "pad_bottom", "pad_left", "pad_right")
# The option of a node that stands for a band of rows of another one; no file has it.
BAND_PAD_TOP = "band_pad_top"


@dataclass(frozen=True)
class Conv2DParams:
    """Field for field the C struct tinyq_conv_2d_params."""

    input_height: int
    input_width: int
    input_channels: int
    filter_height: int
    filter_width: int
    filter_channels: int
    output_height: int
    output_width: int
    output_channels: int
    groups: int
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


def channels_divide(view: NodeView) -> str | None:
    """The input channels are a whole number of groups of the filter's, and the output channels divide into as many."""
    channels, (outputs, _, _, per_group) = view.given(INPUT).shape[3], view.given(FILTER).shape
    if per_group and channels % per_group == 0 and channels and outputs % (channels // per_group) == 0:
        return None
    return f"{channels} input channels, filter {list(view.given(FILTER).shape)}"


def output_shape(view: NodeView) -> str | None:
    """The output shape follows from input, filter, stride, dilation and padding."""
    p = window(view, view.given(FILTER).shape[1:3])
    expected = (view.given(INPUT).shape[0], p.output_height, p.output_width, view.given(FILTER).shape[0])
    found = view.output().shape
    return None if found == expected and min(expected) > 0 else f"output {list(found)}, computed {list(expected)}"


def extent_bounded(view: NodeView) -> str | None:
    """The filter, dilated, is at most 32767 high and wide."""
    dilation = (view.number("dilation_h_factor", 1), view.number("dilation_w_factor", 1))
    extent = [(k - 1) * d + 1 for k, d in zip(view.given(FILTER).shape[1:3], dilation, strict=True)]
    return None if max(extent) <= LARGEST_EXTENT else f"filter {list(view.given(FILTER).shape)}, dilation {dilation}"


def factors_bounded_for(source: int, filter_: int = FILTER) -> Rule:
    """A rule on the factors of the products of two inputs."""

    def rule(view: NodeView) -> str | None:
        weights = view.given(filter_).quantization
        assert weights is not None
        factor = view.given(source).scale * max(weights.scale) / view.output().scale
        return None if factor < LARGEST_FACTOR else f"factor {factor:g}"

    text = "Every requantisation factor, input scale * filter scale / output scale, is below 2^30."
    return rules.documented(rule, text)


factors_bounded = factors_bounded_for(INPUT)


def narrow_sums(view: NodeView) -> bool:
    """Whether a node on int16 adds up in 32 bits: its bias has them, or it has none and its options say so."""
    bias = view.input(BIAS)
    return view.number("quantized_bias_type", 0) == _INT32 if bias is None else bias.dtype == "int32"


def wide_sums(view: NodeView) -> str | None:
    """With int16 activations and 64-bit sums, factors are below 2^7 and filters have fewer than 2^23 weights a
    channel."""
    if view.kind != "int16" or narrow_sums(view):
        return None
    filter_ = view.given(FILTER)
    assert filter_.quantization is not None
    factor = view.given(INPUT).scale * max(filter_.quantization.scale) / view.output().scale
    fits = factor < LARGEST_WIDE_FACTOR and filter_.size < MOST_WIDE_PRODUCTS * view.output().shape[-1]
    return None if fits else f"factor {factor:g}, filter {list(filter_.shape)}"


@dataclass(frozen=True)
class Window:
    """Geometry of a sliding window."""

    output_height: int
    output_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int


def window(view: NodeView, kernel: tuple[int, ...]) -> Window:
    """The geometry of a window of [KH,KW] over input 0; from stride_h/w, dilation_*_factor and padding, and for VALID
    from the options of `EXPLICIT_PADDING`. A node that stands for a band of rows has the option BAND_PAD_TOP: its
    padding at the top, with as many output rows as its output."""
    stride = (view.number("stride_h", 1), view.number("stride_w", 1))
    dilation = (view.number("dilation_h_factor", 1), view.number("dilation_w_factor", 1))
    padding = str(view.option("padding", "SAME"))
    top, bottom, left, right = (view.number(name, 0) for name in EXPLICIT_PADDING)
    height, width = view.given(INPUT).shape[1:3]
    size = (height + top + bottom, width + left + right)
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    rows, columns = (rules.window_output(*item, padding) for item in zip(size, extent, stride, strict=True))
    if padding == "SAME":
        top, left = (rules.window_pad(*item) for item in zip(size, extent, stride, (rows, columns), strict=True))
    if BAND_PAD_TOP in view.node.options:
        rows, top = view.output().shape[1], view.number(BAND_PAD_TOP, 0)
    return Window(rows, columns, *stride, *dilation, top, left)


def channel_multipliers(view: NodeView, channels: int, source: int = INPUT) -> Multipliers:
    """input scale * filter scale / output scale per channel, [channels]; one filter scale serves all channels.
    `source` is the input's position."""
    filter_ = view.given(FILTER).quantization
    assert filter_ is not None
    scales = filter_.scale if len(filter_.scale) == channels else filter_.scale * channels
    return multipliers([view.given(source).scale * scale / view.output().scale for scale in scales])


def output_range(view: NodeView) -> tuple[int, int]:
    """Clamp limits of the fused activation in the output's domain, and of the layers that passes merged into this
    one as the options clamp_min and clamp_max, which no file has."""
    activation, output = str(view.option("fused_activation_function", "NONE")), view.output()
    low, high = activation_range(activation, output.scale, output.zero_point, *limits(output.dtype))
    return max(low, view.number("clamp_min", low)), min(high, view.number("clamp_max", high))


class Conv2D(Operator):
    """Two-dimensional convolution."""

    name = "CONV_2D"
    clamps = True
    batch_of = INPUT
    rules = (
        rules.operands(3, optional=1),
        rules.rank(INPUT, (4,), "input"),
        rules.rank(FILTER, (4,), "filter"),
        rules.computed(INPUT, "input"),
        rules.same_batches,
        rules.activations,
        rules.weights(FILTER, channel_axis=0, int4=True),
        rules.wide_bias(BIAS, FILTER, channel_axis=0),
        rules.positive("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor"),
        rules.option_in("padding", ("SAME", "VALID"), "SAME"),
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        channels_divide,
        extent_bounded,
        output_shape,
        factors_bounded,
        wide_sums,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Output elements times filter taps."""
        _, kh, kw, channels = view.given(FILTER).shape
        return view.output().size * kh * kw * channels

    @staticmethod
    def params(view: NodeView) -> Conv2DParams:
        """Shape and quantisation as the kernels take them."""
        _, height, width, channels = view.given(INPUT).shape
        outputs, kh, kw, per_group = view.given(FILTER).shape
        w = window(view, (kh, kw))
        return Conv2DParams(
            height, width, channels, kh, kw, per_group, w.output_height, w.output_width, outputs, channels // per_group,
            w.stride_height, w.stride_width, w.dilation_height, w.dilation_width, w.pad_top, w.pad_left,
            -view.given(INPUT).zero_point, view.output().zero_point, *output_range(view),
        )  # fmt: skip
