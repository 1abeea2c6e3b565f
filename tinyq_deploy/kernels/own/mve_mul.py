# SPDX-License-Identifier: Apache-2.0
"""MUL for Helium: a product is requantised as the sums of a convolution are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, params_of
from tinyq_deploy.kernels.own.mve import NARROW, SIGNED, narrow, takes
from tinyq_deploy.kernels.own.mve_broadcast import binary_call
from tinyq_deploy.ops.mul import Mul, MulParams

# As in mul.h: of both operands, hence twice of their product.
SHIFT = 7


@dataclass(frozen=True)
class MveMulParams:
    """Field for field the C struct tinyq_own_mve_mul_params."""

    size: int
    zero1: int
    zero2: int
    kind: int
    fraction: int
    multiplier: int
    offset: int
    shift: int
    output_offset: int
    activation_min: int
    activation_max: int


class MveMul(Kernel):
    """Product, sixteen elements at a time; four in the little code of `small` builds and where the factor is large."""

    op = "MUL"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node on a core with Helium."""
        if not takes(target):
            return None
        p = Mul.params(view)
        found = None if target.small else requantization(p)
        if found is None:
            return binary_call(view, target, "mul_exact", params_of(p))
        params = MveMulParams(
            p.size, -p.input1_offset, -p.input2_offset, *found, p.output_shift, p.output_offset,
            p.activation_min, p.activation_max,
        )  # fmt: skip
        return binary_call(view, target, "mul", params_of(params))


def requantization(p: MulParams) -> tuple[int, int, int, int] | None:
    """Kind, fraction, multiplier and NARROW's offset; None where only TFLite's roundings do."""
    # A factor of 0 gives 0 with every shift.
    shift = p.output_shift if p.output_multiplier else -1
    ends = np.array([-128, 127], np.int64)
    products = (ends[:, None] + p.input1_offset) * (ends[None, :] + p.input2_offset)
    if shift <= 0:
        low, high, bias = (np.array([value]) for value in (products.min(), products.max(), 0))
        factor, right = np.array([p.output_multiplier], np.int64), np.array([shift], np.int64)
        activation = (p.activation_min, p.activation_max)
        made = narrow(low, high, bias, factor, right, p.output_offset, activation, 2 * SHIFT)
        if made is not None:
            return NARROW, made.fraction, int(made.columns[0][0]), int(made.columns[1][0])
    return (SIGNED, 0, p.output_multiplier, 0) if p.output_shift < 0 else None
