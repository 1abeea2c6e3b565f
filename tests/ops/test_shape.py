# SPDX-License-Identifier: Apache-2.0
"""Shape arithmetic is computed as a model is read, and nothing of it is left for the target; SHAPE's rules, broken."""

from __future__ import annotations

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from exact import assert_models_exact
from models import Op, T, constant, model

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.passes.constants import ConstantLayers
from tinyq_deploy.read import read


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


def number(*values: int) -> T:
    return constant(values, dtype="int32")


def flatten_and_back(begin: int = 0) -> bytes:
    """[2,6] -> [2,3,2], the 2 taken from the input's own shape, as converters write a Reshape layer."""
    tensors = [
        q(2, 6), T((2,), dtype="int32"), T((), dtype="int32"), T((3,), dtype="int32"), q(2, 3, 2),
        number(begin), number(begin + 1), number(1), constant(3, dtype="int32"), constant(2, dtype="int32"),
    ]  # fmt: skip
    ops = [
        Op("SHAPE", [0], [1], {"out_type": 2}),
        Op("STRIDED_SLICE", [1, 5, 6, 7], [2], {"shrink_axis_mask": 1}),
        Op("PACK", [2, 8, 9], [3], {"values_count": 3, "axis": 0}),
        Op("RESHAPE", [0, 3], [4]),
    ]
    return model(tensors, ops, [0], [4])


def test_a_computed_shape_is_a_constant() -> None:
    graph = read(flatten_and_back(), "x")
    check(graph)
    assert [(node.index, node.op) for node in graph.nodes] == [(3, "RESHAPE")]
    assert [node.op for node in graph.shape_nodes] == ["SHAPE", "STRIDED_SLICE", "PACK"]
    assert np.asarray(graph.tensors[3].data).tolist() == [2, 3, 2]
    assert_models_exact({"shape": flatten_and_back()})


def test_the_report_says_what_was_computed() -> None:
    graph = read(flatten_and_back(), "x")
    after, report = ConstantLayers().run(graph)
    assert after is graph
    assert report.line == "constant layers: layer 0 SHAPE, layer 1 STRIDED_SLICE, layer 2 PACK"


def test_a_broken_node_is_left_to_the_check() -> None:
    graph = read(flatten_and_back(begin=7), "x")
    assert [node.op for node in graph.shape_nodes] == ["SHAPE"]
    with pytest.raises(ModelError, match="STRIDED_SLICE: No stride is 0"):
        check(graph)


def test_a_tensor_that_is_written_twice_is_left_to_the_check() -> None:
    tensors = [q(2, 6), T((2,), dtype="int32"), q(12)]
    ops = [Op("SHAPE", [0], [1]), Op("SHAPE", [0], [1]), Op("RESHAPE", [0, 1], [2])]
    with pytest.raises(ModelError, match="written once"):
        check(read(model(tensors, ops, [0], [2]), "x"))


def test_numbers_that_are_not_known_are_refused() -> None:
    """int32 may be moved where it is constant alone; here it comes from a SHAPE that is not sound."""
    tensors = [q(2, 6), T((3,), dtype="int32"), T((3,), dtype="int32"), q(12)]
    ops = [Op("SHAPE", [0], [1]), Op("RESHAPE", [1], [2]), Op("RESHAPE", [0, 2], [3])]
    with pytest.raises(ModelError) as caught:
        check(read(model(tensors, ops, [0], [3]), "x"))
    assert "entry for each axis" in str(caught.value)
    assert "computed at run time" in str(caught.value)


def test_a_long_chain_of_shapes_is_folded() -> None:
    count = 4000
    tensors = [q(4), *(T((1,), dtype="int32") for _ in range(count)), q(4)]
    chain = [Op("SHAPE", [0], [1]), *(Op("RESHAPE", [i], [i + 1]) for i in range(1, count))]
    graph = read(model(tensors, [*chain, Op("RESHAPE", [0, count], [count + 1])], [0], [count + 1]), "x")
    assert len(graph.shape_nodes) == count


def small(inputs: list[int], shape: tuple[int, ...] = (1,)) -> bytes:
    ops = [Op("SHAPE", inputs, [1]), Op("RESHAPE", [0], [2])]
    return model([q(2), T(shape, dtype="int32"), q(2)], ops, [0], [2])


BROKEN = {
    "It has 1 inputs and 1 outputs.": [small([0, 0])],
    "The output is a vector of int32 or int64 with an entry for each axis of the input.": [
        small([0], (2,)),
        small([0], (1, 1)),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert len(read(small([0]), "x").shape_nodes) == 1
    assert_complete("SHAPE", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("SHAPE", rule, BROKEN[rule])
