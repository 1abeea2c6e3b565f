# SPDX-License-Identifier: Apache-2.0
"""SLICE and STRIDED_SLICE against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

Numbers = Sequence[int]


def numbers(values: Numbers) -> T:
    return constant(values, dtype="int32")


def slice_(shape: Numbers, begin: Numbers, size: Numbers) -> bytes:
    output = [n - b if s == -1 else s for n, b, s in zip(shape, begin, size, strict=True)]
    tensors = [T(tuple(shape), 0.5, 3), T(tuple(output), 0.5, 3), numbers(begin), numbers(size)]
    return model(tensors, [Op("SLICE", [0, 2, 3], [1])], [0], [1])


@dataclass(frozen=True)
class Strided:
    shape: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    strides: tuple[int, ...]
    begin_mask: int = 0
    end_mask: int = 0
    shrink_axis_mask: int = 0

    def output(self) -> tuple[int, ...]:
        """The shape, as numpy's indexing gives it."""
        return np.empty(self.shape, np.int8)[self.index()].shape

    def index(self) -> tuple[Any, ...]:
        def one(axis: int) -> Any:
            if self.shrink_axis_mask >> axis & 1:
                return self.begin[axis]
            begin = None if self.begin_mask >> axis & 1 else self.begin[axis]
            end = None if self.end_mask >> axis & 1 else self.end[axis]
            return slice(begin, end, self.strides[axis])

        return tuple(one(axis) for axis in range(len(self.shape)))

    def sound(self) -> bool:
        """Whether there is an output, and the elements of dropped axes exist."""
        dropped = [axis for axis in range(len(self.shape)) if self.shrink_axis_mask >> axis & 1]
        inside = all(-self.shape[axis] <= self.begin[axis] < self.shape[axis] for axis in dropped)
        plain = all(not self.begin_mask >> axis & 1 and self.strides[axis] > 0 for axis in dropped)
        return inside and plain and min(self.output(), default=1) > 0


def strided(case: Strided) -> bytes:
    tensors = [T(case.shape, 0.5, 3), T(case.output(), 0.5, 3), *map(numbers, (case.begin, case.end, case.strides))]
    masks = {name: getattr(case, name) for name in ("begin_mask", "end_mask", "shrink_axis_mask")}
    return model(tensors, [Op("STRIDED_SLICE", [0, 2, 3, 4], [1], masks)], [0], [1])


def stridings(rank: int) -> st.SearchStrategy[Strided]:
    several = [st.tuples(*[st.integers(low, high)] * rank) for low, high in ((1, 7), (-8, 8), (-9, 9))]
    steps = st.tuples(*[st.sampled_from((-3, -2, -1, 1, 2, 3))] * rank)
    mask = st.integers(0, (1 << rank) - 1)
    built = st.builds(Strided, several[0], several[1], several[2], steps, mask, mask, st.just(0) | mask)
    return built.filter(Strided.sound)


strideds = st.integers(1, 4).flatmap(stridings)


@st.composite
def slices(draw: st.DrawFn) -> bytes:
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    size = [draw(st.just(-1) | st.integers(1, n - b)) for n, b in zip(shape, begin, strict=True)]
    return slice_(shape, begin, size)


def has_code(data: bytes) -> bool:
    return planned(data).code_layers() != ()


@QUICK
@given(slices().filter(has_code) | strideds.map(strided).filter(has_code))
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(slices().filter(has_code) | strideds.map(strided).filter(has_code))
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


TRAPS = {
    "first_rows": slice_((4, 3, 2), (0, 0, 0), (2, 3, 2)),  # a view
    "middle": slice_((4, 3, 2), (1, 1, 0), (2, -1, 1)),
    "backwards": strided(Strided((1, 5, 3), (0, -1, -1), (1, -9, -9), (1, -1, -1))),
    "every_third_backwards": strided(Strided((8, 2), (7, 0), (0, 2), (-3, 1))),
    "one_element": strided(Strided((3, 4), (-1, 2), (0, 0), (1, 1), shrink_axis_mask=3)),
    "masked_ends": strided(Strided((5, 6), (3, 2), (1, 1), (1, -2), begin_mask=3, end_mask=3)),
    "one_dropped_axis": strided(Strided((3, 4, 2), (1, 0, 0), (2, 4, 2), (1, 1, 1), shrink_axis_mask=1)),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


def test_the_start_of_a_tensor_is_a_view() -> None:
    assert planned(TRAPS["first_rows"]).code_layers() == ()


def q(*shape: int, zero: int = 3) -> T:
    return T(shape, 0.5, zero)


def small(op: str, inputs: Numbers = (), *, given: tuple[int, ...] = (0,), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A part of [4,6] that is accepted, but for what is changed."""
    tensors = {"input": q(4, 6), "output": q(2, 3), "begin": numbers([1, 2]), "end": numbers([3, 5])}
    if op == "SLICE":
        tensors["end"] = numbers([2, 3])
    else:
        tensors["strides"] = numbers([1, 1])
    count = len(tensors)
    made = [*{**tensors, **changed}.values()]
    return model(made, [Op(op, inputs or [0, *range(2, count)], [1], options or {})], given, [1])


def constant_rule(op: str, name: str) -> list[bytes]:
    position = {"begin": 2, "end": 3, "strides": 4}[name]
    return [
        small(op, given=(0, position), **{name: q(2)}),
        small(op, **{name: constant([1, 2], 0.5)}),
        small(op, **{name: numbers([1, 2, 3])}),
    ]


NUMBERS = "The {} is a constant of int32 or int64, one number for each axis."


def moved(op: str) -> list[bytes]:
    return [small(op, input=q(4, 6, zero=128)), small(op, output=q(2, 3, zero=4)), small(op, output=T((2, 3), 0.25, 3))]


BROKEN = {
    "SLICE": {
        "It has 3 inputs and 1 outputs.": [small("SLICE", (0, 2))],
        NUMBERS.format("begin"): constant_rule("SLICE", "begin"),
        NUMBERS.format("size"): constant_rule("SLICE", "end"),
        MOVED: moved("SLICE"),
        "The part lies inside the input.": [
            small("SLICE", begin=numbers([3, 2])),
            small("SLICE", begin=numbers([-1, 2])),
            small("SLICE", end=numbers([0, 3])),
            small("SLICE", end=numbers([-2, 3])),
        ],
        "The output shape follows from input, begin and size.": [small("SLICE", output=q(3, 2))],
    },
    "STRIDED_SLICE": {
        "It has 4 inputs and 1 outputs.": [small("STRIDED_SLICE", (0, 2, 3))],
        NUMBERS.format("begin"): constant_rule("STRIDED_SLICE", "begin"),
        NUMBERS.format("end"): constant_rule("STRIDED_SLICE", "end"),
        NUMBERS.format("strides"): constant_rule("STRIDED_SLICE", "strides"),
        MOVED: moved("STRIDED_SLICE"),
        "ellipsis_mask and new_axis_mask are 0, and ends are counted from the start of the axis.": [
            small("STRIDED_SLICE", options={"ellipsis_mask": 1}),
            small("STRIDED_SLICE", options={"new_axis_mask": 2}),
            small("STRIDED_SLICE", options={"offset": True}),
        ],
        "No stride is 0, and an axis that the output drops has one above 0 and its element inside the input.": [
            small("STRIDED_SLICE", strides=numbers([-1, 1]), output=q(3), options={"shrink_axis_mask": 1}),
            small("STRIDED_SLICE", strides=numbers([0, 1])),
            small("STRIDED_SLICE", begin=numbers([4, 2]), output=q(3), options={"shrink_axis_mask": 1}),
        ],
        "The output shape follows from input, begin, end, strides and masks.": [
            small("STRIDED_SLICE", output=q(3, 2)),
            small("STRIDED_SLICE", begin=numbers([3, 2])),
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
