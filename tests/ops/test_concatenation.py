# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION and PACK against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
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

Shape = tuple[int, ...]


def joined(op: str, shapes: Sequence[Shape], axis: int, fixed: int | None = None) -> bytes:
    """The node on inputs of these shapes; the one at `fixed` is a constant."""
    parts = [np.empty(shape, np.int8) for shape in shapes]
    output = (np.concatenate(parts, axis) if op == "CONCATENATION" else np.stack(parts, axis)).shape
    tensors = [T(shape, 0.5, 3) for shape in shapes]
    if fixed is not None:
        tensors[fixed] = constant(np.arange(parts[fixed].size).reshape(shapes[fixed]) - 7, 0.5, zero_point=3)
    tensors.append(T(output, 0.5, 3))
    inputs, count = list(range(len(shapes))), len(shapes)
    options = {"axis": axis} if op == "CONCATENATION" else {"axis": axis, "values_count": count}
    return model(tensors, [Op(op, inputs, [count], options)], [i for i in inputs if i != fixed], [count])


@st.composite
def concatenations(draw: st.DrawFn) -> bytes:
    rest = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
    at = draw(st.integers(0, len(rest)))
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=10))
    shapes = [(*rest[:at], size, *rest[at:]) for size in sizes]
    return joined(
        "CONCATENATION", shapes, draw(st.sampled_from((at, at - len(rest) - 1))), draw(st.none() | st.just(0))
    )


@st.composite
def packs(draw: st.DrawFn) -> bytes:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=0, max_size=3)))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    return joined("PACK", [shape] * draw(st.integers(2, 10)), axis, draw(st.none() | st.just(1)))


@QUICK
@given(concatenations() | packs())
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(concatenations() | packs())
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


TRAPS = {
    "channels": joined("CONCATENATION", [(1, 3, 3, 2), (1, 3, 3, 5), (1, 3, 3, 1)], 3),
    "rows": joined("CONCATENATION", [(1, 3, 2, 2), (1, 1, 2, 2)], 1),
    "with_a_constant": joined("CONCATENATION", [(2, 3), (2, 4)], -1, fixed=1),
    "entries": joined("PACK", [(2, 3)] * 3, 1),
    "new_last_axis": joined("PACK", [(2, 3)] * 2, -1),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


@pytest.mark.parametrize("op", ["CONCATENATION", "PACK"])
def test_a_single_input_is_a_view(op: str) -> None:
    assert planned(joined(op, [(2, 3)], 0)).code_layers() == ()


@pytest.mark.parametrize("count", [10, 11, 60])
def test_any_number_of_inputs_is_joined(count: int) -> None:
    """tflite-micro concatenates 10; LiteRT takes more."""
    shapes = [(2, 1 + i % 3, 2) for i in range(count)]
    assert_kernel_exact(joined("CONCATENATION", shapes, 1, fixed=2), kind="litert")
    assert_kernel_exact(joined("PACK", [(2, 3)] * count, 1, fixed=2))


def q(*shape: int, zero: int = 3, scale: float = 0.5) -> T:
    return T(shape, scale, zero)


def small(op: str, inputs: tuple[int, ...] = (0, 1), *, options: dict[str, Any] | None = None, **changed: T) -> bytes:
    """Two [2,3] as one tensor; accepted, but for what is changed."""
    output = q(4, 3) if op == "CONCATENATION" else q(2, 2, 3)
    tensors = {"first": q(2, 3), "second": q(2, 3), "output": output, **changed}
    return model([*tensors.values()], [Op(op, inputs, [2], options or {})], [0, 1], [2])


def broken(op: str, fitting: str) -> dict[str, list[bytes]]:
    rank = 2 if op == "CONCATENATION" else 3
    return {
        "It has inputs, of which none is left out, and 1 output.": [small(op, ()), small(op, (0, -1))],
        MOVED: [
            small(op, second=q(2, 3, zero=4)),
            small(op, second=q(2, 3, scale=0.25)),
            small(op, second=q(2, 3, zero=200)),
        ],
        "The axis is one of the output's.": [small(op, options={"axis": axis}) for axis in (rank, -rank - 1)],
        fitting: [small(op, output=q(3, 4)), small(op, second=q(2, 4)), small(op, second=q(1, 2, 3))],
    }


EXTENTS = "Inputs and output have equal extents along every other axis, and those along the axis add up."
ALIKE = "The inputs have one shape, and the output that shape with the number of inputs as a new axis."
BROKEN = {
    "CONCATENATION": {
        **broken("CONCATENATION", EXTENTS),
        "fused activation function is NONE.": [small("CONCATENATION", options={"fused_activation_function": "RELU"})],
    },
    "PACK": {**broken("PACK", ALIKE)},
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    planned(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
