# SPDX-License-Identifier: Apache-2.0
"""How two operands broadcast, as the C struct tinyq_rows: axes of extent 1 left out, neighbours of a kind merged."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from tinyq_deploy.graph import NodeView
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
    out = view.output().shape
    shapes = [(1,) * (len(out) - len(t.shape)) + t.shape for t in (view.given(0), view.given(1))]
    extents = [(n, a != 1, b != 1) for n, a, b in zip(out, *shapes, strict=True) if n != 1]
    merged = [
        (math.prod(extent for extent, _, _ in group), *walks)
        for walks, group in itertools.groupby(extents, key=lambda axis: axis[1:])
    ]
    axes: list[Axis] = []
    strides = [1, 1]
    for extent, *walks in reversed(merged):
        axes.insert(0, Axis(extent, *(stride * walk for stride, walk in zip(strides, walks, strict=True))))
        strides = [stride * (extent if walk else 1) for stride, walk in zip(strides, walks, strict=True)]
    *outer, row = axes or [Axis(1, 1, 1)]
    return Rows(row, tuple(outer))


def broadcasts(view: NodeView) -> bool:
    """Whether the operands differ in shape, other than by axes of extent 1 in front."""
    return view.given(0).size != view.output().size or view.given(1).size != view.output().size


def operands(view: NodeView) -> tuple[tuple[Read | Constant, ...], tuple[int, ...]]:
    """Both inputs as arguments, and those (tensor indices) whose memory the output may take: activations of its size,
    which are read in the order in which the output is written."""
    inputs = tuple(operand(view.given(i), f"input{i + 1}") for i in range(2))
    size = view.output().size
    places = tuple(a.tensor for a in inputs if isinstance(a, Read) and view.graph.tensors[a.tensor].size == size)
    return inputs, places
