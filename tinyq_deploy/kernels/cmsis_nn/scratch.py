# SPDX-License-Identifier: Apache-2.0
"""Bytes of working memory that CMSIS-NN's kernels want, per instruction set extension.

One rule for every supported version, the largest of them all: 4.0 to 5.0 want up to 32 bytes less for convolutions.
From the library's *_get_buffer_size functions; the tests compile those and compare.
"""

from __future__ import annotations

from tinyq_deploy.cores import Extension
from tinyq_deploy.ops.conv_2d import Conv2DParams
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2DParams

# Channels that the depthwise kernel for MVE takes at a time: CH_IN_BLOCK_MVE of arm_nnsupportfunctions.h.
_MVE_CHANNELS = 124


def is_pointwise(p: Conv2DParams) -> bool:
    """Whether each output reads one input position."""
    return (p.filter_height, p.filter_width, p.pad_top, p.pad_left, p.groups) == (1, 1, 0, 0, 1)


def conv_2d(p: Conv2DParams, extension: Extension) -> int:
    """Two columns of int16 taps, or on MVE four of int8 in whole vectors; pointwise convolutions read their input."""
    if is_pointwise(p):
        return 0
    taps = p.filter_height * p.filter_width * p.input_channels
    return 4 * _whole(taps, 16) if extension == "mve" else 2 * 2 * _whole(taps, 4)


def depthwise_conv_2d(p: DepthwiseConv2DParams, extension: Extension) -> int:
    """One window: int16 of all channels, or on MVE four of int8 of a block of channels; the plain kernels want none."""
    if extension == "none" or p.depth_multiplier != 1 or not _undilated(p):
        return 0
    taps = p.filter_height * p.filter_width
    if extension == "mve":
        return 4 * _MVE_CHANNELS * taps
    own_3x3 = (p.filter_height, p.filter_width) == (3, 3) and max(p.pad_top, p.pad_left) <= 1
    return 0 if own_3x3 else 2 * taps * p.input_channels


def average_pool_2d(channels: int, extension: Extension) -> int:
    """One int32 sum per channel for the DSP kernel."""
    return 4 * channels if extension == "dsp" else 0


def _undilated(p: Conv2DParams | DepthwiseConv2DParams) -> bool:
    return (p.dilation_height, p.dilation_width) == (1, 1)


def _whole(count: int, step: int) -> int:
    return -(-count // step) * step
