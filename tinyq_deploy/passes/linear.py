# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED as one thing: groups of outputs that add up weighted taps of groups of
inputs, in a few border patterns, then requantise and clamp.

Source of the arithmetic: TFLite's reference kernels, int8; a tap in the padding contributes 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import INT32_MAX, INT32_MIN, Multipliers, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers, output_range
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DParams
from tinyq_deploy.ops.fully_connected import FullyConnected, has_constant_weights

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Linear:
    """One such layer. G groups, each with O outputs, I inputs and T taps; P border patterns that really occur.

    weights [G,O,T,I]; bias, multiplier, shift [G*O]; patterns [P,T]: which taps lie inside the input; `low` and `high`
    clamp the output. Channels are numbered group by group, as they lie in the last dimension of the tensors.
    """

    weights: Numbers
    bias: Numbers
    multiplier: Numbers
    shift: Numbers
    patterns: Mask
    input_zero: int
    output_zero: int
    low: int
    high: int

    def accumulators(self, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
        """Least and largest accumulator [G*O,P], in exact integers, for inputs in [low, high], both [G*I]."""
        groups, outputs, _, inputs = self.weights.shape
        a, b = (self.weights * (end - self.input_zero).reshape(groups, 1, 1, inputs) for end in (low, high))
        least, most = (ends.sum(-1).reshape(groups * outputs, -1) for ends in (np.minimum(a, b), np.maximum(a, b)))
        inside = self.patterns.T.astype(np.int64)
        return least @ inside + self.bias[:, None], most @ inside + self.bias[:, None]

    def outputs(self, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
        """Least and largest output [G*O] over all border patterns. Where an accumulator or its left shift could leave
        int32, the order of values is lost there and the clamp alone bounds the output."""
        least, most = self.accumulators(low, high)
        left = np.maximum(self.shift, 0)[:, None]
        sound = (least >= INT32_MIN >> left) & (most <= INT32_MAX >> left)
        ends = []
        for sums, unknown in ((least, self.low), (most, self.high)):
            scaled = requantize_array(np.where(sound, sums, 0), self.multiplier[:, None], self.shift[:, None])
            value = scaled + self.output_zero
            sound = sound & (value >= INT32_MIN) & (value <= INT32_MAX)
            ends.append((np.clip(value, self.low, self.high), unknown))
        bottom, top = (np.where(sound, value, unknown) for value, unknown in ends)
        return bottom.min(1), top.max(1)

    def reads(self, low: Numbers, high: Numbers) -> Mask:
        """[G,O,I]: whether the accumulator of an output really depends on an input in [low, high]: it varies and has a
        weight, or it is constant but adds different amounts in different border patterns."""
        inside = self.patterns.T.astype(np.int64)
        groups, _, _, inputs = self.weights.shape
        varies = (low != high).reshape(groups, 1, inputs)
        used = (self.weights != 0)[:, :, self.patterns.any(0)].any(2)
        sums = np.einsum("goti,tp->goip", self.weights, inside)
        uneven = (sums != sums[..., :1]).any(-1) & (low != self.input_zero).reshape(groups, 1, inputs)
        mask: Mask = np.where(varies, used, uneven)
        return mask

    def constant_part(self, values: Numbers, dropped: Mask) -> Numbers:
        """[G*O]: what the inputs in `dropped` [G*I], fixed at `values`, add to each accumulator. It holds for outputs
        that do not read them (see `reads`): there it is the same in every border pattern."""
        groups, outputs, _, inputs = self.weights.shape
        factor = np.where(dropped, values - self.input_zero, 0).reshape(groups, 1, 1, inputs)
        taps = (self.weights * factor).sum(-1).reshape(groups * outputs, -1)
        part: Numbers = taps @ self.patterns[0].astype(np.int64)
        return part


def linear(view: NodeView) -> Linear | None:
    """`view` in this form; None for another operator, on int16, or where rows of a matrix product cut channels
    apart."""
    if view.kind == "int16":
        return None
    if view.node.op == "CONV_2D":
        return _convolution(view)
    if view.node.op == "DEPTHWISE_CONV_2D":
        return _depthwise(view)
    if view.node.op == "FULLY_CONNECTED":
        return _product(view)
    return None


def _convolution(view: NodeView) -> Linear:
    p = Conv2D.params(view)
    taps = p.filter_height * p.filter_width
    weights = _filter(view).reshape(p.groups, p.output_channels // p.groups, taps, p.filter_channels)
    return _linear(view, weights, _patterns(p), channel_multipliers(view, p.output_channels))


def _depthwise(view: NodeView) -> Linear:
    p = DepthwiseConv2D.params(view)
    taps = p.filter_height * p.filter_width
    weights = _filter(view).reshape(taps, p.input_channels, p.depth_multiplier).transpose(1, 2, 0)[..., None]
    return _linear(view, weights, _patterns(p), channel_multipliers(view, p.output_channels))


def _product(view: NodeView) -> Linear | None:
    """A row of the product holds T pixels of I channels each, T = 1 where the input is a matrix already. None
    where the weights are computed, or no whole number of pixels."""
    if not has_constant_weights(view):
        return None
    p = FullyConnected.params(view)
    channels = view.given(INPUT).shape[-1]
    if p.input_depth % channels:
        return None
    weights = _filter(view).reshape(1, p.output_depth, p.input_depth // channels, channels)
    patterns = np.ones((1, p.input_depth // channels), np.bool_)
    return _linear(view, weights, patterns, channel_multipliers(view, p.output_depth))


def _linear(view: NodeView, weights: Numbers, patterns: Mask, factors: Multipliers) -> Linear:
    outputs = weights.shape[0] * weights.shape[1]
    bias = view.input(BIAS)
    data = np.zeros(outputs, np.int64) if bias is None or bias.data is None else bias.data.reshape(-1)
    return Linear(
        weights, data.astype(np.int64), factors.multiplier.astype(np.int64), factors.shift.astype(np.int64), patterns,
        view.given(INPUT).zero_point, view.output().zero_point, *output_range(view),
    )  # fmt: skip


def _filter(view: NodeView) -> Numbers:
    data = view.given(FILTER).data
    assert data is not None
    return data.astype(np.int64)


def _patterns(p: Conv2DParams | DepthwiseConv2DParams) -> Mask:
    """[P,KH*KW]: the sets of taps inside the input that occur at some output position."""
    rows = _inside(p.output_height, p.stride_height, p.pad_top, p.filter_height, p.dilation_height, p.input_height)
    columns = _inside(p.output_width, p.stride_width, p.pad_left, p.filter_width, p.dilation_width, p.input_width)
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return np.unique(both.reshape(len(rows) * len(columns), -1), axis=0)


def _inside(outputs: int, stride: int, pad: int, taps: int, dilation: int, size: int) -> Mask:
    """[patterns, taps] along one axis."""
    at = np.arange(outputs)[:, None] * stride - pad + np.arange(taps)[None, :] * dilation
    return np.unique((at >= 0) & (at < size), axis=0)
