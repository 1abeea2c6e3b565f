# SPDX-License-Identifier: Apache-2.0
"""TILE and BROADCAST_TO against the oracle, byte for byte; and every rule, broken. tflite-micro has no TILE: its oracle
is LiteRT."""

from __future__ import annotations

from collections.abc import Sequence

import host_c
import numpy as np
import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model
from shape_cases import assert_moves, evaluated, node, numbers, q

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.portable.pick import PortablePick
from tinyq_deploy.ops.tile import Tile
from tinyq_deploy.read import read

ORACLE = {"TILE": "litert", "BROADCAST_TO": "tflite-micro"}
TYPES = st.sampled_from(("int8", "int8", "int32", "float32"))


def tile(shape: Sequence[int], multiples: Sequence[int], dtype: str = "int8") -> bytes:
    output = [n * count for n, count in zip(shape, multiples, strict=True)]
    return node("TILE", shape, output, numbers(multiples), dtype=dtype)


def broadcast(shape: Sequence[int], output: Sequence[int], dtype: str = "int8") -> bytes:
    return node("BROADCAST_TO", shape, output, numbers(output), dtype=dtype)


@st.composite
def tiles(draw: st.DrawFn) -> bytes:
    axes = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=5))
    return tile([n for n, _ in axes], [count for _, count in axes], draw(TYPES))


@st.composite
def broadcasts(draw: st.DrawFn) -> bytes:
    output = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    shape = [n if draw(st.booleans()) else 1 for n in output]
    cut = draw(st.integers(0, len(shape)))
    while any(n != 1 for n in shape[:cut]):
        cut -= 1
    return broadcast(shape[cut:], output, draw(TYPES))


@QUICK
@given(tiles())
def test_tile_computes_what_the_oracle_does(data: bytes) -> None:
    assert_moves(data, ORACLE["TILE"])


@QUICK
@given(broadcasts())
def test_broadcast_to_computes_what_the_oracle_does(data: bytes) -> None:
    assert_moves(data)


@pytest.mark.exhaustive
@THOROUGH
@given(tiles())
def test_tile_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_moves(data, ORACLE["TILE"])


@pytest.mark.exhaustive
@THOROUGH
@given(broadcasts())
def test_broadcast_to_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_moves(data)


def test_the_generated_c_computes_what_the_oracle_does() -> None:
    assert_models_exact({"image": tile((1, 2, 3, 2), (1, 3, 2, 2)), "row": tile((5,), (4,))}, kind=ORACLE["TILE"])
    assert_models_exact({"image": broadcast((1, 3, 1, 2), (2, 3, 4, 2)), "number": broadcast((), (3, 5))})


def test_what_stays_is_a_view() -> None:
    assert planned(tile((2, 3), (1, 1))).code_layers() == ()
    assert planned(broadcast((2, 3), (1, 2, 3))).code_layers() == ()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_eight_axes_repeat_as_numpy_repeats_them(dtype: str) -> None:
    """More loops than a copy has; LiteRT takes them too, but gives each axis a process of its own."""
    shape, multiples = (2,) * 8, (2,) * 8
    values = np.random.default_rng(3).integers(-100, 100, shape).astype(dtype)
    graph = read(node("TILE", shape, (4,) * 8, numbers(multiples), dtype=dtype), "x")
    call = PortablePick(Tile).call(NodeView(graph, graph.nodes[0]), host_c.TARGET)
    assert call is not None
    assert call.function == "tinyq_portable_pick"
    expected = np.tile(values, multiples).tobytes()
    assert host_c.kernels().run(call, {0: values}, {1: len(expected)}) == expected
    assert evaluated(node("TILE", shape, (4,) * 8, numbers(multiples), dtype=dtype), values) == expected


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """A [2,1] as [2,3]; accepted, but for what is changed."""
    count = numbers([1, 3] if op == "TILE" else [2, 3])
    tensors = {"input": q(2, 1), "output": q(2, 3), "count": count, **changed}
    return model([*tensors.values()], [Op(op, inputs, [1])], given, [1])


def common(op: str, constants: str, shape: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 2, 2))],
        constants: [small(op, count=constant([2, 3], 0.5)), small(op, given=(0, 2), count=T((2,), None, 0, "int32"))],
        MOVED: [small(op, output=q(2, 3, zero=4)), small(op, output=q(2, 3, scale=0.25))],
        shape: [small(op, output=q(3, 2)), small(op, count=numbers([0, 3]))],
    }


MULTIPLES = "The multiples is a constant of int32 or int64, one number for each axis."
TILE = common("TILE", MULTIPLES, "The output shape follows from input and multiples.")
TILE[MULTIPLES].append(small("TILE", count=numbers([3])))
BROKEN = {
    "TILE": TILE,
    "BROADCAST_TO": {
        **common(
            "BROADCAST_TO", "The shape is a constant of int32 or int64.",
            "The output shape follows from the shape that is asked for.",
        ),
        "The input's last axes are the output's, or have one element; the output has at least as many.": [
            small("BROADCAST_TO", input=q(2, 2)),
            small("BROADCAST_TO", input=q(1, 2, 1)),
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_moves(small(op), ORACLE[op])
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
