# SPDX-License-Identifier: Apache-2.0
"""The arena, checked by running plans on memory that knows what it holds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import nets
import numpy as np
import pytest
from host_c import TARGET, planned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model
from stateful import random_net

from tinyq_deploy import board as boards
from tinyq_deploy.arena import ALIGNMENT, Buffer, live_bytes, place
from tinyq_deploy.bands import Banding
from tinyq_deploy.board import Board
from tinyq_deploy.chain import Chain, Move
from tinyq_deploy.check import check
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import Graph, NodeView
from tinyq_deploy.kernels.base import Read, Scratch, Target, Write
from tinyq_deploy.lower import LoweredNode, lower
from tinyq_deploy.plan import Layer, Plan, check_fit, constant_bytes, plan
from tinyq_deploy.read import read

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
POOL = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1}


class Memory:
    """The arena of a plan as (value, position) per byte: what was written, and where in its tensor."""

    def __init__(self, made: Plan) -> None:
        self.made, self.arena = made, [None] * made.arena_bytes
        self.value = {index: f"input {index}" for index in made.graph.sources}

    def span(self, tensor: int) -> range:
        return range(self.made.offsets[tensor], self.made.offsets[tensor] + self.made.graph.tensors[tensor].bytes)

    def holds(self, tensor: int, places: range, first: int = 0) -> bool:
        return [self.arena[i] for i in places] == [(self.value[tensor], first + i) for i in range(len(places))]

    def write(self, tensor: int, places: range, first: int = 0) -> None:
        for i, place_ in enumerate(places):
            self.arena[place_] = (self.value[tensor], first + i)

    def poison(self, places: range) -> None:
        for i in places:
            self.arena[i] = "scratch"


def run_symbolically(made: Plan, *, keep_input: bool = False) -> None:
    """Executes a plan on an arena whose bytes are (value, position): every read finds what was meant, no kernel writes
    what it still reads, outputs (and with keep_input inputs) are there at the end."""
    memory = Memory(made)
    for index in made.graph.sources:
        assert made.offsets[index] % ALIGNMENT == 0
        memory.write(index, memory.span(index))
    for index in made.graph.sources:
        assert memory.holds(index, memory.span(index)), f"input {index} is gone before the first layer"
    for layer in made.layers:
        if layer.chain is None:
            run_layer(memory, layer)
        else:
            run_chain(memory, layer, layer.chain)
    for state in made.graph.states:
        assert made.offsets[state.before] == made.offsets[state.after]
    for tensor in (*made.graph.results, *(made.graph.inputs if keep_input else ())):
        assert memory.holds(tensor, memory.span(tensor)), f"tensor {tensor} is gone at the end"


def run_layer(memory: Memory, layer: Layer) -> None:
    made, span = memory.made, memory.span
    reads = [a.tensor for a in layer.call.arguments if isinstance(a, Read)]
    (target,) = (a.tensor for a in layer.call.arguments if isinstance(a, Write))
    for tensor in reads:
        assert memory.holds(tensor, span(tensor)), f"{layer.symbol}: tensor {tensor} is gone"
    if layer.call.function is None:
        memory.value[target] = memory.value[reads[0]]
        assert made.offsets[target] == made.offsets[reads[0]]
        return
    if layer.call.scratch_bytes:
        assert layer.scratch_offset is not None
        scratch = range(layer.scratch_offset, layer.scratch_offset + layer.call.scratch_bytes)
        for tensor in (*reads, target):
            assert not set(span(tensor)) & set(scratch), f"{layer.symbol}: scratch over tensor {tensor}"
        memory.poison(scratch)
    for tensor in reads:
        over = bool(set(span(tensor)) & set(span(target)))
        allowed = any(made.offsets[tensor] == made.offsets[t] == made.offsets[target] for t in layer.call.in_place)
        behind = layer.call.lead is not None and made.offsets[tensor] - made.offsets[target] >= layer.call.lead
        assert not over or allowed or behind, f"{layer.symbol} writes what it reads"
    memory.value[target] = f"layer {layer.node.index}"
    memory.write(target, span(target))


def run_chain(memory: Memory, layer: Layer, chain: Chain) -> None:
    """Each call of a chain finds the input rows that the operator's own geometry says."""
    made, tensors = memory.made, memory.made.graph.tensors
    assert layer.scratch_offset is not None
    scratch = range(layer.scratch_offset, layer.scratch_offset + layer.call.scratch_bytes)
    ends = (chain.nodes[0].inputs[0], chain.nodes[-1].outputs[0])
    for tensor in ends:
        assert not set(memory.span(tensor)) & set(scratch), f"{chain.symbol}: scratch over tensor {tensor}"
    memory.poison(scratch)
    begins = {"input": made.offsets[ends[0]], "output": made.offsets[ends[1]], "scratch": layer.scratch_offset}
    memory.value.update({node.outputs[0]: f"layer {node.index}" for node in chain.nodes})
    done: list[tuple[int, int]] = []
    for step in (step for band in chain.bands for step in band.steps):
        if isinstance(step, Move):
            source, to = (begins[p.where] + p.offset for p in (step.source, step.to))
            moved = memory.arena[source : source + step.bytes]
            memory.arena[to : to + step.bytes] = moved
            continue
        node, rows = step.part.node, step.rows
        source, target = tensors[node.inputs[0]], tensors[node.outputs[0]]
        first, last = window_rows(NodeView(made.graph, node), step.row, rows)
        each, out = source.bytes // source.shape[1], target.bytes // target.shape[1]
        read = range(begins[step.read.where] + step.read.offset, 0)
        read = range(read.start, read.start + (last - first + 1) * each)
        write = range(begins[step.write.where] + step.write.offset, 0)
        write = range(write.start, write.start + rows * out)
        assert last - first + 1 == step.reads
        assert memory.holds(source.index, read, first * each), f"{step.part.symbol}: rows {first} to {last} are gone"
        assert not set(read) & set(write), f"{step.part.symbol} writes what it reads"
        used = range(
            scratch.start + chain.window_bytes, scratch.start + chain.window_bytes + step.part.call.scratch_bytes
        )
        assert used.stop <= scratch.stop
        assert not set(used) & (set(read) | set(write)), f"{step.part.symbol}: its scratch is in use"
        memory.poison(used)
        memory.write(target.index, write, step.row * out)
        done += [(node.index, row) for row in range(step.row, step.row + rows)]
    assert len(set(done)) == len(done), "no row twice"
    last_one = chain.nodes[-1]
    assert sum(index == last_one.index for index, _ in done) == tensors[last_one.outputs[0]].shape[1], "every row"


def test_states_keep_their_old_value_as_long_as_it_is_read() -> None:
    for seed in range(200, 300):
        run_symbolically(planned(random_net(seed)))


def window_rows(view: NodeView, first: int, rows: int) -> tuple[int, int]:
    """The first and the last input row under the windows of some output rows."""
    if view.node.op.endswith("POOL_2D"):
        high, stride, dilation = view.number("filter_height", 1), view.number("stride_h", 1), 1
    else:
        high, stride = view.given(1).shape[1], view.number("stride_h", 1)
        dilation = view.number("dilation_h_factor", 1)
    height, out, extent = view.given(0).shape[1], view.output().shape[1], (high - 1) * dilation + 1
    same = str(view.option("padding", "SAME")) == "SAME"
    pad = max(0, (out - 1) * stride + extent - height) // 2 if same else 0
    return max(0, first * stride - pad), min(height, (first + rows - 1) * stride - pad + extent) - 1


def assert_sound(made: Plan, *, keep_input: bool = False) -> None:
    run_symbolically(made, keep_input=keep_input)
    assert made.arena_bytes >= made.lower_bound
    assert all(b.offset % ALIGNMENT == 0 for b in made.buffers)
    assert made.arena_bytes == max(b.offset + b.bytes for b in made.buffers)
    held = [covered(made, i) for i in range(len(made.layers))]
    assert made.lower_bound <= max(held) <= made.arena_bytes
    needed = live_bytes(made.buffers, len(made.layers))
    assert needed[made.peak_layer] == max(needed) <= max(held)


def covered(made: Plan, layer: int) -> int:
    """Bytes of the arena in use while a layer runs."""
    return len({i for b in made.buffers if b.live(layer) for i in range(b.offset, b.offset + b.at(layer))})


# Random graphs ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Layers over tensors of 24 elements or fewer: (operator, the tensors it may read)."""

    layers: tuple[tuple[str, int, int], ...]
    inputs: int
    outputs: tuple[int, ...]


drawn = st.builds(
    Drawn,
    layers=st.lists(
        st.tuples(
            st.sampled_from(("ADD", "ADD", "POOL", "SMALLER", "RESHAPE", "SOFTMAX")),
            st.integers(0, 99),
            st.integers(0, 99),
        ),
        min_size=1,
        max_size=14,
    ).map(tuple),
    inputs=st.integers(1, 3),
    outputs=st.lists(st.integers(0, 99), min_size=0, max_size=2).map(tuple),
)


def build(case: Drawn) -> bytes:
    """A model whose layers read any earlier tensor of a fitting shape."""
    tensors = [T((1, 2, 6, 2), 0.5, 3) for _ in range(case.inputs)]
    ops = []
    for op, a, b in case.layers:
        first = a % len(tensors)
        shape = tensors[first].shape
        same = [i for i, t in enumerate(tensors) if t.shape == shape and t.scale == 0.5]
        out = T(shape, 0.5, 3)
        if tensors[first].scale != 0.5 or op == "ADD":
            first = same[a % len(same)] if same else 0
            shape, second = tensors[first].shape, same[b % len(same)] if same else 0
            out = T(shape, 0.5, 3)
            ops.append(Op("ADD", [first, second], [len(tensors)]))
        elif op == "RESHAPE" or len(shape) != 4:
            size = int(T(shape).shape[0])
            for extent in shape[1:]:
                size *= extent
            out = T((1, 1, size // 2, 2) if len(shape) != 4 else (1, size), 0.5, 3)
            ops.append(Op("RESHAPE", [first], [len(tensors)]))
        elif op == "SOFTMAX":
            out = T(shape, 1 / 256, -128)
            ops.append(Op("SOFTMAX", [first], [len(tensors)], {"beta": 1.0}))
        else:
            width = 2 if op == "SMALLER" and shape[2] > 1 else 1
            out = T((1, shape[1], shape[2] - width + 1, shape[3]), 0.5, 3)
            ops.append(Op("MAX_POOL_2D", [first], [len(tensors)], {**POOL, "filter_width": width}))
        tensors.append(out)
    outputs = sorted({len(tensors) - 1, *(o % len(tensors) for o in case.outputs)})
    return model(tensors, ops, list(range(case.inputs)), outputs)


def lowered(case: Drawn) -> tuple[Graph, tuple[LoweredNode, ...]]:
    graph = read(build(case), "random")
    check(graph)
    return graph, lower(graph, TARGET, "portable")


@QUICK
@given(drawn, st.booleans())
def test_random_plans_are_sound(case: Drawn, keep_input: bool) -> None:
    graph, nodes = lowered(case)
    assert_sound(plan(graph, nodes, keep_input=keep_input), keep_input=keep_input)


@QUICK
@given(drawn, st.lists(st.integers(0, 50), min_size=14, max_size=14))
def test_random_plans_with_scratch_are_sound(case: Drawn, scratch: list[int]) -> None:
    graph, nodes = lowered(case)
    nodes = tuple(with_scratch(node, size) for node, size in zip(nodes, scratch, strict=False))
    assert_sound(plan(graph, nodes))


def with_scratch(node: LoweredNode, size: int) -> LoweredNode:
    call = node.candidates[0]
    if call.function is None:
        return node
    call = dataclasses.replace(call, arguments=(*call.arguments, Scratch(size)), in_place=())
    return dataclasses.replace(node, candidates=(call,))


@pytest.mark.exhaustive
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn, st.booleans())
def test_many_random_plans_are_sound(case: Drawn, keep_input: bool) -> None:
    graph, nodes = lowered(case)
    assert_sound(plan(graph, nodes, keep_input=keep_input), keep_input=keep_input)


@QUICK
@given(st.lists(st.tuples(st.integers(1, 64), st.integers(-1, 12), st.integers(0, 12)), min_size=1, max_size=20))
def test_buffers_that_are_live_together_lie_apart(pieces: list[tuple[int, int, int]]) -> None:
    given_ = [Buffer((i,), 4 * size, first, max(first, last)) for i, (size, first, last) in enumerate(pieces)]
    placed = place(given_)
    assert sorted(b.tensors for b in placed) == sorted(b.tensors for b in given_)
    for n, a in enumerate(placed):
        for b in placed[n + 1 :]:
            if a.overlaps(b):
                assert a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
    highest = max(b.offset + b.bytes for b in placed)
    assert highest <= sum(b.bytes for b in placed)
    assert highest >= max(sum(b.bytes for b in placed if b.live(i)) for i in range(-1, 13))


# Known plans --------------------------------------------------------------------------------------------------------


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


def sums(*pairs: tuple[int, int], outputs: Sequence[int] = ()) -> Plan:
    """ADDs over tensors of 8 bytes; input 0 and the sums in order."""
    ops = [Op("ADD", pair, [i + 1]) for i, pair in enumerate(pairs)]
    return planned(model([q(8) for _ in range(len(pairs) + 1)], ops, [0], [*outputs] or [len(pairs)]))


def test_a_sum_takes_the_place_of_the_input_that_dies() -> None:
    made = sums((0, 0), (1, 1), (2, 2))
    assert made.arena_bytes == made.lower_bound == 8
    assert len(made.buffers) == 1


def test_a_sum_leaves_an_input_that_is_read_again() -> None:
    made = sums((0, 0), (0, 1))
    assert made.offsets[0] != made.offsets[1]
    assert made.offsets[2] in (made.offsets[0], made.offsets[1])
    assert made.arena_bytes == 16


def test_a_sum_leaves_an_output_of_the_model() -> None:
    made = sums((0, 0), (1, 1), outputs=(1, 2))
    assert made.offsets[1] != made.offsets[2]


def test_a_view_keeps_its_source_alive() -> None:
    tensors = [q(8), q(8), q(2, 4), q(8), q(2, 4)]
    ops = [Op("ADD", [0, 0], [1]), Op("RESHAPE", [1], [2]), Op("ADD", [1, 1], [3]), Op("ADD", [2, 2], [4])]
    made = planned(model(tensors, ops, [0], [3, 4]))
    assert_sound(made)
    assert made.offsets[1] == made.offsets[2] != made.offsets[3]


def test_what_is_written_over_a_larger_tensor_leaves_the_rest_free() -> None:
    pool = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    tensors = [q(1, 8, 8, 4), q(1, 4, 4, 4), q(1, 4, 4, 4), q(1, 4, 4, 4)]
    ops = [Op("AVERAGE_POOL_2D", [0], [1], pool, 2), Op("ADD", [1, 1], [2]), Op("ADD", [1, 2], [3])]
    made = planned(model(tensors, ops, [0], [3]), kernels="own")
    assert_sound(made)
    (joined,) = (b for b in made.buffers if 0 in b.tensors)
    assert joined.tensors[:2] == (0, 1), "the pool writes over its input"
    assert joined.shrinks == ((1, 64),)
    assert made.arena_bytes == 256


def test_a_view_of_the_start_leaves_the_rest_while_that_is_read() -> None:
    """Three parts of a tensor, the first of which needs no copy: the others are still to be read when it is made."""
    ranges = [(0, 8), (8, 16), (16, 24)]
    bounds = [constant([0, value], dtype="int32") for pair in ranges for value in pair]
    ones = constant([1, 1], dtype="int32")
    tensors = [q(1, 24), q(1, 24), *(q(1, 8) for _ in ranges), *bounds, ones]
    slices = [
        Op("STRIDED_SLICE", [1, 5 + 2 * n, 6 + 2 * n, 11], [2 + n], {"begin_mask": 1, "end_mask": 1}) for n in range(3)
    ]
    made = planned(model(tensors, [Op("ADD", [0, 0], [1]), *slices], [0], [2, 3, 4]))
    assert_sound(made)
    assert made.offsets[2] == made.offsets[1]
    for part in (3, 4):
        assert made.offsets[part] >= made.offsets[1] + 24 or made.offsets[part] + 8 <= made.offsets[1]


# Memory for speed ---------------------------------------------------------------------------------------------------


def banded_plan(ram: int | None, *, keep_input: bool = False) -> Plan:
    """`nets.wide` with portable kernels."""
    graph = read(nets.wide(), "wide")
    check(graph)
    nodes = lower(graph, TARGET, "portable")
    return plan(graph, nodes, banding=Banding(graph, TARGET, "portable"), ram=ram, keep_input=keep_input)


def test_a_limit_brings_the_least_bands_that_keep_it() -> None:
    whole = banded_plan(1 << 20)
    assert (whole.savings, whole.ram) == ((), 1 << 20)
    arenas = []
    for ram in (whole.arena_bytes - 1, 3500, 2500, 2048):
        made = banded_plan(ram)
        assert_sound(made)
        assert made.arena_bytes <= ram
        assert len(made.savings) == 1
        arenas.append(made.layers[0].chain.rows if made.layers[0].chain else 0)
    assert arenas == sorted(arenas, reverse=True)
    assert arenas[0] > arenas[-1] > 0


def test_a_limit_that_cannot_be_kept_names_the_least() -> None:
    with pytest.raises(FitError) as caught:
        banded_plan(1024)
    assert caught.value.exit_code == 4
    least = int(str(caught.value).split("give --ram ")[1].split(",")[0])
    assert banded_plan(least).arena_bytes == least
    assert f"{least:,} bytes of 1,024" in str(caught.value)
    assert "layer 0 CONV_2D + DEPTHWISE_CONV_2D" in str(caught.value)


def test_a_kept_input_is_not_written_over_by_bands() -> None:
    made = banded_plan(4000, keep_input=True)
    assert_sound(made, keep_input=True)
    assert made.layers[0].chain is not None


def test_our_own_kernels_can_do_with_less_scratch() -> None:
    graph = read(model([q(1, 16, 16, 16), constant(np.ones((1, 3, 3, 16)), 0.1, axis=3), q(1, 16, 16, 16)],
                       [Op("DEPTHWISE_CONV_2D", [0, 1], [2], {"padding": "SAME", "stride_h": 1, "stride_w": 1,
                                                              "depth_multiplier": 1}, 3)], [0], [2]), "x")  # fmt: skip
    nodes = lower(graph, Target("cortex-m4"), "own")
    fast = plan(graph, nodes)
    made = plan(graph, nodes, ram=fast.arena_bytes - 500)
    assert_sound(made)
    assert made.layers[0].call.function == fast.layers[0].call.function
    assert made.layers[0].call.scratch_bytes < fast.layers[0].call.scratch_bytes
    (line,) = made.savings
    assert "layer 0 DEPTHWISE_CONV_2D with less scratch" in line


def test_keep_input_costs_its_bytes() -> None:
    data = nets.chain(3)
    assert planned(data).arena_bytes == 8
    kept = planned(data, keep_input=True)
    assert kept.arena_bytes == 12
    assert_sound(kept, keep_input=True)


def test_an_input_nobody_reads_has_its_place_before_the_first_layer() -> None:
    made = planned(model([q(8), q(4), q(8)], [Op("ADD", [0, 0], [2])], [0, 1], [2]))
    assert_sound(made)
    assert made.offsets[1] >= 8


def test_sizes_are_whole_words() -> None:
    made = planned(model([q(1, 1, 1, 5), q(1, 1, 1, 5)], [Op("MAX_POOL_2D", [0], [1], POOL)], [0], [1]))
    assert [b.bytes for b in made.buffers] == [8, 8]


def test_the_small_model_reaches_its_lower_bound() -> None:
    made = planned(nets.small())
    assert_sound(made)
    assert made.arena_bytes == made.lower_bound == 96
    assert made.layers[made.peak_layer].node.op == "DEPTHWISE_CONV_2D"


def test_the_same_graph_gives_the_same_plan() -> None:
    assert planned(nets.small()).offsets == planned(nets.small()).offsets


def test_the_longest_model_is_planned_in_bounded_time() -> None:
    graph = read(nets.chain(5000), "long")
    nodes = lower(graph, TARGET, "portable")
    started = time.process_time()
    assert plan(graph, nodes).arena_bytes == 8
    assert time.process_time() - started < 10


# Fit ----------------------------------------------------------------------------------------------------------------


def board_of(flash: int, ram: int) -> Board:
    found = boards.load("nucleo-f446re")
    assert found.memory is not None
    memory = found.memory.model_copy(
        update={
            "flash": found.memory.flash.model_copy(update={"bytes": flash}),
            "ram": found.memory.ram.model_copy(update={"bytes": ram}),
        }
    )
    return found.model_copy(update={"memory": memory})


def test_what_fits_passes() -> None:
    made = planned(nets.small())
    check_fit(made, boards.load("nucleo-f446re"))
    check_fit(made, boards.load("host"))
    board = boards.load("nucleo-f446re")
    assert board.memory is not None
    exact = made.arena_bytes + board.memory.stack_bytes + 1024
    check_fit(made, board_of(constant_bytes(made), exact))


def test_too_little_ram_is_told_with_bytes_and_tensors() -> None:
    board = boards.load("nucleo-f446re")
    assert board.memory is not None
    needed = 96 + board.memory.stack_bytes + 1024
    with pytest.raises(FitError) as caught:
        check_fit(planned(nets.small()), board_of(1 << 20, needed - 1))
    text = str(caught.value)
    assert caught.value.exit_code == 4
    assert f"96 + {board.memory.stack_bytes:,} + 1,024 = {needed:,} bytes of {needed - 1:,}" in text
    assert "layer 1 DEPTHWISE_CONV_2D" in text
    assert "build with --ram 95, shrink" in text
    assert text.endswith("'net/conv' [1, 6, 4, 2] 48 bytes, 'net/depthwise' [1, 6, 4, 2] 48 bytes")


def test_too_little_flash_is_told_with_the_three_largest() -> None:
    made = planned(nets.small())
    needed = constant_bytes(made)
    with pytest.raises(FitError) as caught:
        check_fit(made, board_of(needed - 1, 1 << 20))
    text = str(caught.value)
    assert f"{needed:,} bytes of {needed - 1:,}" in text
    assert text.index("[3, 12] 36 bytes") < text.index("[2, 3, 3, 1] 18 bytes")
    assert text.count(" bytes,") == 2
