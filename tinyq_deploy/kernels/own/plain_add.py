# SPDX-License-Identifier: Apache-2.0
"""ADD and SUB as one affine form of both inputs, on every core without Helium.

TFLite rescales each input with 20 extra bits, adds, rescales and clamps. With slopes of 22 bits or so the sum of two
products falls into the same step for every pair of int8 inputs. There are 65,536 pairs, so that is checked for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, params_of
from tinyq_deploy.kernels.broadcast import broadcasts, operands
from tinyq_deploy.kernels.own.plain_lines import lines_call
from tinyq_deploy.ops.add import Add, AddParams

Table = npt.NDArray[np.int64]
_INT8 = np.arange(-128, 128, dtype=np.int64)
# Changes of either slope that are tried, nearest first.
_NUDGES = sorted(((i, j) for i in range(-3, 4) for j in range(-3, 4)), key=lambda n: (abs(n[0]) + abs(n[1]), n))


@dataclass(frozen=True)
class OwnAddParams:
    """Field for field the C struct tinyq_own_add_params."""

    size: int
    slope1: int
    slope2: int
    offset: int
    shift: int
    activation_min: int
    activation_max: int


class OwnAdd(Kernel):
    """Sum, or with `sign` -1 difference, element by element, where the affine form is exact."""

    kernel_set = "own"

    def __init__(self, op: str, sign: int) -> None:
        self.op, self.sign = op, sign

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every pair of quantisations for which a form is found; where size counts, equal shapes only, as the
        portable loop over operands that broadcast is as small."""
        wide = broadcasts(view)
        if extension(target.core) == "mve" or (wide and target.small):
            return None
        params = affine(Add.params(view), self.sign)
        if params is None:
            return None
        if wide:
            return lines_call(view, "add", params, ("slope",))
        inputs, in_place = operands(view)
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_plain_add",
            header="own/plain/add.h",
            params_type="tinyq_own_add_params",
            params=params_of(params),
            arguments=(*inputs, Write(view.output().index)),
            in_place=in_place,
        )


def reference(p: AddParams, sign: int = 1) -> Table:
    """[256,256]: what TFLite gives for inputs 1 and 2 from -128 to 127; `sign` -1 subtracts the second."""
    first = _requantize((_INT8 + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    second = _requantize((_INT8 + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    total = _requantize(first[:, None] + sign * second[None, :], p.output_multiplier, p.output_shift) + p.output_offset
    return np.clip(total, p.activation_min, p.activation_max)


def _requantize(values: Table, multiplier: int, shift: int) -> Table:
    """TFLite's two roundings for factors below 1; |values| below 2^30, so that nothing wraps."""
    high: Table = (values * multiplier + (1 << 30)) >> 31
    if shift == 0:
        return high
    return (high + (1 << (-shift - 1)) - (high < 0)) >> -shift


def computed(q: OwnAddParams) -> Table:
    """[256,256]: what the kernel gives, in integers of 64 bits."""
    total = _INT8[:, None] * q.slope1 + _INT8[None, :] * q.slope2 + q.offset
    saturated: Table = np.clip(total >> q.shift, -128, 127)
    return np.clip(saturated, q.activation_min, q.activation_max)


def affine(p: AddParams, sign: int = 1) -> OwnAddParams | None:
    """The kernel's constants, equal to TFLite for all pairs of inputs and without overflow; None where none is found.
    Halves that TFLite rounds away from zero are met by slopes next to the real factors."""
    if max(p.input1_shift, p.input2_shift, p.output_shift) > 0:
        return None
    wanted = reference(p, sign)
    for shift in range(24, 15, -1):
        for found in _candidates(p, sign, wanted, shift):
            if _fits(found) and np.array_equal(computed(found), wanted):
                return found
    return None


def _candidates(p: AddParams, sign: int, wanted: Table, shift: int) -> Iterator[OwnAddParams]:
    """Constants with slopes near the real factors and the offset in the middle of where it must lie."""
    ideal = [round(slope * 2**shift) for slope in _slopes(p, sign)]
    for nudge in _NUDGES:
        first, second = (slope + change for slope, change in zip(ideal, nudge, strict=True))
        linear = _INT8[:, None] * first + _INT8[None, :] * second
        if max(abs(int(linear.min())), abs(int(linear.max()))) >= 1 << 30:
            return
        offset = middle(linear, wanted, shift, (p.activation_min, p.activation_max))
        if offset is not None:
            yield OwnAddParams(p.size, first, second, offset, shift, p.activation_min, p.activation_max)


def _slopes(p: AddParams, sign: int) -> tuple[float, float]:
    """The real factors of both inputs."""
    scale = 2.0**p.left_shift * p.output_multiplier * 2.0 ** (p.output_shift - 31)
    return (
        scale * p.input1_multiplier * 2.0 ** (p.input1_shift - 31),
        sign * scale * p.input2_multiplier * 2.0 ** (p.input2_shift - 31),
    )


def middle(linear: Table, wanted: Table, shift: int, activation: tuple[int, int]) -> int | None:
    """The middle of the constants c for which (linear + c) >> shift, saturated to int8 and clamped to `activation`, is
    `wanted`; None where there is none."""
    low, high = max(activation[0], -128), min(activation[1], 127)
    above = ((wanted << shift) - linear)[wanted > low]
    below = (((wanted + 1) << shift) - 1 - linear)[wanted < high]
    if not above.size and not below.size:
        return 0
    least = int(above.max()) if above.size else int(below.min())
    most = int(below.min()) if below.size else int(above.max())
    return (least + most) // 2 if least <= most else None


def _fits(q: OwnAddParams) -> bool:
    """Whether no partial sum leaves int32."""
    ends = np.array([-128, 127], np.int64)
    first = ends * q.slope1 + q.offset
    both = first[:, None] + ends * q.slope2
    return int(max(np.abs(first).max(), np.abs(both).max())) < 1 << 31
