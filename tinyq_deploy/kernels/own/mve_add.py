# SPDX-License-Identifier: Apache-2.0
"""ADD and SUB for Helium: two multiplications where they are shown to give TFLite's result for all 65,536 pairs of
bytes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, params_of
from tinyq_deploy.kernels.own.mve import Ints, requantize, takes
from tinyq_deploy.kernels.own.mve_broadcast import binary_call
from tinyq_deploy.ops.add import Add, AddParams

SHIFT = 22
# Factors that are tried next to the ideal ones, nearest first.
_TRIALS = sorted(itertools.product(range(-20, 21, 5), repeat=2), key=lambda t: t[0] ** 2 + t[1] ** 2)
_BYTES = np.arange(-128, 128, dtype=np.int64)


@dataclass(frozen=True)
class MveAddParams:
    """Field for field the C struct tinyq_own_mve_add_params."""

    size: int
    factor1: int
    factor2: int
    offset: int
    activation_min: int
    activation_max: int


class MveAdd(Kernel):
    """Sum, or with `sign` -1 difference, sixteen elements at a time."""

    kernel_set = "own"

    def __init__(self, op: str, sign: int) -> None:
        self.op, self.sign = op, sign

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node on a core with Helium."""
        if not takes(target):
            return None
        p = Add.params(view)
        scales = (view.given(0).scale / view.output().scale, view.given(1).scale / view.output().scale)
        found = linear(p, scales, self.sign)
        if found is None:
            exact = tuple((f"add.{field}", value) for field, value in params_of(p))
            return binary_call(view, target, "add_exact", (*exact, ("sign", self.sign)))
        params = MveAddParams(p.size, *found, p.activation_min, p.activation_max)
        return binary_call(view, target, "add", params_of(params))


def results(p: AddParams, sign: int = 1) -> Ints:
    """[256, 256] TFLite's output for every pair of input bytes, from -128; `sign` -1 subtracts the second."""

    def scaled(offset: int, multiplier: int, shift: int) -> Ints:
        return requantize((_BYTES + offset) << p.left_shift, np.array(multiplier), np.array(shift))

    first = scaled(p.input1_offset, p.input1_multiplier, p.input1_shift)
    second = scaled(p.input2_offset, p.input2_multiplier, p.input2_shift)
    sums = first[:, None] + sign * second[None, :]
    out = requantize(sums, np.array(p.output_multiplier), np.array(p.output_shift)) + p.output_offset
    clipped: Ints = np.clip(out, p.activation_min, p.activation_max)
    return clipped


def products(factor: int) -> Ints:
    """[256] VQRDMULH(x << 24, factor)."""
    return ((_BYTES << 24) * factor + (1 << 30)) >> 31


def linear(p: AddParams, scales: tuple[float, float], sign: int = 1) -> tuple[int, int, int] | None:
    """(factor1, factor2, offset) that give `results`, None where none is found."""
    ideal = [math.ldexp(scale, SHIFT + 31 - 24) for scale in scales]
    if max(ideal) > (1 << 31) - 100:
        return None
    expected = results(p, sign)
    half = 1 << (SHIFT - 1)
    least = np.where(expected > p.activation_min, (expected << SHIFT) - half, -(1 << 40))
    most = np.where(expected < p.activation_max, (expected << SHIFT) + half, 1 << 40) - 1
    for one, two in _TRIALS:
        factors = (round(ideal[0]) + one, sign * round(ideal[1]) + two)
        sums = products(factors[0])[:, None] + products(factors[1])[None, :]
        low, high = int((least - sums).max()), int((most - sums).min())
        offset = (low + high) // 2
        if low <= high and int(np.abs(sums).max()) + abs(offset) < (1 << 31) - 1:
            return factors[0], factors[1], offset
    return None
