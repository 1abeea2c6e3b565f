# SPDX-License-Identifier: Apache-2.0
"""SPLIT, SPLIT_V and UNPACK against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

Shape = tuple[int, ...]


def number(value: int) -> T:
    return constant(value, dtype="int32")


def split(op: str, before: Shape, sizes: Sequence[int], behind: Shape, axis: int) -> bytes:
    """The node that cuts [*before, sum(sizes), *behind] into parts of `sizes`; entries for UNPACK."""
    shape = (*before, sum(sizes), *behind)
    if op == "UNPACK":
        parts = [T((*before, *behind), 0.5, 3) for _ in sizes]
    else:
        parts = [T((*before, size, *behind), 0.5, 3) for size in sizes]
    outputs = list(range(3, 3 + len(sizes)))
    tensors = [T(shape, 0.5, 3), number(axis), constant(sizes, dtype="int32"), *parts]
    inputs = {"SPLIT": [1, 0], "SPLIT_V": [0, 2, 1], "UNPACK": [0]}[op]
    options = {"axis": axis, "num": len(sizes)} if op == "UNPACK" else {"num_splits": len(sizes)}
    return model(tensors, [Op(op, inputs, outputs, options)], [0], outputs)


@st.composite
def splits(draw: st.DrawFn) -> bytes:
    op = draw(st.sampled_from(("SPLIT", "SPLIT_V", "UNPACK")))
    before, behind = (tuple(draw(st.lists(st.integers(1, 4), max_size=2))) for _ in range(2))
    count = draw(st.integers(2, 10))
    sizes = {
        "SPLIT": [draw(st.integers(1, 3))] * count,
        "SPLIT_V": [draw(st.integers(1, 4)) for _ in range(count)],
        "UNPACK": [1] * count,
    }[op]
    rank = len(before) + 1 + len(behind)
    return split(op, before, sizes, behind, draw(st.sampled_from((len(before), len(before) - rank))))


@QUICK
@given(splits())
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(splits())
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


TRAPS = {
    "channels": split("SPLIT", (1, 2, 3), (4, 4), (), -1),
    "rows": split("SPLIT_V", (1,), (1, 3), (2, 2), 1),
    "entries": split("UNPACK", (2,), (1, 1, 1), (3,), 1),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


@pytest.mark.parametrize("op", ["SPLIT", "SPLIT_V", "UNPACK"])
def test_a_single_output_is_a_view(op: str) -> None:
    assert planned(split(op, (2,), (1,), (3,), 1)).code_layers() == ()


@pytest.mark.parametrize("op", ["SPLIT", "SPLIT_V", "UNPACK"])
@pytest.mark.parametrize("count", [10, 11, 60])
def test_any_number_of_outputs_is_cut(op: str, count: int) -> None:
    sizes = [1 + i % 3 for i in range(count)] if op == "SPLIT_V" else [1] * count
    assert_kernel_exact(split(op, (2,), sizes, (3,), 1))


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_generated_c_cuts_and_joins_many_parts(optimize: str) -> None:
    """The entries of an axis in the order 11, 1, 2, ... 10, 0."""
    parts = [q(2, 3) for _ in range(12)]
    order = [14, *range(4, 14), 3]
    ops = [
        Op("UNPACK", [0], list(range(3, 15)), {"axis": 1, "num": 12}),
        Op("PACK", order, [1], {"axis": 1, "values_count": 12}),
    ]
    data = model([q(2, 12, 3), q(2, 12, 3), number(0), *parts], ops, [0], [1])
    assert_models_exact({"many": data}, optimize=optimize)


def q(*shape: int, zero: int = 3, scale: float = 0.5) -> T:
    return T(shape, scale, zero)


INPUTS = {"SPLIT": (3, 0), "SPLIT_V": (0, 4, 3), "UNPACK": (0,)}


def small(op: str, inputs: Sequence[int] = (), *, outputs: Sequence[int] = (1, 2), given: tuple[int, ...] = (0,),
          options: dict[str, Any] | None = None, **changed: T) -> bytes:  # fmt: skip
    """A [2,3] cut into its two rows; accepted, but for what is changed."""
    part = q(3) if op == "UNPACK" else q(1, 3)
    tensors = {
        "input": q(2, 3), "first": part, "second": part, "axis": number(0),
        "sizes": constant([1, 1], dtype="int32"), **changed,
    }  # fmt: skip
    counts = {"num": len(outputs)} if op == "UNPACK" else {"num_splits": len(outputs)}
    node = Op(op, inputs or INPUTS[op], outputs, {**counts, **(options or {})})
    return model([*tensors.values()], [node], given, list(dict.fromkeys(outputs)) or [1])


def moved(op: str) -> list[bytes]:
    part = (3,) if op == "UNPACK" else (1, 3)
    return [
        small(op, second=q(*part, zero=4)),
        small(op, second=q(*part, scale=0.25)),
        small(op, input=q(2, 3, zero=128)),
    ]


ONE_NUMBER = "The axis is one constant number."
EXISTS = "The axis is one of the input's."
FITTING = "Input and outputs have equal extents along every other axis, and those of the outputs along the axis add up."


def one_number(op: str) -> list[bytes]:
    return [
        small(op, axis=constant([0, 0], dtype="int32")),
        small(op, axis=constant(0, 0.5)),
        small(op, given=(0, 3), axis=q(1)),
    ]


def no_axis(op: str) -> list[bytes]:
    return [small(op, axis=number(value)) for value in (2, -3)]


BROKEN = {
    "SPLIT": {
        "It has 2 inputs and at least 1 output.": [small("SPLIT", (3,)), small("SPLIT", (3, 0, 0))],
        ONE_NUMBER: one_number("SPLIT"),
        MOVED: moved("SPLIT"),
        EXISTS: no_axis("SPLIT"),
        "All outputs have one shape.": [small("SPLIT", second=q(2, 3))],
        FITTING: [small("SPLIT", input=q(3, 3)), small("SPLIT", input=q(2, 4)), small("SPLIT", axis=number(1))],
    },
    "SPLIT_V": {
        "It has 3 inputs and at least 1 output.": [small("SPLIT_V", (0, 4)), small("SPLIT_V", (0, -1, 3))],
        ONE_NUMBER: one_number("SPLIT_V"),
        MOVED: moved("SPLIT_V"),
        EXISTS: no_axis("SPLIT_V"),
        FITTING: [small("SPLIT_V", input=q(3, 3)), small("SPLIT_V", second=q(3)), small("SPLIT_V", second=q(2, 3))],
    },
    "UNPACK": {
        "It has 1 inputs and at least 1 output.": [small("UNPACK", (0, 3))],
        MOVED: moved("UNPACK"),
        EXISTS: [small("UNPACK", options={"axis": axis}) for axis in (2, -3)],
        "There is an output for each entry of the axis, of the input's shape without it.": [
            small("UNPACK", outputs=[1]),
            small("UNPACK", second=q(1, 3)),
            small("UNPACK", input=q(2, 4)),
        ],
    },
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
