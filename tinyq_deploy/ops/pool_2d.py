# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D: input [N,H,W,C] -> [N,OH,OW,C], same quantisation."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import INPUT, LARGEST_EXTENT, output_range, window


@dataclass(frozen=True)
class Pool2DParams:
    """Field for field the C struct tinyq_pool_2d_params."""

    input_height: int
    input_width: int
    channels: int
    filter_height: int
    filter_width: int
    output_height: int
    output_width: int
    stride_height: int
    stride_width: int
    pad_top: int
    pad_left: int
    activation_min: int
    activation_max: int


def kernel_size(view: NodeView) -> tuple[int, int]:
    """[height, width] of the pooling window."""
    return view.number("filter_height", 0), view.number("filter_width", 0)


def window_positive(view: NodeView) -> str | None:
    """The pooling window is 1 to 32767 high and wide."""
    size = kernel_size(view)
    return None if min(size) > 0 and max(size) <= LARGEST_EXTENT else f"window {list(size)}"


def output_shape(view: NodeView) -> str | None:
    """The output shape follows from input, window, stride and padding."""
    w = window(view, kernel_size(view))
    batches, _, _, channels = view.given(INPUT).shape
    expected = (batches, w.output_height, w.output_width, channels)
    found = view.output().shape
    return None if found == expected and min(expected) > 0 else f"output {list(found)}, computed {list(expected)}"


class _Pool2D(Operator):
    channelwise = True
    clamps = True
    batch_of = INPUT
    rules = (
        rules.operands(1),
        rules.rank(INPUT, (4,), "input"),
        rules.computed(INPUT, "input"),
        rules.same_batches,
        rules.activations,
        rules.same_quantization,
        rules.positive("stride_h", "stride_w"),
        rules.option_in("padding", ("SAME", "VALID"), "SAME"),
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        window_positive,
        output_shape,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: pooling adds or compares."""
        return 0

    @staticmethod
    def params(view: NodeView) -> Pool2DParams:
        """Shape as the kernels take it."""
        _, height, width, channels = view.given(INPUT).shape
        kh, kw = kernel_size(view)
        w = window(view, (kh, kw))
        return Pool2DParams(
            height, width, channels, kh, kw, w.output_height, w.output_width, w.stride_height, w.stride_width,
            w.pad_top, w.pad_left, *output_range(view),
        )  # fmt: skip


class AveragePool2D(_Pool2D):
    """Mean over a window, counting only taps inside the input."""

    name = "AVERAGE_POOL_2D"


class MaxPool2D(_Pool2D):
    """Maximum over a window."""

    name = "MAX_POOL_2D"
