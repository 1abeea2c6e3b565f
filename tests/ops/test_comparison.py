# SPDX-License-Identifier: Apache-2.0
"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL against the oracle, byte for byte; broken rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from binary_cases import BROADCASTS_4, Pair, pair_model, pairs, shape_pairs
from broken import BROADCAST_4, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

BOTH = ("EQUAL", "NOT_EQUAL")
OPS = (*BOTH, "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
BOOL = T((), dtype="bool")

scales = st.sampled_from((2.0**-8, 2.0**-9, 1 - 2.0**-24, 1e-6, 1e-12, 0.0931)) | st.floats(
    2.0**-12, 0.984375, width=32
)
nodes = pairs(
    st.tuples(scales, scales, st.just(1.0)) | scales.map(lambda scale: (scale, scale, 1.0)), shapes=shape_pairs(4)
)


def comparison(op: str, case: Pair) -> bytes:
    """The .tflite of one comparison."""
    return pair_model(op, case, output=BOOL)


@QUICK
@given(nodes, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does(case: Pair, op: str) -> None:
    assert_kernel_exact(comparison(op, case))


@pytest.mark.exhaustive
@THOROUGH
@given(nodes, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair, op: str) -> None:
    assert_kernel_exact(comparison(op, case))


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("zeros", [(-128, 127, 0), (3, 3, 0)])
@pytest.mark.parametrize("factors", [(0.031, 0.031), (0.0017, 0.9), (1e-3, 1.1e-3), (0.004, 0.002)])
def test_every_pair_of_values_is_exact(op: str, zeros: tuple[int, int, int], factors: tuple[float, float]) -> None:
    data = comparison(op, Pair(((256, 1), (1, 256)), (*factors, 1.0), zeros))
    values = np.arange(-128, 128, dtype=np.int8)
    assert_kernel_exact(data, [[values.reshape(256, 1), values.reshape(1, 256)]])
    assert_values_exact(data)


BASE = Pair(scales=(0.05, 0.01, 1.0))
TRAPS = {
    "constant_first": replace(BASE, constant=0),
    "constant_second": replace(BASE, constant=1),
    "same": replace(BASE, scales=(0.002, 0.002, 1.0), zeros=(5, 5, 0)),
    **{name: replace(case, scales=BASE.scales) for name, case in BROADCASTS_4.items()},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    several = {
        f"{op.lower()}_{name}": comparison(op, TRAPS[name]) for op in OPS for name in ("constant_second", "gate")
    }
    models = {name: comparison("GREATER", case) for name, case in TRAPS.items()}
    assert_models_exact({**models, **several}, optimize=optimize)


@pytest.mark.parametrize("op", BOTH)
@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (1, 4)), ((5, 1), (1, 7))])
def test_bool_is_compared(op: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    tensors = [T(shape, dtype="bool") for shape in (*shapes, np.broadcast_shapes(*shapes))]
    assert_kernel_exact(model(tensors, [Op(op, [0, 1], [2])], [0, 1], [2]))


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), dtype="bool")}


def small(op: str, inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), **changed: T) -> bytes:
    """A comparison that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op(op, inputs, [2])], given, [2])


def broken(op: str) -> dict[str, list[bytes]]:
    types = "Both inputs are int8, quantised as a whole, zero point in -128..127"
    kinds: dict[str, Any] = {"first": T((1, 4), dtype="bool"), "second": T((1, 4), dtype="bool")}
    bad = [
        small(op, first=T((1, 4), 0.5, 128)),
        small(op, given=(0,), second=constant([[1, 2, 3, 4]], [0.25] * 4)),
        small(op, output=T((1, 4), 0.5)),
        small(op, second=kinds["second"]),
        small(op, **(kinds if op not in BOTH else {"first": kinds["first"]})),
    ]
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 1, 1))],
        f"{types}, or both bool; the output is bool." if op in BOTH else f"{types}; the output is bool.": bad,
        BROADCAST_4: [
            small(op, second=T((1, 3), 0.5)),
            small(op, output=T((2, 4), dtype="bool")),
            small(op, first=T((2, 1, 2, 1, 4), 0.5), output=T((2, 1, 2, 1, 4), dtype="bool")),
        ],
        "The scales of int8 inputs are below 1.": [small(op, first=T((1, 4), 1.0)), small(op, second=T((1, 4), 1.5))],
    }


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op))
    assert_complete(op, broken(op))


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in OPS for rule in broken(op)])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, broken(op)[rule])
