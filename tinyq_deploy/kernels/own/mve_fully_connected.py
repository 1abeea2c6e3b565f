# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED for Helium: four outputs at a time, several rows as a pointwise convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import (
    Argument,
    Constant,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    bias_or_zeros,
    weights,
)
from tinyq_deploy.kernels.own.mve import VECTOR, Ints, Requantization, mve_call, requantization, takes
from tinyq_deploy.kernels.own.mve_conv_2d import (
    GROUP,
    QUADS,
    group_order,
    packed,
    pairs_lead,
    pointwise,
    scratch,
    whole_vectors,
)
from tinyq_deploy.ops.fully_connected import (
    BIAS,
    FILTER,
    INPUT,
    FullyConnected,
    FullyConnectedParams,
    has_constant_weights,
)


@dataclass(frozen=True)
class MveFullyConnectedParams:
    """Field for field the C struct tinyq_own_mve_fully_connected_params."""

    output_depth: int
    output_offset: int
    activation_min: int
    activation_max: int
    kind: int
    left: int
    fraction: int
    vectors: int
    tail: int


class MveFullyConnected(Kernel):
    """One input vector with four rows of weights."""

    op = "FULLY_CONNECTED"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node with constant symmetric weights on a core with Helium."""
        if not has_constant_weights(view):
            return None
        p = FullyConnected.params(view)
        if not takes(target) or p.filter_offset != 0:
            return None
        filter_ = weights(view, FILTER)
        made = requantization(
            filter_, bias_or_zeros(view, BIAS, p.output_depth), FullyConnected.requantization(view),
            -p.input_offset, p.output_offset, (p.activation_min, p.activation_max),
        )  # fmt: skip
        reads, writes = Read(view.given(INPUT).index), Write(view.output().index)
        constants = Constant("constants", made.quads(group_order(p.output_depth)))
        vectors = whole_vectors(filter_)
        if p.batches > 1:
            small = target.small
            return _rows(p, made, small, reads, Constant("filter", packed(vectors, small)), constants, writes)
        params = MveFullyConnectedParams(
            p.output_depth, p.output_offset, p.activation_min, p.activation_max, made.kind, made.left, made.fraction,
            vectors.shape[1], p.input_depth % VECTOR,
        )  # fmt: skip
        return mve_call("fully_connected", params, reads, Constant("filter", packed_quads(vectors)), constants, writes)


def packed_quads(vectors: Ints) -> Ints:
    """[G, 2, V, 4, 16] of [O, V, 16]."""
    outputs, count, _ = vectors.shape
    padded = np.zeros((-(-outputs // GROUP) * GROUP, count, VECTOR), np.int8)
    padded[:outputs] = vectors
    return np.ascontiguousarray(padded.reshape(-1, GROUP, count, VECTOR)[:, QUADS].transpose(0, 1, 3, 2, 4))


def _rows(p: FullyConnectedParams, made: Requantization, small: bool, *arguments: Argument) -> KernelCall:
    """The rows as pixels of one line."""
    params = replace(
        pointwise(p.input_depth, p.output_depth, small), input_height=1, input_bytes=p.batches * p.input_depth,
        output_height=1, output_width=p.batches, input_zero_point=-p.input_offset, output_offset=p.output_offset,
        activation_min=p.activation_min, activation_max=p.activation_max,
        kind=made.kind, left=made.left, fraction=made.fraction,
    )  # fmt: skip
    return mve_call("conv_2d", params, *arguments, Scratch(scratch(params)), lead=pairs_lead(params))
