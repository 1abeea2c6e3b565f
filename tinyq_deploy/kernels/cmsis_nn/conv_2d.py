# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and DEPTHWISE_CONV_2D by CMSIS-NN."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.cores import Extension, extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Scratch, Target, Write, bias_or_zeros, weights
from tinyq_deploy.kernels.cmsis_nn import scratch
from tinyq_deploy.kernels.cmsis_nn.base import adapter_call, fits
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams

CONVOLVE = "arm_convolve_s8"
# Came with grouped convolutions.
CONVOLVE_GROUPS = "arm_nn_mat_mult_kernel_row_offset_s8_s16"
CONVOLVE_1X1 = "arm_convolve_1x1_s8_fast"
CONVOLVE_1X1_STRIDED = "arm_convolve_1x1_s8"
DEPTHWISE = "arm_depthwise_conv_s8"
DEPTHWISE_3X3 = "arm_depthwise_conv_3x3_s8"
DEPTHWISE_OPT = "arm_depthwise_conv_s8_opt"


class CmsisNNConv2D(Kernel):
    """Pointwise as one matrix product, everything else by im2col and matrix product.

    The kernels are called by their own names, not through arm_convolve_wrapper_s8: only what runs is linked, and the
    wrapper's 1xN kernel for MVE is kept away. With 7.0.0 that one gives other bytes than TFLite where the stride is
    above 1 and the last window does not end with the input, and it copies input from behind the tensor.
    """

    op = "CONV_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes what the 16-bit extents inside the library hold; grouped convolutions where it knows them."""
        return convolution(view, Conv2D.params(view), Constant("filter", weights(view, FILTER)), target)


class CmsisNNDepthwiseConv2D(Kernel):
    """The library's kernel for the shape; a single input channel is an ordinary convolution, which is faster."""

    op = "DEPTHWISE_CONV_2D"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes what the 16-bit extents inside the library hold."""
        params = DepthwiseConv2D.params(view)
        if params.input_channels == 1:
            return convolution(view, _as_convolution(params), _transposed_filter(view), target)
        name, function = _depthwise_kernel(params, extension(target.core))
        fitting = _extents_fit(params, params.filter_height * params.filter_width)
        if target.cmsis_nn is None or not target.cmsis_nn.has(function) or not fitting:
            return None
        working = scratch.depthwise_conv_2d(params, extension(target.core)) if function == DEPTHWISE_OPT else 0
        return adapter_call(
            name, "tinyq_depthwise_conv_2d_params", params, (function,),
            Read(view.given(INPUT).index), Constant("filter", weights(view, FILTER)), *_channels(view, params),
            Scratch(working), Write(view.output().index),
        )  # fmt: skip


def convolution(view: NodeView, p: Conv2DParams, filter_: Constant, target: Target) -> KernelCall | None:
    """The call that convolves with `filter_` [O,KH,KW,C/groups], None where the library cannot."""
    library = target.cmsis_nn
    if library is None:
        return None
    name, functions = _convolution_kernel(p, library.convolves_upscaled)
    if not library.has(*functions) or not _extents_fit(p, p.filter_height * p.filter_width * p.filter_channels):
        return None
    return adapter_call(
        name, "tinyq_conv_2d_params", p, functions, Read(view.given(INPUT).index), filter_, *_channels(view, p),
        Scratch(scratch.conv_2d(p, extension(target.core))), Write(view.output().index),
    )  # fmt: skip


def _convolution_kernel(p: Conv2DParams, upscaled: bool) -> tuple[str, tuple[str, ...]]:
    """The adapter for a shape and the library functions that it stands for."""
    if scratch.is_pointwise(p):
        strided = (p.stride_height, p.stride_width) != (1, 1)
        return ("conv_2d_1x1_strided", (CONVOLVE_1X1_STRIDED,)) if strided else ("conv_2d_1x1", (CONVOLVE_1X1,))
    functions = (CONVOLVE,) if p.groups == 1 else (CONVOLVE, CONVOLVE_GROUPS)
    return "conv_2d_v7" if upscaled else "conv_2d", functions


def _depthwise_kernel(p: DepthwiseConv2DParams, offers: Extension) -> tuple[str, str]:
    """The adapter for a shape and the library function that it calls, chosen as arm_depthwise_conv_wrapper_s8 does."""
    if p.depth_multiplier != 1 or (p.dilation_height, p.dilation_width) != (1, 1):
        return "depthwise_conv_2d", DEPTHWISE
    if offers != "mve" and (p.filter_height, p.filter_width) == (3, 3) and max(p.pad_top, p.pad_left) <= 1:
        return "depthwise_conv_2d_3x3", DEPTHWISE_3X3
    return ("depthwise_conv_2d", DEPTHWISE) if offers == "none" else ("depthwise_conv_2d_opt", DEPTHWISE_OPT)


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
