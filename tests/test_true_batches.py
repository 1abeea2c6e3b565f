# SPDX-License-Identifier: Apache-2.0
"""Batches behind SPACE_TO_BATCH_ND are found where a file does not state them, and left alone where it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import Op, T, constant, model

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.graph import Graph
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.read import read
from tinyq_deploy.true_batches import with_true_batches


def images(images: int, *, outputs: tuple[int, ...] = (3,), block: T | None = None) -> bytes:
    """[1,4,6,2] as 2x2 images, a maximum with themselves, and back."""
    inside = (images, 2, 3, 2)
    none = constant([[0, 0], [0, 0]], dtype="int32")
    tensors = [
        T((1, 4, 6, 2), 0.5, 3), T(inside, 0.5, 3), T(inside, 0.5, 3), T((1, 4, 6, 2), 0.5, 3),
        constant([2, 2], dtype="int32") if block is None else block, none,
    ]  # fmt: skip
    ops = [
        Op("SPACE_TO_BATCH_ND", [0, 4, 5], [1]), Op("MAXIMUM", [1, 1], [2]), Op("BATCH_TO_SPACE_ND", [2, 4, 5], [3]),
    ]  # fmt: skip
    given = [0] if block is None or block.data is not None else [0, 4]
    return model(tensors, ops, given, list(outputs))


def shapes(graph: Graph) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in graph.tensors[:4]]


def test_batches_that_are_not_stated_are_found() -> None:
    assert shapes(read(images(1), "x")) == shapes(read(images(4), "x"))
    check(read(images(1), "x"))


def test_stated_batches_stay() -> None:
    graph = read(images(4), "x")
    assert with_true_batches(graph) is graph


def test_outputs_keep_the_shape_that_users_see() -> None:
    graph = read(images(1, outputs=(2, 3)), "x")
    assert shapes(graph)[1] == (1, 2, 3, 2)
    with pytest.raises(ModelError, match="The output shape follows from input, block shape and paddings"):
        check(graph)


@pytest.mark.parametrize("block", [T((2,), None, 0, "int32"), constant([0, 0], dtype="int32"),
                                   constant([1 << 20, 1 << 20], dtype="int32")])  # fmt: skip
def test_blocks_that_are_unknown_or_senseless_change_nothing(block: T) -> None:
    assert shapes(read(images(1, block=block), "x"))[1] == (1, 2, 3, 2)


def test_damaged_nodes_change_nothing() -> None:
    graph = read(images(4), "x")
    broken = [replace(graph.nodes[0], inputs=inputs) for inputs in ((), (0,), (0, -1, 5))]
    for node in (*broken, replace(graph.nodes[0], outputs=())):
        damaged = replace(graph, nodes=(node, *graph.nodes[1:]))
        assert with_true_batches(damaged).tensors[1].shape == (4, 2, 3, 2)


def test_the_oracle_pads_with_litert_alone() -> None:
    pytest.importorskip("tflite_micro")
    values = bytes(range(48))
    with open_oracle(images(1)) as oracle:
        assert "tflite-micro" in oracle.name
        assert oracle.name.endswith("SPACE_TO_BATCH_ND")
        assert oracle.note == "tflite-micro leaves unset what SPACE_TO_BATCH_ND pads with"
        (found,) = oracle.run([np.frombuffer(values, np.int8).reshape(1, 4, 6, 2)])
    assert found == values
