# SPDX-License-Identifier: Apache-2.0
"""MUL with the cheapest requantisation that holds for all products, on every core without Helium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import Multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, params_of
from tinyq_deploy.kernels.broadcast import broadcasts, operands
from tinyq_deploy.kernels.own.plain_lines import lines_call
from tinyq_deploy.kernels.own.requantize import Accumulators, choose
from tinyq_deploy.ops.mul import Mul, MulParams

_ENDS = np.array([-128, 127], np.int64)


@dataclass(frozen=True)
class OwnMulParams:
    """Field for field the C struct tinyq_own_mul_params."""

    size: int
    zero1: int
    zero2: int
    kind: int
    start: int
    multiplier: int
    offset: int
    shift: int
    activation_min: int
    activation_max: int


class OwnMul(Kernel):
    """Product, element by element."""

    op = "MUL"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node where speed counts; the portable loops are the smallest."""
        if target.small or extension(target.core) == "mve":
            return None
        params = packed(Mul.params(view))
        if broadcasts(view):
            return lines_call(view, "mul", params, ("zero",))
        inputs, in_place = operands(view)
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_plain_mul",
            header="own/plain/mul.h",
            params_type="tinyq_own_mul_params",
            params=params_of(params),
            arguments=(*inputs, Write(view.output().index)),
            in_place=in_place,
        )


def packed(p: MulParams) -> OwnMulParams:
    """The kernel's constants, proven for all products of two int8 less their zero points."""
    products = (_ENDS + p.input1_offset)[:, None] * (_ENDS + p.input2_offset)[None, :]
    start, low, high = (np.array([n], np.int64) for n in (0, products.min(), products.max()))
    factors = Multipliers(np.array([p.output_multiplier], np.int32), np.array([p.output_shift], np.int32))
    activation = (p.activation_min, p.activation_max)
    chosen = choose(Accumulators(start, low, high), factors, p.output_offset, activation)
    numbers = (chosen.bias, chosen.multiplier, chosen.offset, chosen.shifts)
    return OwnMulParams(
        p.size, -p.input1_offset, -p.input2_offset, chosen.kind, *(int(column[0]) for column in numbers), *activation
    )  # fmt: skip
