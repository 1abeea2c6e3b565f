# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED for cores with the DSP extension: four outputs a step, or three rows as a convolution of 1 by 1."""

from __future__ import annotations

from dataclasses import dataclass
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
    Target,
    Write,
    bias_or_zeros,
    params_of,
    weights,
)
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.dsp_conv_2d import BLENDED, convolution, in_pairs, pairs_fit, sums_fit
from tinyq_deploy.ops.conv_2d import Conv2DParams
from tinyq_deploy.ops.fully_connected import (
    BIAS,
    FILTER,
    INPUT,
    FullyConnected,
    FullyConnectedParams,
    has_constant_weights,
)

# Rows from which three at a time are faster than one at a time.
CONVOLUTION_ROWS = 3


@dataclass(frozen=True)
class OwnDspFullyConnectedParams:
    """Field for field the C struct tinyq_own_dsp_fully_connected_params."""

    batches: int
    input_depth: int
    output_depth: int
    quads: int
    repeated: int
    activation_min: int
    activation_max: int
    requantization: int
    shift: int
    uniform: int


class OwnDspFullyConnected(Kernel):
    """Weights of two outputs blended into int16; the rows of a batch are the pixels of a convolution."""

    op = "FULLY_CONNECTED"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes constant weights that are int8 after their zero point is taken off, on cores with the DSP extension."""
        if not has_constant_weights(view):
            return None
        p = FullyConnected.params(view)
        filter_ = weights(view, FILTER).astype(np.int16) + p.filter_offset
        if extension(target.core) != "dsp" or filter_.min() < -128 or filter_.max() > 127:
            return None
        bias = bias_or_zeros(view, BIAS, p.output_depth)
        sums = requantize.accumulators(filter_, bias, view.given(INPUT).zero_point)
        factors, activation = FullyConnected.requantization(view), (p.activation_min, p.activation_max)
        chosen = requantize.choose(sums, factors, view.output().zero_point, activation)
        quads = _in_quads(filter_)
        by_row = p.batches == 1 or (p.batches < CONVOLUTION_ROWS and p.input_depth % 4 == 0)
        if by_row and pairs_fit(quads):
            return _rows(view, p, quads, chosen, long=not sums_fit(requantize.moved(sums, chosen)))
        return convolution(
            view, as_convolution(p), filter_.reshape(p.output_depth, 1, 1, -1), chosen, sums, target.small
        )


def _in_quads(filter_: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """[O, I] as [O rounded up to fours, quads, 4], zeros behind the ends."""
    outputs, depth = filter_.shape
    padded = np.pad(filter_, ((0, -outputs % 4), (0, -depth % 4)))
    return padded.reshape(len(padded), -1, 4).astype(np.int8)


def _rows(
    view: NodeView, p: FullyConnectedParams, quads: npt.NDArray[np.int8], chosen: requantize.Requantization, long: bool
) -> KernelCall:
    """Row by row; `long` where 256 times a whole sum leaves int32: sums are then taken apart piece by piece."""
    name, count = "fully_connected" + "_long" * long, quads.shape[1]
    repeated = next(n for n in (8, 4, 2, 1) if count % n == 0)
    params = OwnDspFullyConnectedParams(
        p.batches, p.input_depth, p.output_depth, count, repeated, p.activation_min, p.activation_max, chosen.kind,
        chosen.shift, int(chosen.uniform),
    )  # fmt: skip
    factors = chosen.rows()[:, 1:]
    return KernelCall(
        "own", f"tinyq_own_dsp_{name}", f"own/dsp/{name}.h", "tinyq_own_dsp_fully_connected_params",
        params_of(params),
        (
            Read(view.given(INPUT).index),
            Constant("weights", _in_fours(in_pairs(quads, BLENDED))),
            Constant("biases", chosen.bias if long else _blended(chosen.bias)),
            Constant("factors", np.ascontiguousarray(factors[:1] if chosen.uniform else _to_fours(factors))),
            Write(view.output().index),
        ),
    )  # fmt: skip


def _in_fours(pairs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[pairs, quads, 4] as [pairs / 2, quads, 8]: a quad of one pair, then of the next."""
    return np.ascontiguousarray(pairs.reshape(len(pairs) // 2, 2, -1, 4).transpose(0, 2, 1, 3))


def _to_fours(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows of zeros up to a multiple of four."""
    return np.pad(rows, ((0, -len(rows) % 4), (0, 0)))


def _blended(bias: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Biases of outputs a, b as 256 * a + b, b, zeros up to a multiple of four."""
    pairs = _to_fours(bias.astype(np.int64).reshape(-1, 1)).reshape(-1, 2)
    pairs[:, 0] = 256 * pairs[:, 0] + pairs[:, 1]
    return np.ascontiguousarray(pairs.reshape(-1).astype(np.int32))


def as_convolution(p: FullyConnectedParams) -> Conv2DParams:
    """The rows as the pixels of a convolution of 1 by 1."""
    return Conv2DParams(
        1, p.batches, p.input_depth, 1, 1, p.input_depth, 1, p.batches, p.output_depth, 1, 1, 1, 1, 1, 0, 0,
        p.input_offset, p.output_offset, p.activation_min, p.activation_max,
    )  # fmt: skip
