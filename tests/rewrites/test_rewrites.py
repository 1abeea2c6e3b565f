# SPDX-License-Identifier: Apache-2.0
"""Rewrites of float models: other operators, the same values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from models import Op, T, constant, model

from tinyq_deploy.dataset import Dataset
from tinyq_deploy.flatbuffer import graph_of, op_name, parse
from tinyq_deploy.quantize import quantize
from tinyq_deploy.quantizers import Precision
from tinyq_deploy.recipe import Recipe
from tinyq_deploy.rewrites import rewritten
from tinyq_deploy.runtimes import find_runtime

SHAPE = (1, 4, 6)


def real(shape: Sequence[int] = SHAPE) -> T:
    return T(tuple(shape), None, dtype="float32")


def run(data: bytes, x: Any) -> list[Any]:
    interpreter = find_runtime().open(data)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def names(data: bytes) -> Counter[str]:
    tree = parse(data, "test")
    return Counter(op_name(tree, node) for node in graph_of(tree).operators)


def same(data: bytes, precision: Precision = "int8", tolerance: float = 0.0) -> Counter[str]:
    """The operators after the rewrites, whose outputs are the same."""
    x = np.random.default_rng(3).normal(0, 3, SHAPE).astype(np.float32)
    after = rewritten(data, precision, "test")
    for before, now in zip(run(data, x), run(after, x), strict=True):
        np.testing.assert_allclose(now, before, rtol=tolerance, atol=tolerance)
    return names(after)


def split(outputs: Sequence[int]) -> bytes:
    parts = [real((1, 4, 2)) for _ in range(3)]
    axis = constant(np.array(-1), dtype="int32")
    return model([real(), axis, *parts], [Op("SPLIT", [1, 0], [2, 3, 4], {"num_splits": 3})], [0], outputs)


def test_a_part_that_nobody_reads_goes() -> None:
    assert same(split([2, 4])) == {"STRIDED_SLICE": 2}
    assert same(split([2, 3, 4])) == {"SPLIT": 1}


def test_unread_parts_of_split_v_and_unpack_go() -> None:
    sizes, axis = constant([1, 3, 2], dtype="int32"), constant(np.array(2), dtype="int32")
    parts = [real((1, 4, n)) for n in (1, 3, 2)]
    uneven = [Op("SPLIT_V", [0, 1, 2], [3, 4, 5], {"num_splits": 3})]
    assert same(model([real(), sizes, axis, *parts], uneven, [0], [4])) == {"STRIDED_SLICE": 1}
    steps = [real((1, 6)) for _ in range(4)]
    unpack = [Op("UNPACK", [0], [1, 2, 3, 4], {"num": 4, "axis": 1})]
    assert same(model([real(), *steps], unpack, [0], [4])) == {"STRIDED_SLICE": 1}


def test_a_sum_with_a_negation_is_a_difference() -> None:
    tensors = [real(), real(), real(), real()]
    ops = [Op("EXP", [0], [1]), Op("NEG", [1], [2]), Op("ADD", [2, 0], [3], {"fused_activation_function": "RELU"})]
    assert same(model(tensors, ops, [0], [3])) == {"EXP": 1, "SUB": 1}


@pytest.mark.parametrize("outputs", [[1], [1, 2]])
def test_another_negation_is_a_product(outputs: list[int]) -> None:
    ops = [Op("NEG", [0], [1]), Op("ADD", [1, 1], [2], {"fused_activation_function": "NONE"})]
    assert same(model([real(), real(), real()], ops, [0], outputs)) == {"MUL": 1, "ADD": 1}


def test_hard_swish_beside_int16_is_made_of_products() -> None:
    data = model([real(), real()], [Op("HARD_SWISH", [0], [1])], [0], [1])
    assert same(data) == {"HARD_SWISH": 1}
    assert same(data, "int16x8", 1e-6) == {"ADD": 1, "MUL": 2}


def dense_twice(bias: Any) -> bytes:
    """Two fully connected layers of unlike scales that share a bias."""
    weights = [constant(np.eye(6) * factor, dtype="float32") for factor in (0.1, 20.0)]
    tensors = [real((1, 6)), *weights, constant(bias, dtype="float32"), real((1, 6)), real((1, 6))]
    ops = [Op("FULLY_CONNECTED", [0, 1, 3], [4]), Op("FULLY_CONNECTED", [4, 2, 3], [5])]
    return model(tensors, ops, [0], [5])


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_shared_biases_are_quantised_for_each_reader(precision: Precision, tmp_path: Any) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(dense_twice(np.full(6, 0.5)))
    x = np.random.default_rng(1).uniform(-1, 1, (32, 6)).astype(np.float32)
    tree = parse(quantize(path, Dataset((x,)), Recipe(precision=precision)).tflite, "test")
    first, second = (int(node.inputs[2]) for node in graph_of(tree).operators)
    assert first != second
    biases = [graph_of(tree).tensors[index].quantization.scale[0] for index in (first, second)]
    assert biases[1] > 2 * biases[0]
