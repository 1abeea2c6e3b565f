# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV: output shape [4], filter [O,KH,KW,C], input [N,H,W,C], bias [O] -> [N,OH,OW,O].

Each input pixel adds its filter to the output at its place times the stride; what falls outside the output is left out.
"""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import Conv2DParams, factors_bounded_for, output_range, wide_sums_for

SHAPE, FILTER, INPUT, BIAS = range(4)


def channels_match(view: NodeView) -> str | None:
    """The filter has as many channels as the input and as many filters as the output has channels."""
    channels, (outputs, _, _, depth) = view.given(INPUT).shape[3], view.given(FILTER).shape
    if channels == depth and view.output().shape[3:] == (outputs,):
        return None
    return f"{channels} input channels, filter {list(view.given(FILTER).shape)}, output {list(view.output().shape)}"


def output_as_told(view: NodeView) -> str | None:
    """The output has 4 dimensions, the shape that input 0 gives, and the batches of the input."""
    told, found = movement.values(view, SHAPE), list(view.output().shape)
    if len(found) == 4 and found == told and found[0] == view.given(INPUT).shape[0]:
        return None
    return f"input 0 {told}, output {found}, input {list(view.given(INPUT).shape)}"


def filter_fits(view: NodeView) -> str | None:
    """With VALID padding the output is at least as high and wide as the filter."""
    filter_, output = view.given(FILTER).shape[1:3], view.output().shape[1:3]
    fits = view.option("padding", "SAME") == "SAME" or all(k <= n for k, n in zip(filter_, output, strict=True))
    return None if fits else f"filter {list(filter_)}, output {list(output)}"


def _pads(view: NodeView) -> tuple[int, int]:
    """Rows and columns of the whole sum that lie above and left of the output: those of the convolution that would make
    the input of the output."""
    if view.option("padding", "SAME") == "VALID":
        return 0, 0
    sizes, kernel = view.output().shape[1:3], view.given(FILTER).shape[1:3]
    strides = (view.number("stride_h", 1), view.number("stride_w", 1))
    top, left = (
        rules.window_pad(size, taps, stride, rules.window_output(size, taps, stride, "SAME"))
        for size, taps, stride in zip(sizes, kernel, strides, strict=True)
    )
    return top, left


class TransposeConv(Operator):
    """Two-dimensional transposed convolution."""

    name = "TRANSPOSE_CONV"
    clamps = True
    batch_of = INPUT
    rules = (
        rules.operands(4, optional=1),
        movement.integers(SHAPE, "output shape"),
        rules.rank(INPUT, (4,), "input"),
        rules.rank(FILTER, (4,), "filter"),
        rules.computed(INPUT, "input"),
        rules.activations,
        rules.weights(FILTER, channel_axis=0),
        rules.wide_bias(BIAS, FILTER, channel_axis=0, int32=False),
        rules.positive("stride_h", "stride_w"),
        rules.option_in("padding", ("SAME", "VALID"), "SAME"),
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        output_as_told,
        channels_match,
        filter_fits,
        factors_bounded_for(INPUT),
        # tflite-micro adds up in 64 bits whatever the options say of a bias that is not there.
        wide_sums_for(INPUT, lambda view: False),
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Input elements times filter taps of all outputs, at the borders too."""
        outputs, kh, kw, _ = view.given(FILTER).shape
        return view.given(INPUT).size * kh * kw * outputs

    @staticmethod
    def params(view: NodeView) -> Conv2DParams:
        """Shape and quantisation as the kernels take them: stride and padding are the output's."""
        _, height, width, channels = view.given(INPUT).shape
        outputs, kh, kw, _ = view.given(FILTER).shape
        _, output_height, output_width, _ = view.output().shape
        return Conv2DParams(
            height, width, channels, kh, kw, channels, output_height, output_width, outputs, 1,
            view.number("stride_h", 1), view.number("stride_w", 1), 1, 1, *_pads(view),
            -view.given(INPUT).zero_point, view.output().zero_point, *output_range(view),
        )  # fmt: skip
