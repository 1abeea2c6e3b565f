# SPDX-License-Identifier: Apache-2.0
"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT against the oracle, byte for byte; broken rules."""

from __future__ import annotations

import numpy as np
import pytest
from binary_cases import BROADCASTS_4
from broken import BROADCAST_4, assert_complete, assert_refused
from exact import assert_kernel_exact, assert_models_exact
from models import Op, T, model

OPS = ("LOGICAL_AND", "LOGICAL_OR")
SHAPES = {name: case.shapes for name, case in BROADCASTS_4.items()}


def pair(op: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], known: bool = False) -> bytes:
    """One node; its second input is a constant where `known`."""
    tensors = [T(shape, dtype="bool") for shape in (*shapes, np.broadcast_shapes(*shapes))]
    if known:
        values = np.random.default_rng(1).integers(0, 2, shapes[1]).astype(np.bool_)
        tensors[1] = T(shapes[1], dtype="bool", data=values)
    return model(tensors, [Op(op, [0, 1], [2])], [0] if known else [0, 1], [2])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", SHAPES)
def test_it_computes_what_the_oracle_does(op: str, name: str) -> None:
    assert_kernel_exact(pair(op, SHAPES[name]))
    assert_kernel_exact(pair(op, SHAPES[name], known=True))


def negation(shape: tuple[int, ...] = (2, 3), inputs: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """One LOGICAL_NOT, accepted but for what is changed."""
    tensors = {"input": T(shape, dtype="bool"), "output": T(shape, dtype="bool"), **changed}
    return model([*tensors.values()], [Op("LOGICAL_NOT", inputs, [1])], [0], [1])


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    models = {f"{op.lower()}_{name}": pair(op, SHAPES[name]) for op in OPS for name in ("gate", "seven_equal", "outer")}
    models |= {f"not_{len(shape)}": negation(shape) for shape in ((), (7,), (2, 3, 1, 2, 2))}
    assert_models_exact({**models, "known": pair("LOGICAL_AND", SHAPES["gate"], known=True)}, optimize=optimize)


def small(op: str, inputs: tuple[int, ...] = (0, 1), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed."""
    tensors = {name: T((1, 4), dtype="bool") for name in ("first", "second", "output")}
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [2])], [0, 1], [2])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 1, 1))],
        "Inputs and output are bool.": [small(op, second=T((1, 4), 0.5)), small(op, output=T((1, 4), 0.5))],
        BROADCAST_4: [
            small(op, second=T((1, 3), dtype="bool")),
            small(op, first=T((2, 1, 2, 1, 4), dtype="bool"), output=T((2, 1, 2, 1, 4), dtype="bool")),
        ],
    }


KNOWN = T((2, 3), dtype="bool", data=np.ones((2, 3), np.bool_))
BROKEN = {
    **{op: broken(op) for op in OPS},
    "LOGICAL_NOT": {
        "It has 1 inputs and 1 outputs.": [negation(inputs=(0, 0))],
        "The input is computed at run time.": [negation(inputs=(2,), known=KNOWN)],
        "Input and output are bool.": [negation(output=T((2, 3), 0.5))],
        "Input and output have the same shape.": [negation(output=T((6,), dtype="bool"))],
    },
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(negation() if op == "LOGICAL_NOT" else small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
