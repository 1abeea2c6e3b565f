# SPDX-License-Identifier: Apache-2.0
"""What operators share whose output is made of elements of the input, found axis by axis: MIRROR_PAD, TILE, GATHER,
RESIZE_NEAREST_NEIGHBOR and their kin.

Each axis of the output has a table of where its entries lie in the input; those of all axes add up. Where every table
is made of even steps, all of it is one copy between two grids.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import movement
from tinyq_deploy.ops.base import Array, Operator
from tinyq_deploy.ops.movement import Axis, Copy

# Bytes from the start of the input, for each entry of an axis of the output.
Table = Sequence[int]


@dataclass(frozen=True)
class Pick:
    """The output in order, in runs of `run` bytes that lie together in the input: an axis for each of `tables`, the
    outermost first. Their entries are multiples of `width`, the bytes of an element."""

    tables: tuple[tuple[int, ...], ...]
    run: int
    width: int


def picked(tables: Sequence[Table], source: Tensor) -> Copy | Pick:
    """What makes the output with an axis for each of `tables` of `source`."""
    width = movement.itemsize(source)
    grid = even_grid(tables, width)
    return grid if grid is not None and len(grid.axes) <= movement.MOST_AXES else with_runs(tables, width)


def even_grid(tables: Sequence[Table], width: int) -> Copy | None:
    """The tables as one copy, None where one is not made of even steps."""
    axes: list[Axis] = []
    written = width
    for table in reversed(tables):
        steps = even_steps(table)
        if steps is None:
            return None
        for extent, step in reversed(steps):
            axes.insert(0, Axis(extent, step, written))
            written *= extent
    return Copy(movement.grid(axes, width), input_start=sum(table[0] for table in tables), width=width)


def even_steps(table: Table) -> list[tuple[int, int]] | None:
    """Extents and steps of the loops, outermost first, that count the table's entries from its first one; None where
    there are none."""
    if len(table) == 1:
        return []
    step = table[1] - table[0]
    run = next((i for i, entry in enumerate(table) if entry != table[0] + i * step), len(table))
    whole = len(table) % run == 0
    if not whole or any(entry != table[i - i % run] + i % run * step for i, entry in enumerate(table)):
        return None
    outer = even_steps(table[::run])
    return None if outer is None else [*outer, (run, step)]


def with_runs(tables: Sequence[Table], width: int) -> Pick:
    """The tables with the innermost axes that lie together as runs, without axes of one entry."""
    kept, run, start = [list(table) for table in tables], width, 0
    while kept and list(kept[-1]) == [kept[-1][0] + i * run for i in range(len(kept[-1]))]:
        table = kept.pop()
        start += table[0]
        run *= len(table)
    start += sum(table[0] for table in kept if len(table) == 1)
    kept = [table for table in kept if len(table) > 1] or [[0]]
    kept[0] = [entry + start for entry in kept[0]]
    return Pick(tuple(tuple(table) for table in kept), run, width)


class Picker(Operator):
    """An operator that finds each element of its output in input 0."""

    takes_reals = True

    @staticmethod
    @abstractmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Where the elements of a checked node's output are, with as many entries together as it has elements."""

    @staticmethod
    def known(view: NodeView) -> bool:
        """Whether a checked node's tables are known."""
        return True

    @classmethod
    def picked(cls, view: NodeView) -> Copy | Pick:
        """What a checked node does whose tables are known."""
        return picked(cls.tables(view), view.given(0))

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """The elements of a constant input at their new places."""
        source = view.given(0).data
        if source is None or not cls.known(view):
            return None
        places = np.zeros(1, np.int64)
        for table in cls.tables(view):
            places = np.add.outer(places, np.array(table, np.int64)).reshape(-1)
        return (source.reshape(-1)[places // movement.itemsize(view.given(0))].reshape(view.output().shape),)


def straight(shape: Sequence[int], steps: Sequence[int]) -> list[Table]:
    """The tables of axes of these extents and steps."""
    return [[index * step for index in range(extent)] for extent, step in zip(shape, steps, strict=True)]
