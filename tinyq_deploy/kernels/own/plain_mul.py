# SPDX-License-Identifier: Apache-2.0
"""MUL with the cheapest requantisation that holds for all products, on every core without Helium."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import INT32_MAX, Multipliers, requantize_array
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, params_of
from tinyq_deploy.kernels.broadcast import broadcasts, operands
from tinyq_deploy.kernels.own.plain_lines import lines_call
from tinyq_deploy.kernels.own.requantize import GENERIC, SIGNED, Accumulators, choose
from tinyq_deploy.ops.mul import Mul, MulParams

_ENDS = np.array([-128, 127], np.int64)
# Times a multiplier of 15 bits it fits int32.
_LARGEST_PRODUCT = (1 << 16) - 1
# Changes of the multiplier that are tried to make it even, nearest first.
_NUDGES = (0, 1, -1, 2, -2)


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
    even: int
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
    columns = (chosen.bias, chosen.multiplier, chosen.offset, chosen.shifts)
    bias, multiplier, offset, shift = (int(column[0]) for column in columns)
    found = OwnMulParams(
        p.size, -p.input1_offset, -p.input2_offset, chosen.kind, bias, multiplier, offset, shift, 0, *activation
    )  # fmt: skip
    return _even(found, p, int(low[0]), int(high[0]))


def _even(found: OwnMulParams, p: MulParams, low: int, high: int) -> OwnMulParams:
    """The same with an even multiplier, where that gives the same for all products from `low` to `high`: cores without
    long products then need two short ones."""
    products = np.arange(low, high + 1, dtype=np.int64)
    largest = max(abs(low + found.start), abs(high + found.start))
    if found.kind == GENERIC or largest > _LARGEST_PRODUCT:
        return found
    wanted = requantize_array(products, p.output_multiplier, p.output_shift) + p.output_offset
    wanted = np.clip(wanted, max(p.activation_min, -128), min(p.activation_max, 127))
    near = (found.multiplier + change for change in _NUDGES)
    options = (replace(found, multiplier=m, even=1) for m in near if m % 2 == 0 and 0 <= m <= INT32_MAX)
    return next((option for option in options if np.array_equal(computed(option, products), wanted)), found)


def computed(q: OwnMulParams, products: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What the kernel makes of `products`, but for the generic requantisation."""
    sums = products + q.start
    rounded = ((sums * q.multiplier + (1 << 30)) >> 31) + (sums >> 63)
    scaled = rounded if q.kind == SIGNED else sums * q.multiplier >> 32
    limits = max(q.activation_min, -128), min(q.activation_max, 127)
    results: npt.NDArray[np.int64] = np.clip((scaled + q.offset) >> q.shift, *limits)
    return results
