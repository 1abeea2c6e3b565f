# SPDX-License-Identifier: Apache-2.0
"""REDUCE_ALL and REDUCE_ANY against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from exact import assert_kernel_exact, assert_models_exact
from models import Op, T, constant, model

from tinyq_deploy.fold import fold
from tinyq_deploy.read import read

KIND = {"REDUCE_ALL": "tflite-micro", "REDUCE_ANY": "litert"}
CASES = [
    ((1, 5, 3, 4), (1, 2), False), ((1, 5, 3, 4), (-1,), True), ((7,), (0,), True), ((2, 3, 1, 2), (0, 2), True),
    ((2, 3, 4), (0, 1, 2), False), ((2, 3, 2, 3, 2, 3, 2, 3), (0, 2, 4, 6), False),
]  # fmt: skip


def reduce(op: str, shape: tuple[int, ...], axes: Sequence[int], keep: bool, known: bool = False) -> bytes:
    """One node; its input is a constant where it is `known`."""
    output = np.all(np.empty(shape), axis=tuple(axes), keepdims=keep).shape
    tensors = [
        T(shape, dtype="bool", data=values(shape) if known else None), T(output, dtype="bool"),
        constant(axes, dtype="int32"),
    ]  # fmt: skip
    return model(tensors, [Op(op, [0, 2], [1], {"keep_dims": keep})], [0], [1])


def values(shape: tuple[int, ...], share: float = 0.5) -> np.ndarray:
    return np.random.default_rng(1).random(shape) < share


@pytest.mark.parametrize("op", KIND)
@pytest.mark.parametrize("case", CASES)
def test_it_computes_what_the_oracle_does(op: str, case: tuple[tuple[int, ...], tuple[int, ...], bool]) -> None:
    given = [[values(case[0], share)] for share in (0, 0.1, 0.5, 0.9, 1.1)]
    assert_kernel_exact(reduce(op, *case), given, KIND[op])
    folded, nodes = fold(read(reduce(op, *case, known=True), "x"), lambda graph, node: True)
    assert [node.op for node in nodes] == [op]
    whether = np.all if op == "REDUCE_ALL" else np.any
    found = np.asarray(folded.tensors[1].data)
    assert (found == whether(values(case[0]), axis=case[1], keepdims=case[2])).all()


@pytest.mark.parametrize("op", KIND)
def test_the_generated_c_computes_what_the_oracle_does(op: str) -> None:
    assert_models_exact({f"m{i}": reduce(op, *case) for i, case in enumerate(CASES)}, kind=KIND[op])


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """[2,3,4] over its middle axis; accepted, but for what is changed."""
    tensors = {
        "input": T((2, 3, 4), dtype="bool"), "output": T((2, 4), dtype="bool"), "axes": constant([1], dtype="int32"),
    }  # fmt: skip
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [1], {})], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,))],
        "Input and output are bool.": [small(op, input=T((2, 3, 4), 0.5)), small(op, output=T((2, 4), 0.5))],
        "The axes is a constant of int32 or int64.": [small(op, axes=constant([1], 0.5))],
        "The axes are the input's.": [small(op, axes=constant([3], dtype="int32"))],
        "The output shape follows from input, axes and keep_dims.": [small(op, output=T((2, 1, 4), dtype="bool"))],
    }


@pytest.mark.parametrize("op", KIND)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op), kind=KIND[op])
    assert_complete(op, broken(op))


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in KIND for rule in broken(op)])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, broken(op)[rule])
