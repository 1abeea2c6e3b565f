# SPDX-License-Identifier: Apache-2.0
"""Chooses a kernel per node and lays out the arena: who shares memory, from when to when, at which offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tinyq_deploy.arena import Buffer, aligned, height, live_bytes, place
from tinyq_deploy.board import Board
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node
from tinyq_deploy.kernels.base import KernelCall
from tinyq_deploy.lower import LoweredNode
from tinyq_deploy.sharing import share

# RAM of the app, the link and the port besides arena and stack; the linked image is measured exactly.
LEAST_OTHER_RAM = 1024


@dataclass(frozen=True)
class Layer:
    """One node with the call that was chosen for it. `scratch_offset` is None where the call needs no scratch."""

    node: Node
    call: KernelCall
    macs: int
    scratch_offset: int | None

    @property
    def symbol(self) -> str:
        """Name of the generated C function."""
        return f"layer_{self.node.index:02d}_{self.node.op.lower()}"


@dataclass(frozen=True)
class Plan:
    """The whole program: layers in order and where everything lies. Sizes and offsets in bytes; `peak_layer` is a
    position in `layers`."""

    graph: Graph
    layers: tuple[Layer, ...]
    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    arena_bytes: int
    lower_bound: int
    peak_layer: int

    def code_layers(self) -> tuple[Layer, ...]:
        """The layers that run code; views do not."""
        return tuple(layer for layer in self.layers if layer.call.function is not None)


# How many outputs may lie beside inputs over which they could lie, and how many layers are considered for each.
_ROUNDS, _TRIED = 4, 16


def plan(graph: Graph, lowered: Sequence[LoweredNode], *, keep_input: bool = False) -> Plan:
    """The first candidate of each node and an arena that holds every tensor while it is live."""
    calls = [item.candidates[0] for item in lowered]
    placed, lower_bound = arrange(graph, calls, keep_input)
    live = live_bytes(placed, len(calls))
    at = {b.first: b.offset for b in placed if not b.tensors}
    return Plan(
        graph=graph,
        layers=tuple(Layer(i.node, i.candidates[0], i.macs, at.get(n)) for n, i in enumerate(lowered)),
        buffers=tuple(sorted(placed, key=lambda b: (b.first, b.last, b.tensors))),
        offsets=MappingProxyType({t: b.offset for b in placed for t in b.tensors}),
        arena_bytes=height(placed),
        lower_bound=lower_bound,
        peak_layer=live.index(max(live)),
    )


def arrange(graph: Graph, calls: Sequence[KernelCall], keep_input: bool) -> tuple[list[Buffer], int]:
    """All buffers with offsets, and the bytes that no layout of these calls in this order can spare: what is live at
    once where every output lies over its input that may. Outputs that would do better beside their inputs lie there."""
    scratch = [Buffer((), aligned(c.scratch_bytes), n, n) for n, c in enumerate(calls) if c.scratch_bytes]
    best = place([*share(graph, calls, keep_input), *scratch])
    lower = max(live_bytes(best, len(calls)))
    apart: frozenset[int] = frozenset()
    for _ in range(_ROUNDS):
        if height(best) <= lower:
            break
        high = [b for b in best if b.offset + b.bytes > lower]
        near = [n for n, c in enumerate(calls) if c.in_place and any(b.first - 1 <= n <= b.last + 1 for b in high)]
        tried = [(place([*share(graph, calls, keep_input, apart ^ {n}), *scratch], False), n) for n in near[:_TRIED]]
        layout, flipped = min(tried, key=lambda item: height(item[0]), default=(best, 0))
        if height(layout) >= height(best):
            break
        best, apart = layout, apart ^ {flipped}
    return best, lower


def constant_bytes(plan: Plan) -> int:
    """Bytes of the constants in flash, before equal ones are merged."""
    return sum(aligned(c.values.nbytes) for layer in plan.layers for c in layer.call.constants)


def check_fit(plan: Plan, board: Board) -> None:
    """Raises FitError when arena and stack, or the constants alone, cannot fit `board`. The linker decides the rest."""
    if board.memory is None:
        return
    ram = plan.arena_bytes + board.memory.stack_bytes + LEAST_OTHER_RAM
    if ram > board.memory.ram.bytes:
        raise FitError(
            f"arena, stack and link buffers fit the RAM of {board.name}",
            f"{plan.arena_bytes:,} + {board.memory.stack_bytes:,} + {LEAST_OTHER_RAM:,} = {ram:,} bytes of "
            f"{board.memory.ram.bytes:,}; the peak is at {_peak(plan)}",
            f"shrink these tensors or take a larger board: {_largest_activations(plan)}",
        )
    if constant_bytes(plan) > board.memory.flash.bytes:
        raise FitError(
            f"the weights fit the flash of {board.name}",
            f"{constant_bytes(plan):,} bytes of {board.memory.flash.bytes:,}",
            f"shrink these tensors or take a larger board: {_largest_constants(plan)}",
        )


def _peak(plan: Plan) -> str:
    node = plan.graph.nodes[plan.peak_layer]
    return f"layer {node.index} {node.op}"


def _largest_activations(plan: Plan) -> str:
    """Of each buffer in use at the peak, the tensor that it holds then."""
    written = {t: position for position, layer in enumerate(plan.layers) for t in layer.node.outputs}
    live = [b.tensors for b in plan.buffers if b.tensors and b.live(plan.peak_layer)]
    held = [[t for t in group if written.get(t, -1) <= plan.peak_layer][-1] for group in live]
    return _largest(plan.graph, held)


def _largest_constants(plan: Plan) -> str:
    read = {index for node in plan.graph.nodes for index in node.inputs if index != NO_TENSOR}
    return _largest(plan.graph, {index for index in read if plan.graph.tensors[index].data is not None})


def _largest(graph: Graph, indices: Iterable[int]) -> str:
    tensors = sorted((graph.tensors[i] for i in indices), key=lambda t: -t.bytes)[:3]
    return ", ".join(f"{t.name[:60]!r} {list(t.shape)} {t.bytes:,} bytes" for t in tensors)
