# SPDX-License-Identifier: Apache-2.0
"""Chooses a kernel per node and lays out the arena: who shares memory, from when to when, at which offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from tinyq_deploy.arena import ALIGNMENT, Buffer, aligned, height, live_bytes
from tinyq_deploy.bands import Banding
from tinyq_deploy.board import Board
from tinyq_deploy.chain import Chain, Part
from tinyq_deploy.choose import Choice, Chooser, first_candidates, live
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node
from tinyq_deploy.kernels.base import Constant, KernelCall, Read
from tinyq_deploy.lower import LoweredNode
from tinyq_deploy.sharing import arrange

# Without --ram chains are chosen that cost at most this share of the multiplications and spare this share of the arena,
# and so many bytes, in models of up to so many nodes. Smaller differences between chains than a grain do not count.
_FREE, _WORTH, _WORTH_BYTES, _MOST_NODES, _GRAIN = 0.01, 0.1, 1024, 200, 0.02
# Tries to meet --ram, each with a lower limit on what is live at once, and as many with higher ones.
_TRIES = 4
# RAM of the app, the link and the port besides arena and stack; the linked image is measured exactly.
LEAST_OTHER_RAM = 1024


@dataclass(frozen=True)
class Layer:
    """One node with the call that was chosen for it, which computes the earlier nodes `fused` too, or a chain of nodes
    that run in bands of rows, of which `node` is the first. `scratch_offset` is None where there is no scratch."""

    node: Node
    call: KernelCall
    macs: int
    scratch_offset: int | None
    fused: tuple[Node, ...] = ()
    chain: Chain | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes that it computes."""
        return self.chain.nodes if self.chain else (*self.fused, self.node)

    @property
    def op(self) -> str:
        """The operators it computes."""
        return " + ".join(node.op for node in self.nodes)

    @property
    def symbol(self) -> str:
        """Name of the generated C function."""
        if self.chain:
            return self.chain.symbol
        return f"layer_{self.node.index:02d}_{'_'.join(node.op.lower() for node in self.nodes)}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The generated C functions that call kernels."""
        return self.chain.parts if self.chain else (Part(self.node, self.symbol, self.call),)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The arrays in flash that it reads; those that the parts of a chain share count once."""
        found = {
            (part.node.index, constant.name, constant.values.tobytes()): constant
            for part in self.parts for constant in part.call.constants
        }  # fmt: skip
        return tuple(found.values())

    @property
    def constant_bytes(self) -> int:
        """Bytes of `constants`, whether or not other layers share them."""
        return sum(constant.values.nbytes for constant in self.constants)


@dataclass(frozen=True)
class Plan:
    """The whole program: layers in order and where everything lies. Sizes and offsets in bytes; `peak_layer` is a
    position in `layers`; `savings` says what was done to need less memory, a line each, and what it costs; `ram` is the
    limit that was given."""

    graph: Graph
    layers: tuple[Layer, ...]
    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    arena_bytes: int
    lower_bound: int
    peak_layer: int
    savings: tuple[str, ...] = ()
    ram: int | None = None

    @property
    def state_bytes(self) -> int:
        """Bytes of the states, in whole words: the arena begins with them."""
        return sum(aligned(self.graph.tensors[state.before].bytes) for state in self.graph.states)

    def code_layers(self) -> tuple[Layer, ...]:
        """The layers that run code; views do not."""
        return tuple(layer for layer in self.layers if layer.call.function is not None)


def plan(graph: Graph, lowered: Sequence[LoweredNode], *, keep_input: bool = False, banding: Banding | None = None,
         ram: int | None = None) -> Plan:  # fmt: skip
    """A choice for each node and an arena that holds every tensor while it is live.

    The choice is the first candidate. Chains of `banding` (none without it) replace some where they make the arena
    clearly smaller at nearly no cost; with `ram`, chains and candidates with less scratch replace as many as it takes
    for the arena to need at most so many bytes. Raises FitError where that cannot be."""
    fast = first_candidates(lowered)
    chooser = Chooser(graph, keep_input, banding)
    if ram is None:
        return _leaner(chooser, fast) if banding else planned(chooser, fast)
    return _fitted(chooser, fast, ram)


def planned(chooser: Chooser, choices: Sequence[Choice]) -> Plan:
    """The plan that runs these choices, one after the other."""
    placed, lower_bound = arrange(chooser.graph, [choice.call for choice in choices], chooser.keep_input)
    needed = live_bytes(placed, len(choices))
    at = {b.first: b.offset for b in placed if not b.tensors}
    offsets = MappingProxyType({t: b.offset for b in placed for t in b.tensors})
    settled = [_in_place(choice, offsets) for choice in choices]
    return Plan(
        graph=chooser.graph,
        layers=tuple(
            Layer(c.items[0].node, c.call, c.macs, at.get(n), c.fused, c.chain) for n, c in enumerate(settled)
        ),
        buffers=tuple(sorted(placed, key=lambda b: (b.first, b.last, b.tensors))),
        offsets=offsets,
        arena_bytes=height(placed),
        lower_bound=lower_bound,
        peak_layer=needed.index(max(needed)),
        savings=tuple(saving for choice in choices if (saving := choice.saving)),
    )


def _in_place(choice: Choice, offsets: Mapping[int, int]) -> Choice:
    """An ASSIGN_VARIABLE whose value was computed in the state's memory is a view: nothing is left to copy."""
    node = choice.items[0].node
    value = next((a.tensor for a in choice.call.arguments if isinstance(a, Read)), None)
    if node.op != "ASSIGN_VARIABLE" or value is None or offsets[value] != offsets[node.outputs[0]]:
        return choice
    return replace(choice, call=replace(choice.call, function=None, cost=None))


def _leaner(chooser: Chooser, fast: tuple[Choice, ...]) -> Plan:
    """The plan of the fastest choices, or one with chains that cost next to nothing and spare enough."""
    plain = planned(chooser, fast)
    wanted = plain.arena_bytes - max(_WORTH * plain.arena_bytes, _WORTH_BYTES)
    if len(fast) > _MOST_NODES or wanted <= 0:
        return plain
    coarse = replace(chooser, grain=max(1, round(_GRAIN * plain.arena_bytes)))
    choices = coarse.shrink(fast, 0, _FREE * sum(choice.macs for choice in fast))
    lean = planned(chooser, choices) if max(live(chooser.graph, choices, chooser.keep_input)) <= wanted else plain
    return lean if lean.arena_bytes <= wanted else plain


def _fitted(chooser: Chooser, fast: tuple[Choice, ...], ram: int) -> Plan:
    """A plan whose arena needs at most `ram` bytes. What is live at once is held to `ram`, then to less, because of the
    gaps that a layout has, then to more, because the kernels with the least scratch may leave larger gaps."""
    least = made = planned(chooser, fast)
    most, limit = least.lower_bound, ram
    for _ in range(_TRIES):
        if least.arena_bytes <= ram:
            break
        made = planned(chooser, chooser.shrink(fast, limit))
        least = min(least, made, key=lambda plan: plan.arena_bytes)
        limit = min(limit - (made.arena_bytes - ram), made.lower_bound - ALIGNMENT)
    for step in range(1, _TRIES + 1):
        if least.arena_bytes <= ram:
            break
        limit = made.lower_bound + (most - made.lower_bound) * step // (_TRIES + 1)
        least = min(least, planned(chooser, chooser.shrink(fast, limit)), key=lambda plan: plan.arena_bytes)
    if least.arena_bytes > ram:
        raise FitError(
            "the arena fits --ram", f"{least.arena_bytes:,} bytes of {ram:,}, of which {least.lower_bound:,} are live "
            f"at {_peak(least)}; no bands of rows and no other kernels were found that need less",
            f"give --ram {least.arena_bytes}, or shrink these tensors: {_largest_activations(least)}",
        )  # fmt: skip
    return replace(least, ram=ram)


def constant_bytes(plan: Plan) -> int:
    """Bytes of the constants in flash, each layer's at whole words."""
    return sum(aligned(constant.values.nbytes) for layer in plan.layers for constant in layer.constants)


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
            f"{_room(ram - plan.arena_bytes, board)}shrink these tensors or take a larger board: "
            f"{_largest_activations(plan)}",
        )
    if constant_bytes(plan) > board.memory.flash.bytes:
        raise FitError(
            f"the weights fit the flash of {board.name}",
            f"{constant_bytes(plan):,} bytes of {board.memory.flash.bytes:,}",
            f"shrink these tensors or take a larger board: {_largest_constants(plan)}",
        )


def live_tensors(plan: Plan, position: int) -> list[int]:
    """The tensors that hold values while layer `position` runs: what it reads and writes, and what later ones read.
    Views of a tensor do not count beside it."""
    layer = plan.layers[position]
    read = {index for node in layer.nodes for index in node.inputs}
    written = {t: at for at, one in enumerate(plan.layers) for t in one.nodes[-1].outputs}
    views = {one.nodes[-1].outputs[0] for one in plan.layers if one.call.function is None}
    found = []
    for buffer in plan.buffers:
        if buffer.tensors and buffer.live(position):
            there = [t for t in buffer.tensors if written.get(t, -1) <= position]
            found += sorted({there[-1], *(t for t in there if t in read and t not in views)})
    return found


def _room(others: int, board: Board) -> str:
    """The advice to hold the arena to what is left beside the other uses of RAM, if anything is."""
    room = board.memory.ram.bytes - others if board.memory else 0
    return f"build with --ram {room}, " if room > 0 else ""


def _peak(plan: Plan) -> str:
    layer = plan.layers[plan.peak_layer]
    return f"layer {layer.node.index} {layer.op}"


def _largest_activations(plan: Plan) -> str:
    """The tensors that the peak layer reads or writes, or leaves where they are."""
    return _largest(plan.graph, live_tensors(plan, plan.peak_layer))


def _largest_constants(plan: Plan) -> str:
    read = {index for node in plan.graph.nodes for index in node.inputs if index != NO_TENSOR}
    return _largest(plan.graph, {index for index in read if plan.graph.tensors[index].data is not None})


def _largest(graph: Graph, indices: Iterable[int]) -> str:
    tensors = sorted((graph.tensors[i] for i in indices), key=lambda t: -t.bytes)[:3]
    return ", ".join(f"{t.name[:60]!r} {list(t.shape)} {t.bytes:,} bytes" for t in tensors)
