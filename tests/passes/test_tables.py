# SPDX-License-Identifier: Apache-2.0
"""Chains and gates of elementwise layers become one table with the same bytes; others stay."""

from __future__ import annotations

import numpy as np
import pytest
from host_c import planned
from models import Op, T, constant, model
from same import assert_same_bytes

from tinyq_deploy import weights
from tinyq_deploy.passes.tables import Tables

SHAPE = (1, 2, 128)
LOGISTIC, TANH = (1 / 256, -128), (1 / 128, 0)


def q(scale: float = 0.05, zero: int = -20, shape: tuple[int, ...] = SHAPE) -> T:
    return T(shape, scale, zero)


def one(value: int, scale: float = 0.05, zero: int = 3, shape: tuple[int, ...] = ()) -> T:
    return T(shape, scale, zero, data=np.full(shape, value, np.int8))


CHAIN = [q(), q(*LOGISTIC), q(*TANH)]
MODELS: dict[str, tuple[bytes, list[str], list[int]]] = {
    "two tables": (model(CHAIN, [Op("LOGISTIC", [0], [1]), Op("TANH", [1], [2])], [0], [2]), ["TABLE"], [0]),
    "swish": (
        model([q(), q(*LOGISTIC), q(0.04)], [Op("LOGISTIC", [0], [1]), Op("MUL", [0, 1], [2])], [0], [2]),
        ["TABLE"], [0],
    ),
    "hard swish by parts": (
        model(
            [q(), one(40), q(0.03, -128), one(127, 1 / 762, 0, (1,)), q(1 / 256, -128), q(0.04)],
            [Op("ADD", [0, 1], [2], {"fused_activation_function": "RELU6"}, 2), Op("MUL", [2, 3], [4]),
             Op("MUL", [4, 0], [5])], [0], [5],
        ), ["TABLE"], [0, 1],
    ),
    "a square": (model([q(), q()], [Op("MUL", [0, 0], [1])], [0], [1]), ["TABLE"], []),
    "a difference from one constant": (
        model([q(), one(-7), q()], [Op("SUB", [1, 0], [2])], [0], [2]), ["TABLE"], []
    ),
    "read by another too": (
        model([q(), q(*LOGISTIC), q(*TANH), q()],
              [Op("LOGISTIC", [0], [1]), Op("TANH", [1], [2]), Op("ADD", [1, 2], [3], {}, 2)], [0], [3]),
        ["TABLE"], [0, 1],
    ),
    "the middle is an output": (
        model(CHAIN, [Op("LOGISTIC", [0], [1]), Op("TANH", [1], [2])], [0], [1, 2]), ["LOGISTIC", "TANH"], []
    ),
    "one table alone": (model(CHAIN[:2], [Op("LOGISTIC", [0], [1])], [0], [1]), ["LOGISTIC"], []),
    "two sources": (
        model([q(), q(), q(*LOGISTIC), q()], [Op("LOGISTIC", [1], [2]), Op("MUL", [0, 2], [3])], [0, 1], [3]),
        ["LOGISTIC", "MUL"], [],
    ),
    "other scales on the way": (
        model([q(), q(0.1, 4), q(0.3, -9), q(*LOGISTIC)],
              [Op("QUANTIZE", [0], [1]), Op("QUANTIZE", [1], [2]), Op("LOGISTIC", [2], [3])], [0], [3]),
        ["TABLE"], [0, 1],
    ),
    "uint8 enters": (
        model([T(SHAPE, 0.05, 120, "uint8"), q(), q(*LOGISTIC)], [Op("QUANTIZE", [0], [1]), Op("LOGISTIC", [1], [2])],
              [0], [2]), ["TABLE"], [0],
    ),
    "uint8 leaves": (
        model([q(), q(*LOGISTIC), T(SHAPE, 1 / 256, 0, "uint8")],
              [Op("LOGISTIC", [0], [1]), Op("QUANTIZE", [1], [2])], [0], [2]), ["TABLE"], [0],
    ),
    "real values enter": (
        model([T(SHAPE, dtype="float32"), q(), q(*LOGISTIC)], [Op("QUANTIZE", [0], [1]), Op("LOGISTIC", [1], [2])],
              [0], [2]), ["QUANTIZE", "LOGISTIC"], [],
    ),
    "a threshold": (
        model([q(), one(9), T(SHAPE, dtype="bool"), one(0, 0.05, -20), q()],
              [Op("GREATER", [0, 1], [2]), Op("SELECT_V2", [2, 0, 3], [4])], [0], [4]), ["TABLE"], [0],
    ),
    "where it is not above one constant": (
        model([q(), one(9), T(SHAPE, dtype="bool"), T(SHAPE, dtype="bool")],
              [Op("GREATER", [0, 1], [2]), Op("LOGICAL_NOT", [2], [3])], [0], [3]), ["TABLE"], [0],
    ),
    "a quotient by one constant": (model([q(), one(-7), q(0.001)], [Op("DIV", [0, 1], [2])], [0], [2]), ["TABLE"], []),
    "a choice along the first dimension": (
        model([T((3,), dtype="bool"), *(q(shape=(3, 3)) for _ in range(2)), q(shape=(3, 3))],
              [Op("LEAKY_RELU", [1], [2], {"alpha": 0.1}), Op("SELECT", [0, 1, 2], [3])], [0, 1], [3]),
        ["LEAKY_RELU", "SELECT"], [],
    ),
    "a constant per channel": (
        model([q(), constant(np.arange(128), 0.05), q()], [Op("MUL", [0, 1], [2])], [0], [2]), ["MUL"], []
    ),
    "a constant of higher rank": (
        model([q(shape=(2, 3)), one(5, shape=(1, 1, 1)), q(shape=(1, 2, 3))], [Op("MUL", [0, 1], [2])], [0], [2]),
        ["MUL"], [],
    ),
    "a tensor that broadcasts against itself": (
        model([q(shape=(4, 1)), q(*LOGISTIC, shape=(4, 1)), q(shape=(1, 4)), q(shape=(4, 4))],
              [Op("LOGISTIC", [0], [1]), Op("RESHAPE", [0], [2]), Op("ADD", [0, 2], [3], {}, 2)], [0], [3]),
        ["LOGISTIC", "RESHAPE", "ADD"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_it_becomes_one_table_or_stays(name: str) -> None:
    data, ops, removed = MODELS[name]
    kind = "litert" if "first dimension" in name else "tflite-micro"
    graph, report = assert_same_bytes(data, Tables(), kind)
    assert [node.op for node in graph.nodes] == ops
    assert [index for index, _ in report.removed] == removed
    assert bool(report.made) == ("TABLE" in ops)


def test_the_line_names_the_layers() -> None:
    _, report = assert_same_bytes(MODELS["two tables"][0], Tables())
    assert report.line == "tables made of 1 TANH, without 0 LOGISTIC"
    _, report = assert_same_bytes(MODELS["one table alone"][0], Tables())
    assert report.line == "tables made of none"


def test_equal_tables_are_stored_once() -> None:
    shape = (1, 8)
    tensors = [q(shape=shape), q(shape=shape), q(*LOGISTIC, shape=shape), q(*LOGISTIC, shape=shape), q(0.01, 0, shape)]
    ops = [Op("LOGISTIC", [0], [2]), Op("LOGISTIC", [1], [3]), Op("ADD", [2, 3], [4], {}, 2)]
    arrays = weights.collect(planned(model(tensors, ops, [0, 1], [4]))).arrays
    assert [array.values.size for array in arrays] == [256]
    assert len(arrays[0].users) == 2
