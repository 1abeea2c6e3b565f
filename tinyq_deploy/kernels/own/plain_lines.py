# SPDX-License-Identifier: Apache-2.0
"""Operands that broadcast, as lines of the output along which the second one stays where it is: then its part of the
arithmetic is done once a line. Rows of [H,W,C] with one of [C] are lines of H*W elements, C apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import KernelCall, Write
from tinyq_deploy.kernels.broadcast import AXES, operands, rows

# Instructions, roughly, for one more line, for an element where the second operand stays, and where both walk.
_PER_LINE, _PER_ELEMENT, _PER_PAIR = 16, 5, 7


@dataclass(frozen=True)
class _Axis:
    """`extent` positions, and how many elements the output and each operand go on from one to the next."""

    extent: int
    output: int
    operand1: int
    operand2: int


@dataclass(frozen=True)
class Lines:
    """The axis of a line, and the others. Where `swapped`, operand1 is the node's second input."""

    line: _Axis
    outer: tuple[_Axis, ...]
    swapped: bool

    @property
    def cost(self) -> int:
        """Instructions of one position on all outer axes, roughly, per element of a line."""
        each = _PER_PAIR if self.line.operand2 else _PER_ELEMENT
        return each * 1000 + _PER_LINE * 1000 // self.line.extent

    def fields(self) -> Iterator[tuple[str, int]]:
        """The C struct member `lines`, field for field."""
        yield from (("lines.length", self.line.extent), ("lines.step", self.line.output))
        yield from (("lines.step1", self.line.operand1), ("lines.stays", int(self.line.operand2 == 0)))
        padded = (_Axis(1, 0, 0, 0),) * (AXES - len(self.outer)) + self.outer
        for name, source in (("extent", "extent"), ("outer1", "operand1"), ("outer2", "operand2"), ("outer", "output")):
            yield from ((f"lines.{name}[{i}]", getattr(axis, source)) for i, axis in enumerate(padded))


def lines(view: NodeView) -> Lines:
    """The cheapest way to cut the output of a checked node with two operands that broadcast: along the innermost axis,
    or along one on which one operand stays."""
    found = rows(view)
    axes: list[_Axis] = []
    stride = 1
    for axis in (found.row, *reversed(found.outer)):
        axes.insert(0, _Axis(axis.extent, stride, axis.step1, axis.step2))
        stride *= axis.extent
    ends = len(axes) - 1
    options = [_along(axes, i) for i, axis in enumerate(axes) if i == ends or not axis.operand1 * axis.operand2]
    return min(options, key=lambda option: option.cost)


def _along(axes: list[_Axis], position: int) -> Lines:
    """The lines along one axis; operands swap places where the first would stay."""
    swapped = axes[position].operand1 == 0
    if swapped:
        axes = [replace(axis, operand1=axis.operand2, operand2=axis.operand1) for axis in axes]
    return Lines(axes[position], (*axes[:position], *axes[position + 1 :]), swapped)


def lines_call(view: NodeView, name: str, struct: Any, pairs: tuple[str, ...]) -> KernelCall:
    """A call of tinyq_own_plain_<name>_lines. `struct` holds the constants of equal shapes; `pairs` are the names of
    those that each operand has, without the number behind them."""
    found = lines(view)
    inputs, in_place = operands(view)
    order = (1, 0) if found.swapped else (0, 1)
    other = {f"{pair}{i + 1}": f"{pair}{order[i] + 1}" for pair in pairs for i in range(2)}
    values = ((f"op.{field.name}", getattr(struct, other.get(field.name, field.name))) for field in fields(struct))
    return KernelCall(
        kernel_set="own",
        function=f"tinyq_own_plain_{name}_lines",
        header=f"own/plain/{name}_lines.h",
        params_type=f"tinyq_own_{name}_lines_params",
        params=(*values, *found.fields()),
        arguments=(*(inputs[i] for i in order), Write(view.output().index)),
        in_place=in_place,
    )
