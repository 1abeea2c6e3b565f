# SPDX-License-Identifier: Apache-2.0
"""MIRROR_PAD against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model
from shape_cases import assert_moves, node, numbers, q

Margins = Sequence[tuple[int, int]]


def mirror(shape: Sequence[int], margins: Margins, mode: str, dtype: str = "int8") -> bytes:
    output = [before + n + after for n, (before, after) in zip(shape, margins, strict=True)]
    return node("MIRROR_PAD", shape, output, numbers(margins), options={"mode": mode}, dtype=dtype)


@st.composite
def mirrors(draw: st.DrawFn) -> bytes:
    mode = draw(st.sampled_from(("REFLECT", "SYMMETRIC")))
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    most = [n - (mode == "REFLECT") for n in shape]
    margins = [(draw(st.integers(0, n)), draw(st.integers(0, n))) for n in most]
    return mirror(shape, margins, mode, draw(st.sampled_from(("int8", "int8", "float32"))))


@QUICK
@given(mirrors())
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_moves(data)


@pytest.mark.exhaustive
@THOROUGH
@given(mirrors())
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_moves(data)


TRAPS = {
    f"{name}_{mode.lower()}": mirror(shape, margins, mode)
    for mode in ("REFLECT", "SYMMETRIC")
    for name, shape, margins in (
        ("image", (1, 5, 4, 3), [(0, 0), (2, 1), (1, 3), (0, 0)]),
        ("most", (1, 3, 3, 2), [(0, 0), (2, 2), (2, 2), (1, 1)]),
        ("one_side", (7,), [(0, 5)]),
    )
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


def small(inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A [2,3] in a [3,5] that is accepted, but for what is changed."""
    tensors = {"input": q(2, 3), "output": q(3, 5), "margins": numbers([[0, 1], [1, 1]]), **changed}
    return model([*tensors.values()], [Op("MIRROR_PAD", inputs, [1], options or {})], given, [1])


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 2, 2))],
    MOVED: [small(output=q(3, 5, zero=4)), small(output=q(3, 5, scale=0.25))],
    "The paddings are constants of int32 or int64, two numbers of at least 0 for each axis.": [
        small(given=(0, 2), margins=T((2, 2), None, 0, "int32")),
        small(margins=constant([[0, 1], [1, 1]], 0.5)),
        small(margins=numbers([[0, 1]])),
        small(margins=numbers([[2, -1], [1, 1]])),
    ],
    "mode is REFLECT, SYMMETRIC.": [],
    "No side is padded with more elements than the input has to mirror: its extent, or one less with REFLECT.": [
        small(margins=numbers([[0, 1], [3, 0]])),
        small(margins=numbers([[2, 0], [1, 1]]), output=q(4, 5)),
        small(margins=numbers([[3, 0], [1, 1]]), output=q(5, 5), options={"mode": "SYMMETRIC"}),
    ],
    "The output shape follows from input and paddings.": [small(output=q(5, 3))],
}


def with_mode(number: int) -> bytes:
    """A mode that the schema does not have."""
    from ai_edge_litert import schema_py_generated as schema
    from models import pack

    made = schema.ModelT.InitFromPackedBuf(bytearray(small()), 0)
    made.subgraphs[0].operators[0].builtinOptions.mode = number
    return pack(made)


BROKEN["mode is REFLECT, SYMMETRIC."] = [with_mode(2)]


def test_every_rule_is_broken_here() -> None:
    assert_moves(small())
    assert_complete("MIRROR_PAD", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("MIRROR_PAD", rule, BROKEN[rule])
