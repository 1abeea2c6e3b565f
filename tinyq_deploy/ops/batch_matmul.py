# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL: x [...,R,K] or with adj_x [...,K,R], y [...,K,C] or with adj_y [...,C,K] -> [...,R,C]; the leading
axes broadcast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier
from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import LARGEST_WIDE_FACTOR, factors_bounded_for
from tinyq_deploy.ops.elementwise import operands_alike

X, Y = 0, 1
# Axes of both operands besides those of the matrices; TFLite has no more.
BATCH_AXES = 3
# tinyq_requantize_wide takes sums of 48 bits: 2^30 times so many products.
MOST_WIDE_PRODUCTS = 1 << 17


@dataclass(frozen=True)
class BatchMatmulParams:
    """Field for field the C struct tinyq_batch_matmul_params."""

    batch_extent: tuple[int, ...]
    x_batch_step: tuple[int, ...]
    y_batch_step: tuple[int, ...]
    rows: int
    columns: int
    depth: int
    x_row_step: int
    x_step: int
    y_column_step: int
    y_step: int
    x_offset: int
    y_offset: int
    output_offset: int
    output_multiplier: int
    output_shift: int


@dataclass(frozen=True)
class Matrix:
    """One operand: its leading axes, and elements and element step along its own axis and along the common one."""

    lead: tuple[int, ...]
    extent: int
    step: int
    depth: int
    depth_step: int


def _matrix(tensor: Tensor, depth_last: bool) -> Matrix:
    *lead, outer, inner = tensor.shape
    if depth_last:
        return Matrix(tuple(lead), outer, inner, inner, 1)
    return Matrix(tuple(lead), inner, 1, outer, inner)


def operands(view: NodeView) -> tuple[Matrix, Matrix]:
    """Both operands as they lie in memory."""
    adjoint = [bool(view.option(name, False)) for name in ("adj_x", "adj_y")]
    return _matrix(view.given(X), not adjoint[0]), _matrix(view.given(Y), adjoint[1])


def ranks(view: NodeView) -> str | None:
    """Both inputs have 2 to 5 dimensions."""
    shapes = [list(view.given(position).shape) for position in (X, Y)]
    return None if all(2 <= len(shape) <= BATCH_AXES + 2 for shape in shapes) else f"shapes {shapes}"


def multiplies(view: NodeView) -> str | None:
    """The inputs' columns and rows match, their leading axes broadcast, and the output has the shape that follows."""
    x, y = operands(view)
    found = f"shapes {[list(t.shape) for t in (view.given(X), view.given(Y), view.output())]}"
    try:
        lead = np.broadcast_shapes(x.lead, y.lead)
    except ValueError:
        return found
    return None if x.depth == y.depth and view.output().shape == (*lead, x.extent, y.extent) else found


def wide_products(view: NodeView) -> str | None:
    """With int16, the factor is below 2^7 and the inputs' common axis shorter than 2^17."""
    factor, depth = _factor(view), operands(view)[X].depth
    fits = view.kind != "int16" or (factor < LARGEST_WIDE_FACTOR and depth < MOST_WIDE_PRODUCTS)
    return None if fits else f"factor {factor:g}, axis of {depth}"


def _factor(view: NodeView) -> float:
    return view.given(X).scale * view.given(Y).scale / view.output().scale


def _steps(operand: Matrix) -> tuple[int, ...]:
    """Elements from one matrix to the next along each of BATCH_AXES leading axes, 0 where it stays."""
    lead = (1,) * (BATCH_AXES - len(operand.lead)) + operand.lead
    size = operand.extent * operand.depth
    return tuple(0 if extent == 1 else size * math.prod(lead[axis + 1 :]) for axis, extent in enumerate(lead))


class BatchMatmul(Operator):
    """Products of matrices, of which each may be computed at run time."""

    name = "BATCH_MATMUL"
    rules = (rules.operands(2), operands_alike, ranks, multiplies, factors_bounded_for(X, Y), wide_products)

    @staticmethod
    def macs(view: NodeView) -> int:
        """Output elements times the common axis."""
        return view.output().size * operands(view)[0].depth

    @staticmethod
    def params(view: NodeView) -> BatchMatmulParams:
        """Shape and quantisation as the kernels take them."""
        x, y = operands(view)
        lead = view.output().shape[:-2]
        return BatchMatmulParams(
            (1,) * (BATCH_AXES - len(lead)) + lead, _steps(x), _steps(y), x.extent, y.extent, x.depth, x.step,
            x.depth_step, y.step, y.depth_step, -view.given(X).zero_point, -view.given(Y).zero_point,
            view.output().zero_point, *quantize_multiplier(_factor(view)),
        )  # fmt: skip
