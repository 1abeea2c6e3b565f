# SPDX-License-Identifier: Apache-2.0
"""How two operands broadcast, as the C struct tinyq_rows: axes of extent 1 left out, neighbours of a kind merged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.kernels.base import Constant, Read, operand

AXES = 5


@dataclass(frozen=True)
class Axis:
    """`extent` positions, and how many elements each operand goes on from one to the next: 0 where it stays."""

    extent: int
    step1: int
    step2: int


@dataclass(frozen=True)
class Rows:
    """The innermost axis, and the others, outermost first."""

    row: Axis
    outer: tuple[Axis, ...]

    def fields(self, name: str) -> tuple[tuple[str, int], ...]:
        """The C struct member `name`, field for field."""
        padded = (Axis(1, 0, 0),) * (AXES - len(self.outer)) + self.outer
        columns = (("extent", "extent"), ("row_step1", "step1"), ("row_step2", "step2"))
        return (
            (f"{name}.length", self.row.extent),
            (f"{name}.step1", self.row.step1),
            (f"{name}.step2", self.row.step2),
            *(
                (f"{name}.{column}[{i}]", int(getattr(axis, source)))
                for column, source in columns
                for i, axis in enumerate(padded)
            ),
        )


def rows(view: NodeView) -> Rows:
    """How the inputs of a checked node with two operands give its output."""
    return rows_of([Axis(n, a, b) for n, (a, b) in walks(view.output().shape, [t.shape for t in _pair(view)])])


def rows_of(axes: Sequence[Axis]) -> Rows:
    """Such axes, outermost first."""
    *outer, row = axes or [Axis(1, 1, 1)]
    return Rows(row, tuple(outer))


def walks(output: tuple[int, ...], shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, list[int]]]:
    """The axes along which operands of these shapes broadcast to `output`, outermost first: extent, and for each
    operand how many elements it goes on."""
    filled = [(1,) * (len(output) - len(shape)) + shape for shape in shapes]
    extents = [(n, tuple(size != 1 for size in sizes)) for n, *sizes in zip(output, *filled, strict=True) if n != 1]
    axes: list[tuple[int, list[int]]] = []
    strides = [1] * len(shapes)
    for moves, group in itertools.groupby(reversed(extents), key=lambda axis: axis[1]):
        extent = math.prod(n for n, _ in group)
        axes.insert(0, (extent, [stride * move for stride, move in zip(strides, moves, strict=True)]))
        strides = [stride * (extent if move else 1) for stride, move in zip(strides, moves, strict=True)]
    return axes


def _pair(view: NodeView) -> tuple[Tensor, Tensor]:
    return view.given(0), view.given(1)


def broadcasts(view: NodeView) -> bool:
    """Whether operands and output differ in shape, other than by axes of extent 1 in front."""
    return any(view.given(position).size != view.output().size for position in range(len(view.node.inputs)))


def operands(view: NodeView) -> tuple[tuple[Read | Constant, ...], tuple[int, ...]]:
    """The inputs as arguments, and those (tensor indices) whose memory the output may take: activations of its size,
    which are read in the order in which the output is written."""
    inputs = tuple(operand(view.given(i), f"input{i + 1}") for i in range(len(view.node.inputs)))
    size = view.output().size
    places = tuple(a.tensor for a in inputs if isinstance(a, Read) and view.graph.tensors[a.tensor].size == size)
    return inputs, places
