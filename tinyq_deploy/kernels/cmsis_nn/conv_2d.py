# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and DEPTHWISE_CONV_2D by CMSIS-NN."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Scratch, Target, Write, bias_or_zeros, weights
from tinyq_deploy.kernels.cmsis_nn import scratch
from tinyq_deploy.kernels.cmsis_nn.base import adapter_call, fits
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

CONVOLVE = "arm_convolve_wrapper_s8"
# Came with grouped convolutions.
CONVOLVE_GROUPS = "arm_nn_mat_mult_kernel_row_offset_s8_s16"
DEPTHWISE = "arm_depthwise_conv_wrapper_s8"

_Params = TypeVar("_Params", Conv2DParams, DepthwiseConv2DParams)


def upright(p: _Params) -> _Params:
    """A window of one row over one row, turned into one column over one column: the same bytes in memory.

    It keeps away from the library's 1xN kernel for MVE, which reads behind the input (all versions) and takes wrong
    bytes for the padding at the right where stride and padding are both above 1 (6.0 to 7.0).
    """
    if (p.input_height, p.filter_height) != (1, 1):
        return p
    return replace(
        p,
        input_height=p.input_width, input_width=1,
        filter_height=p.filter_width, filter_width=1,
        output_height=p.output_width, output_width=1,
        stride_height=p.stride_width, stride_width=1,
        dilation_height=p.dilation_width, dilation_width=1,
        pad_top=p.pad_left, pad_left=0,
    )  # fmt: skip


class CmsisNNConv2D(Kernel):
    """arm_convolve_wrapper_s8: pointwise matrix product, else im2col and matrix product."""

    op = "CONV_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes what the 16-bit extents inside the library hold; grouped convolutions where it knows them."""
        params = Conv2D.params(view)
        functions = (CONVOLVE,) if params.groups == 1 else (CONVOLVE, CONVOLVE_GROUPS)
        if target.cmsis_nn is None or not target.cmsis_nn.has(*functions):
            return None
        return convolution(view, params, Constant("filter", weights(view, FILTER)), functions, target)


class CmsisNNDepthwiseConv2D(Kernel):
    """arm_depthwise_conv_wrapper_s8; a single input channel is an ordinary convolution, which is faster."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes what the 16-bit extents inside the library hold."""
        params = upright(DepthwiseConv2D.params(view))
        library = target.cmsis_nn
        if library is None:
            return None
        if params.input_channels == 1 and library.has(CONVOLVE):
            return convolution(view, _as_convolution(params), _transposed_filter(view), (CONVOLVE,), target)
        if not library.has(DEPTHWISE) or not _extents_fit(params, params.filter_height * params.filter_width):
            return None
        working = Scratch(scratch.depthwise_conv_2d(params, extension(target.core)))
        return adapter_call(
            "depthwise_conv_2d", "tinyq_depthwise_conv_2d_params", params, (DEPTHWISE,),
            Read(view.given(INPUT).index), Constant("filter", weights(view, FILTER)), *_channels(view, params), working,
            Write(view.output().index),
        )  # fmt: skip


def convolution(
    view: NodeView, params: Conv2DParams, filter_: Constant, functions: tuple[str, ...], target: Target
) -> KernelCall | None:
    """The call of arm_convolve_wrapper_s8 with `filter_` [O,KH,KW,C/groups], None where it does not fit."""
    p = upright(params)
    if not _extents_fit(p, p.filter_height * p.filter_width * p.filter_channels):
        return None
    working = Scratch(scratch.conv_2d(p, extension(target.core)))
    return adapter_call(
        "conv_2d", "tinyq_conv_2d_params", p, functions,
        Read(view.given(INPUT).index), filter_, *_channels(view, p), working, Write(view.output().index),
    )  # fmt: skip


def _channels(view: NodeView, p: Conv2DParams | DepthwiseConv2DParams) -> tuple[Constant, ...]:
    factors = channel_multipliers(view, p.output_channels)
    return (
        Constant("bias", bias_or_zeros(view, BIAS, p.output_channels)),
        Constant("multiplier", factors.multiplier),
        Constant("shift", factors.shift),
    )


def _extents_fit(p: Conv2DParams | DepthwiseConv2DParams, taps: int) -> bool:
    spans = (p.filter_height * p.dilation_height, p.filter_width * p.dilation_width, p.stride_height, p.stride_width)
    source, result = (
        (p.input_height, p.input_width, p.input_channels),
        (p.output_height, p.output_width, p.output_channels),
    )
    return fits(*source, *result, taps, *spans)


def _transposed_filter(view: NodeView) -> Constant:
    """[1,KH,KW,M] of one input channel as [M,KH,KW,1]."""
    return Constant("filter", np.ascontiguousarray(weights(view, FILTER).transpose(3, 1, 2, 0)))


def _as_convolution(p: DepthwiseConv2DParams) -> Conv2DParams:
    return Conv2DParams(
        p.input_height, p.input_width, 1, p.filter_height, p.filter_width, 1, p.output_height, p.output_width,
        p.output_channels, 1, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width, p.pad_top,
        p.pad_left, p.input_offset, p.output_offset, p.activation_min, p.activation_max,
    )  # fmt: skip
