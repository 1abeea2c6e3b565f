# SPDX-License-Identifier: Apache-2.0
"""Functions of two operands for Helium: the call for equal shapes, or row by row for operands that broadcast."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.broadcast import Axis, Rows, broadcasts, operands, rows
from tinyq_deploy.kernels.own.mve import VECTOR, mve_call

Operand = Read | Constant
# Bytes of a row that a constant is repeated to, at most, and in `small` builds; what a row costs, in vectors.
_LONGEST, _LONGEST_SMALL, _PER_ROW = 16 * VECTOR, 3 * VECTOR, 0.5


def binary_call(view: NodeView, target: Target, name: str, fields: tuple[tuple[str, int | float], ...]) -> KernelCall:
    """A call of tinyq_own_mve_<name>, or tinyq_own_mve_<name>_rows, with the constants `fields`; both are in one
    header."""
    inputs, in_place = operands(view)
    writes = Write(view.output().index)
    if not broadcasts(view):
        return replace(mve_call(name, None, *inputs, writes, in_place=in_place), params=fields)
    found, inputs = longer_rows(rows(view), inputs, _LONGEST_SMALL if target.small else _LONGEST)
    call = mve_call(f"{name}_rows", None, *inputs, writes, in_place=in_place)
    values = (*((f"op.{field}", value) for field, value in fields), *found.fields("rows"))
    return replace(call, header=f"own/mve/{name}.h", params=values)


def longer_rows(found: Rows, inputs: tuple[Operand, ...], longest: int) -> tuple[Rows, tuple[Operand, ...]]:
    """The same with a constant repeated as often as saves most vectors, up to `longest` bytes, where a short row of
    it belongs to many rows of the other operand: [C] to [H,W,C] becomes [n,C] to [H*W/n,n,C]."""
    if not found.outer or found.row.step1 != 1 or found.row.step2 != 1:
        return found, inputs
    *outer, last = found.outer
    steps = (last.step1, last.step2)
    constants = [i for i in range(2) if steps[i] == 0 and isinstance(inputs[i], Constant)]
    times = _times(found.row.extent, last.extent, longest)
    if not constants or times == 1:
        return found, inputs
    (at,) = constants
    row = Axis(found.row.extent * times, 1, 1)
    rest = () if last.extent == times else (Axis(last.extent // times, *(step * times for step in steps)),)
    return Rows(row, (*outer, *rest)), tuple(_repeated(x, times) if i == at else x for i, x in enumerate(inputs))


def _times(length: int, count: int, longest: int) -> int:
    """How many of `count` rows of `length` make one row that costs the fewest vectors."""
    options = [n for n in range(1, count + 1) if count % n == 0 and (n == 1 or n * length <= longest)]
    return min(options, key=lambda n: (math.ceil(n * length / VECTOR) + _PER_ROW) / n)


def _repeated(constant: Operand, times: int) -> Operand:
    assert isinstance(constant, Constant)
    return replace(constant, values=np.tile(constant.values.reshape(-1), times))
