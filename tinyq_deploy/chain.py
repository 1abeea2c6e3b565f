# SPDX-License-Identifier: Apache-2.0
"""A chain of layers that runs in bands of rows, as plain data: calls and moves in order, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from tinyq_deploy.graph import Node
from tinyq_deploy.kernels.base import KernelCall


@dataclass(frozen=True, eq=False)
class Part:
    """One C function of the model: a kernel call for one node, or for some of its output's rows. `varying` names the
    function's argument for each parameter that is not the same in all calls; those that always agree share one, so
    that compilers see that they do."""

    node: Node
    symbol: str
    call: KernelCall
    varying: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The numbers that the function takes, by name."""
        return tuple(dict.fromkeys(self.varying.values()))


@dataclass(frozen=True)
class Place:
    """Bytes from the start of the chain's input, output or scratch."""

    where: Literal["input", "scratch", "output"]
    offset: int


@dataclass(frozen=True)
class Run:
    """A call of a part with the `numbers` that it takes: it computes `rows` rows of its node's output, from
    `row` on, from `reads` input rows."""

    part: Part
    row: int
    rows: int
    reads: int
    read: Place
    write: Place
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Move:
    """Rows that this band shares with the last one go to the front of their window."""

    to: Place
    source: Place
    bytes: int


@dataclass(frozen=True)
class Band:
    """What computes the output rows from `first` to `last`, inclusive."""

    first: int
    last: int
    steps: tuple[Run | Move, ...]


@dataclass(frozen=True)
class Chain:
    """Consecutive nodes that run in bands of `rows` output rows. `call` is what the planner sees: the chain's input,
    output and scratch, and how far the output may lie over the input. `moved_bytes` are copied per inference.
    The scratch begins with `window_bytes` of windows; behind them lies that of the kernels."""

    nodes: tuple[Node, ...]
    rows: int
    bands: tuple[Band, ...]
    parts: tuple[Part, ...]
    call: KernelCall
    window_bytes: int
    moved_bytes: int

    @property
    def symbol(self) -> str:
        """Name of the generated C function."""
        return f"layers_{self.nodes[0].index:02d}_to_{self.nodes[-1].index:02d}"

    @property
    def calls(self) -> int:
        """Calls of kernels per inference."""
        return sum(isinstance(step, Run) for band in self.bands for step in band.steps)

    @property
    def summary(self) -> str:
        """What runs in bands and what that costs, a line for people."""
        which = f"layers {self.nodes[0].index} to {self.nodes[-1].index}"
        cost = f"{self.calls} kernel calls, {self.moved_bytes:,} bytes moved, no MACs computed twice"
        return f"{which} in {len(self.bands)} bands of {self.rows} rows: {cost}"
