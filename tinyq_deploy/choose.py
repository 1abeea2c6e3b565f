# SPDX-License-Identifier: Apache-2.0
"""Chooses what runs: the first candidate of each node, or where memory counts one that needs less of it, or a chain of
nodes in bands of rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinyq_deploy.arena import Buffer, aligned, live_bytes
from tinyq_deploy.bands import Banding
from tinyq_deploy.chain import Chain, Run
from tinyq_deploy.graph import Graph, Node
from tinyq_deploy.kernels.base import KernelCall, Read, Write
from tinyq_deploy.lower import LoweredNode
from tinyq_deploy.sharing import share

# Nodes of a chain at most, and rows of its output per band that are tried.
_MOST_NODES = 5
_ROWS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48)
# Instructions, roughly, of one more kernel call, of a byte that is moved, and per multiplication of a kernel with less
# scratch, of one that computes few pixels at a time, and of another kernel than the first. They order choices.
_PER_CALL, _PER_BYTE, _PER_MAC_TIGHT, _PER_MAC_FEW, _PER_MAC_OTHER = 200.0, 0.5, 0.2, 0.1, 10.0
_FEW_PIXELS = 256
# Replacements at most: each tries some hundred choices.
_MOST_CHANGES = 40


@dataclass(frozen=True)
class Choice:
    """What runs for `items`: one node's call, or a chain of several nodes. `cost` counts the instructions that it needs
    more than the first candidates, roughly."""

    items: tuple[LoweredNode, ...]
    call: KernelCall
    chain: Chain | None = None
    cost: float = 0.0

    @property
    def fused(self) -> tuple[Node, ...]:
        """The earlier nodes that a single call computes too."""
        return () if self.chain else self.items[0].fused

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(item.macs for item in self.items)

    @property
    def saving(self) -> str:
        """What was done to need less memory and what it costs, a line for people; empty for the first candidate."""
        if self.chain is not None:
            return self.chain.summary
        if self.call is self.items[0].candidates[0]:
            return ""
        node, first = self.items[0].node, self.items[0].candidates[0]
        how = "with less scratch" if self.call.function == first.function else f"by {self.call.function}"
        spared = first.scratch_bytes - self.call.scratch_bytes
        return f"layer {node.index} {node.op} {how}: {spared:,} bytes of scratch less, slower"


def first_candidates(lowered: Sequence[LoweredNode]) -> tuple[Choice, ...]:
    """The fastest, one choice a node."""
    return tuple(Choice((item,), item.candidates[0]) for item in lowered)


def live(graph: Graph, choices: Sequence[Choice], keep_input: bool) -> list[int]:
    """Bytes live while each choice runs, where every output lies over its input that may."""
    calls = [choice.call for choice in choices]
    scratch = [Buffer((), aligned(c.scratch_bytes), n, n) for n, c in enumerate(calls) if c.scratch_bytes]
    return live_bytes([*share(graph, calls, keep_input), *scratch], len(calls))


@dataclass(frozen=True)
class Chooser:
    """Replaces choices where the most is live at once by others that need less memory."""

    graph: Graph
    keep_input: bool
    banding: Banding | None
    grain: int = 1  # bytes at the peak that matter; what spares less of them than that is chosen by its cost

    def shrink(self, choices: tuple[Choice, ...], limit: int, budget: float = math.inf) -> tuple[Choice, ...]:
        """`choices` with replacements until at most `limit` bytes are live at once, for at most `budget` instructions
        more: the cheapest of those that reach the limit, else those that need the least. Ends where nothing helps."""
        for _ in range(_MOST_CHANGES):
            found = live(self.graph, choices, self.keep_input)
            peak = max(found)
            if peak <= limit:
                return choices
            options = [
                (self._rank(option, limit), n, option)
                for n, option in enumerate(self._options(choices, found.index(peak)))
                if sum(choice.cost for choice in option) <= budget
            ]
            best = min(options, default=((0, 0, 0.0), 0, choices))[2]
            if self._rank(best, limit)[:2] >= self._rank(choices, limit)[:2]:
                return choices
            choices = best
        return choices

    def _rank(self, option: tuple[Choice, ...], limit: int) -> tuple[int, int, float]:
        """Grains above the limit at the peak, layers with that many bytes, instructions more: the less the better."""
        found = live(self.graph, option, self.keep_input)
        peak = max(found)
        cost = sum(choice.cost for choice in option)
        return (0, 0, cost) if peak <= limit else (-(-(peak - limit) // self.grain), found.count(peak), cost)

    def _options(self, choices: tuple[Choice, ...], at: int) -> Iterator[tuple[Choice, ...]]:
        """All ways to replace the choice at a position, alone or together with its neighbours."""
        here = choices[at]
        if here.chain is None:
            for call in here.items[0].candidates:
                if call.scratch_bytes < here.call.scratch_bytes:
                    per_mac = (
                        _PER_MAC_TIGHT if call.function == here.items[0].candidates[0].function else _PER_MAC_OTHER
                    )
                    other = Choice(here.items, call, cost=per_mac * max(here.macs, 1))
                    yield (*choices[:at], other, *choices[at + 1 :])
        for first in range(at, -1, -1):
            for last in range(at, len(choices)):
                items = tuple(item for choice in choices[first : last + 1] for item in choice.items)
                if not 2 <= len(items) <= _MOST_NODES or not self.consecutive(items):
                    continue
                for made in self._chains(items):
                    yield (*choices[:first], made, *choices[last + 1 :])

    def _chains(self, items: tuple[LoweredNode, ...]) -> Iterator[Choice]:
        if self.banding is None:
            return
        macs = sum(item.macs for item in items)
        for rows, tight in itertools.product(_ROWS, (False, True)):
            chain = self.banding.chain(items, rows, tight)
            if chain is not None:
                few = sum(self._few(chain, item) for item in items)
                cost = _PER_CALL * chain.calls + _PER_BYTE * chain.moved_bytes
                yield Choice(items, chain.call, chain, cost + _PER_MAC_TIGHT * macs * tight + _PER_MAC_FEW * few)

    def _few(self, chain: Chain, item: LoweredNode) -> float:
        """Multiplications of a node that are computed for few pixels at a time."""
        _, height, width, _ = self.graph.tensors[item.node.outputs[0]].shape
        runs = [step for band in chain.bands for step in band.steps if isinstance(step, Run)]
        rows = sum(run.rows for run in runs if run.part.node == item.node and run.rows * width < _FEW_PIXELS)
        return item.macs * rows / height

    def consecutive(self, items: Sequence[LoweredNode]) -> bool:
        """Whether each item reads what the one before it writes, and nobody else does."""
        readers = [index for node in self.graph.nodes for index in node.inputs] + list(self.graph.outputs)
        for item in items:
            reads, writes = _ends(item.candidates[0])
            if reads != list(item.node.inputs[:1]) or writes != list(item.node.outputs):
                return False
        inner = [item.node.outputs[0] for item in items[:-1]]
        reads = [item.node.inputs[0] for item in items[1:]]
        return inner == reads and all(readers.count(index) == 1 for index in inner)


def _ends(call: KernelCall) -> tuple[list[int], list[int]]:
    reads = [a.tensor for a in call.arguments if isinstance(a, Read)]
    return reads, [a.tensor for a in call.arguments if isinstance(a, Write)]
