# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, bias_or_zeros, weights
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.kernels.portable.weighted import wide_bias_or_zeros
from tinyq_deploy.ops.conv_2d import Conv2DParams, channel_multipliers
from tinyq_deploy.ops.transpose_conv import BIAS, FILTER, INPUT, TransposeConv


class PortableTransposeConv(Kernel):
    """Output by output, the inputs that reach it."""

    op = "TRANSPOSE_CONV"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        params = TransposeConv.params(view)
        factors = channel_multipliers(view, params.output_channels, source=INPUT)
        wide, channels = view.kind == "int16", params.output_channels
        bias = wide_bias_or_zeros(view, BIAS, channels) if wide else bias_or_zeros(view, BIAS, channels)
        return portable_call(
            "transpose_conv_s16" if wide else "transpose_conv", "conv_2d", params,
            Read(view.given(INPUT).index),
            Constant("filter", weights(view, FILTER)),
            Constant("bias", bias),
            Constant("multiplier", factors.multiplier),
            Constant("shift", factors.shift),
            Write(view.output().index),
            lead=upward_lead(view),
        )  # fmt: skip


def upward_lead(view: NodeView) -> int:
    """The `lead` of a kernel that computes the output's rows in order, and each from the input rows that reach it."""
    p, source, output = TransposeConv.params(view), view.given(INPUT), view.output()
    read, written = source.bytes // p.input_height, output.bytes // p.output_height
    ends = ((row + 1) * written - _first_row(row, p) * read for row in range(p.output_height))
    return max(0, *ends)


def _first_row(row: int, p: Conv2DParams) -> int:
    """The first input row that reaches an output row, or one that it might still read."""
    return max(0, -(-(row + p.pad_top - p.filter_height + 1) // p.stride_height))
