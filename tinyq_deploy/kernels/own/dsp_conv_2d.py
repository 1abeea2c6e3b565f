# SPDX-License-Identifier: Apache-2.0
"""CONV_2D for cores with the DSP extension: windows expanded to int16 three at a time, two channels a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import (
    Constant,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    bias_or_zeros,
    params_of,
    pixel_lead,
    weights,
)  # fmt: skip
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT, Conv2D, Conv2DParams, channel_multipliers, output_range

# Forms of the weights, in the order of tinyq_dot.h.
PLAIN, BLENDED, WIDE = range(3)
# int16 weights, which save 2 of 18 instructions, where they are few and used often enough.
WIDE_PIXELS, WIDE_BYTES = 256, 4096
# Pixels whose windows are expanded together, before any of their outputs is written.
STRIP_PIXELS = 3
# Taps from which the last step of BLENDED, two instructions per output of every second channel, pays.
BLENDED_TAPS = 8


@dataclass(frozen=True)
class OwnDspConv2DParams:
    """Field for field the C struct tinyq_own_dsp_conv_2d_params."""

    input_height: int
    input_width: int
    input_channels: int
    filter_height: int
    filter_width: int
    output_height: int
    output_width: int
    output_channels: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int
    input_zero_point: int
    activation_min: int
    activation_max: int
    run_taps: int
    run_bytes: int
    quads: int
    once: int
    repeated: int
    form: int
    requantization: int
    shift: int


@dataclass(frozen=True)
class Runs:
    """How a window is read: `count` runs of `taps` neighbouring columns, `bytes` each."""

    count: int
    taps: int
    bytes: int

    @property
    def quads(self) -> int:
        """Groups of four taps, the last one padded."""
        return -(-self.count * self.bytes // 4)


def runs(p: Conv2DParams) -> Runs:
    """One run per filter row, or per tap of a filter that is dilated in width."""
    taps = p.filter_width if p.dilation_width == 1 else 1
    return Runs(p.filter_height * p.filter_width // taps, taps, taps * p.input_channels)


def in_quads(filter_: npt.NDArray[Any], order: Runs) -> npt.NDArray[np.int8]:
    """[O,KH,KW,C] as [O, quads, 4]: the whole words of each run, then what is left of each, then zeros."""
    rows = filter_.reshape(len(filter_), order.count, order.bytes)
    whole = order.bytes // 4 * 4
    parts = (rows[:, :, :whole].reshape(len(rows), -1), rows[:, :, whole:].reshape(len(rows), -1))
    taps = np.concatenate(parts, axis=1)
    padded = np.pad(taps, ((0, 0), (0, order.quads * 4 - taps.shape[1])))
    return padded.reshape(len(rows), order.quads, 4).astype(np.int8)


def in_pairs(quads: npt.NDArray[np.int8], form: int) -> npt.NDArray[Any]:
    """[O, quads, 4] as two channels' quads in turn, in a form of tinyq_dot.h; an odd last channel gets zeros."""
    even = np.pad(quads, ((0, len(quads) % 2), (0, 0), (0, 0))).astype(np.int16)
    pairs = even.reshape(len(even) // 2, 2, quads.shape[1], 4).transpose(0, 2, 1, 3)
    if form == PLAIN:
        return np.ascontiguousarray(pairs, np.int8)
    parted = pairs[..., [0, 2, 1, 3]]
    if form == BLENDED:
        return np.ascontiguousarray(256 * parted[:, :, 0] + parted[:, :, 1])
    return np.ascontiguousarray(np.stack([parted[..., :2], parted[..., 2:]], axis=2))


def blends(quads: npt.NDArray[np.int8], sums: requantize.Accumulators) -> bool:
    """Whether 256 * a + b fits int16 for all pairs of channels and 256 * (sum of a) fits int32."""
    return pairs_fit(quads) and sums_fit(sums)


def pairs_fit(quads: npt.NDArray[np.int8]) -> bool:
    """Whether 256 * a + b fits int16 for all pairs of channels."""
    first, second = quads[0::2].astype(np.int32), np.zeros_like(quads[0::2], np.int32)
    second[: len(quads[1::2])] = quads[1::2]
    return bool((256 * first + second).min() >= -(1 << 15))


def sums_fit(sums: requantize.Accumulators) -> bool:
    """Whether 256 * (sum of a) fits int32."""
    return bool(np.maximum(np.abs(sums.low), np.abs(sums.high)).max() < 1 << 23)


def channel_pairs(chosen: requantize.Requantization, form: int) -> npt.NDArray[np.int32]:
    """[pairs, 6 or 8]: the biases of channels a and b, the factors of a, the factors of b; zeros for an odd last b. In
    BLENDED form the first bias is 256 * a + b."""
    rows = chosen.rows()
    even = np.pad(rows, ((0, len(rows) % 2), (0, 0))).reshape(-1, 2, rows.shape[1])
    first, second = even[:, 0].astype(np.int64), even[:, 1].astype(np.int64)
    bias = 256 * first[:, 0] + second[:, 0] if form == BLENDED else first[:, 0]
    columns = [bias[:, None], second[:, :1], first[:, 1:], second[:, 1:]]
    return np.concatenate(columns, axis=1).astype(np.int32)


def loop(quads: int) -> tuple[int, int]:
    """Quads before the inner loop and quads per iteration: up to 8 need no loop."""
    if quads <= 8:
        return quads, 0
    return (0, 6) if quads % 6 == 0 else (quads % 4, 4)


def convolution(view: NodeView, p: Conv2DParams, filter_: npt.NDArray[Any], chosen: requantize.Requantization,
                sums: requantize.Accumulators, small: bool) -> KernelCall:  # fmt: skip
    """The call that convolves input 0 with `filter_` [O,KH,KW,C], whose accumulators are `sums`; `small`
    builds have no wide weights."""
    order = runs(p)
    quads = in_quads(filter_, order)
    wide = not small and p.output_height * p.output_width >= WIDE_PIXELS and quads.size <= WIDE_BYTES
    form = WIDE if wide else _int8_form(quads, chosen, sums)
    params = OwnDspConv2DParams(
        p.input_height, p.input_width, p.input_channels, p.filter_height, p.filter_width, p.output_height,
        p.output_width, p.output_channels, p.stride_height, p.stride_width, p.dilation_height, p.dilation_width,
        p.pad_top, p.pad_left, -p.input_offset, p.activation_min, p.activation_max, order.taps, order.bytes,
        order.quads, *loop(order.quads), form, chosen.kind, chosen.shift,
    )  # fmt: skip
    return KernelCall(
        "own", "tinyq_own_dsp_conv_2d", "own/dsp/conv_2d.h", "tinyq_own_dsp_conv_2d_params", params_of(params),
        (
            Read(view.given(INPUT).index),
            Constant("weights", in_pairs(quads, form)),
            Constant("channels", channel_pairs(chosen, form)),
            Scratch(_scratch_bytes(p, order)),
            Write(view.output().index),
        ),
    )  # fmt: skip


def _scratch_bytes(p: Conv2DParams, order: Runs) -> int:
    """The strip, two runs, and the outputs beyond the end where the last step is not whole."""
    pixels = p.output_height * p.output_width
    beyond = STRIP_PIXELS * p.output_channels if pixels > STRIP_PIXELS and pixels % STRIP_PIXELS else 0
    return 8 * STRIP_PIXELS * order.quads + 2 * (-(-order.bytes // 4) * 4) + beyond


class OwnDspConv2D(Kernel):
    """Three windows side by side as int16, two output channels at a time: no border or stride inside the loop."""

    op = "CONV_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes one group, on cores with the DSP extension."""
        p = Conv2D.params(view)
        if extension(target.core) != "dsp" or p.groups != 1:
            return None
        filter_ = weights(view, FILTER)
        sums, factors = _accumulators(view, filter_), channel_multipliers(view, len(filter_))
        chosen = requantize.choose(sums, factors, view.output().zero_point, output_range(view))
        lead = pixel_lead(view, (p.stride_height, p.stride_width), (p.pad_top, p.pad_left), STRIP_PIXELS)
        return replace(convolution(view, p, filter_, chosen, sums, target.small), lead=lead)


def _accumulators(view: NodeView, filter_: npt.NDArray[Any]) -> requantize.Accumulators:
    count = len(filter_)
    bias = bias_or_zeros(view, BIAS, count)
    return requantize.accumulators(filter_.reshape(count, -1), bias, view.given(INPUT).zero_point)


def _int8_form(quads: npt.NDArray[np.int8], chosen: requantize.Requantization, sums: requantize.Accumulators) -> int:
    moved = requantize.moved(sums, chosen)
    return BLENDED if 4 * quads.shape[1] >= BLENDED_TAPS and blends(quads, moved) else PLAIN
