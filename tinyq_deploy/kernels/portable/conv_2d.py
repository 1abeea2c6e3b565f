# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and DEPTHWISE_CONV_2D in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Argument, Constant, Kernel, KernelCall, Read, Target, Write, row_lead
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.kernels.portable.weighted import function, weights_and_bias
from tinyq_deploy.ops.conv_2d import INPUT, Conv2D, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D


def channel_constants(view: NodeView, channels: int) -> tuple[Argument, ...]:
    """Filter, bias, multiplier and shift of a convolution with `channels` outputs."""
    factors = channel_multipliers(view, channels)
    return (
        *weights_and_bias(view, channels),
        Constant("multiplier", factors.multiplier),
        Constant("shift", factors.shift),
    )


class PortableConv2D(Kernel):
    """Direct convolution, channel by channel."""

    op = "CONV_2D"
    kernel_set = "portable"
    kinds = ("int8", "int16", "int4")

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        params, (name, suffix) = Conv2D.params(view), function("conv_2d", view)
        constants = channel_constants(view, params.output_channels)
        reads, writes = Read(view.given(INPUT).index), Write(view.output().index)
        lead = row_lead(view, params.stride_height, params.pad_top)
        return portable_call(name, "conv_2d", params, reads, *constants, writes, lead=lead, suffix=suffix)


class PortableDepthwiseConv2D(Kernel):
    """Direct depthwise convolution, channel by channel."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "portable"
    kinds = ("int8", "int16", "int4")

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        params, (name, suffix) = DepthwiseConv2D.params(view), function("depthwise_conv_2d", view)
        constants = channel_constants(view, params.output_channels)
        reads, writes = Read(view.given(INPUT).index), Write(view.output().index)
        lead = row_lead(view, params.stride_height, params.pad_top)
        return portable_call(name, "depthwise_conv_2d", params, reads, *constants, writes, lead=lead, suffix=suffix)
