# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED for cores without DSP extension: four outputs at a time, or eight rows as a convolution of 1 by 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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
from tinyq_deploy.kernels.own.dsp_fully_connected import as_convolution
from tinyq_deploy.kernels.own.plain_conv_2d import FEWEST_WINDOWS, convolution
from tinyq_deploy.kernels.own.plain_dot import CORES
from tinyq_deploy.ops.fully_connected import BIAS, FILTER, INPUT, FullyConnected, has_constant_weights

# TINYQ_PLAIN_ROWS of the header.
_ROWS = 4


@dataclass(frozen=True)
class OwnPlainFullyConnectedParams:
    """Field for field the C struct tinyq_own_plain_fully_connected_params."""

    batches: int
    input_depth: int
    output_depth: int
    activation_min: int
    activation_max: int
    requantization: int
    shift: int
    uniform: int


class OwnPlainFullyConnected(Kernel):
    """Weights of four outputs side by side; the rows of a batch are the pixels of a convolution."""

    op = "FULLY_CONNECTED"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes constant weights that are int8 after their zero point is taken off, on cores without DSP extension."""
        if not has_constant_weights(view):
            return None
        p = FullyConnected.params(view)
        filter_ = weights(view, FILTER).astype(np.int16) + p.filter_offset
        if target.core not in CORES or filter_.min() < -128 or filter_.max() > 127:
            return None
        sums = requantize.accumulators(filter_, bias_or_zeros(view, BIAS, p.output_depth), view.given(INPUT).zero_point)
        factors, activation = FullyConnected.requantization(view), (p.activation_min, p.activation_max)
        chosen = requantize.choose(sums, factors, view.output().zero_point, activation)
        if p.batches >= FEWEST_WINDOWS:
            return convolution(view, as_convolution(p), filter_, chosen)
        return matrix_product(view, p.batches, filter_, chosen, activation)


def matrix_product(
    view: NodeView,
    batches: int,
    filter_: npt.NDArray[Any],
    chosen: requantize.Requantization,
    activation: tuple[int, int],
) -> KernelCall:
    """The call that multiplies `batches` rows of input 0 by `filter_` [O, I]."""
    outputs, depth = filter_.shape
    params = OwnPlainFullyConnectedParams(
        batches, depth, outputs, *activation, chosen.kind, chosen.shift, int(chosen.uniform)
    )
    padded = np.pad(filter_.astype(np.int16), ((0, -outputs % _ROWS), (0, 0)))
    by_tap = (padded + 128).astype(np.uint8).view(np.int8).reshape(-1, _ROWS, depth).transpose(0, 2, 1)
    factors = chosen.rows()[:, 1:]
    return KernelCall(
        "own", "tinyq_own_plain_fully_connected", "own/plain/fully_connected.h",
        "tinyq_own_plain_fully_connected_params", params_of(params),
        (
            Read(view.given(INPUT).index),
            Constant("weights", np.ascontiguousarray(by_tap)),
            Constant("biases", np.pad(chosen.bias, (0, -outputs % _ROWS))),
            Constant("factors", np.ascontiguousarray(factors[:1] if chosen.uniform else factors)),
            Write(view.output().index),
        ),
    )  # fmt: skip
