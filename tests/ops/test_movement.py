# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements, on every type that the oracle moves: int32, bool and float32 beside int8."""

from __future__ import annotations

import numpy.typing as npt
import pytest
from exact import assert_kernel_exact, assert_models_exact, refused
from models import Op, T, constant, model


def numbers(values: npt.ArrayLike) -> T:
    return constant(values, dtype="int32")


def moved(op: str, dtype: str) -> bytes:
    """The operator on [4,6], or two of them, of `dtype`."""

    def q(*shape: int) -> T:
        return T(shape, None, 0, dtype)

    tensors, node, inputs, outputs = {
        "CONCATENATION": ([q(4, 6), q(4, 3), q(4, 9)], Op(op, [0, 1], [2], {"axis": 1}), [0, 1], [2]),
        "PACK": ([q(4, 6), q(4, 6), q(4, 2, 6)], Op(op, [0, 1], [2], {"axis": 1, "values_count": 2}), [0, 1], [2]),
        "PAD": ([q(4, 6), q(6, 8), numbers([[1, 1], [2, 0]])], Op(op, [0, 2], [1]), [0], [1]),
        "SLICE": ([q(4, 6), q(2, 3), numbers([1, 2]), numbers([2, 3])], Op(op, [0, 2, 3], [1]), [0], [1]),
        "SPLIT": ([q(4, 6), q(4, 3), q(4, 3), numbers(1)], Op(op, [3, 0], [1, 2], {"num_splits": 2}), [0], [1, 2]),
        "STRIDED_SLICE": (
            [q(4, 6), q(2, 3), *(numbers(values) for values in ([0, 1], [4, 6], [2, 2]))],
            Op(op, [0, 2, 3, 4], [1]), [0], [1],
        ),
        "TRANSPOSE": ([q(4, 6), q(6, 4), numbers([1, 0])], Op(op, [0, 2], [1]), [0], [1]),
        "UNPACK": ([q(2, 6), q(6), q(6)], Op(op, [0], [1, 2], {"num": 2}), [0], [1, 2]),
    }[op]  # fmt: skip
    return model(tensors, [node], inputs, outputs)


OPS = ("CONCATENATION", "PACK", "PAD", "SLICE", "SPLIT", "STRIDED_SLICE", "TRANSPOSE", "UNPACK")
ORACLE_HAS = [
    *((op, "int32") for op in OPS if op != "TRANSPOSE"), *((op, "float32") for op in OPS),
    *((op, "bool") for op in ("CONCATENATION", "SLICE", "STRIDED_SLICE")),
]  # fmt: skip


@pytest.mark.parametrize(("op", "dtype"), ORACLE_HAS)
def test_every_type_moves_as_the_oracle_moves_it(op: str, dtype: str) -> None:
    assert_kernel_exact(moved(op, dtype))


def test_models_have_such_types_at_their_boundary() -> None:
    assert_models_exact({f"{op}_{dtype}".lower(): moved(op, dtype) for op, dtype in ORACLE_HAS if dtype != "float32"})


def test_real_values_that_are_computed_with_are_refused() -> None:
    tensors = [T((4, 6), None, 0, "float32"), T((6, 4), None, 0, "float32"), T((6, 4), None, 0, "float32")]
    ops = [Op("TRANSPOSE", [0, 3], [1]), Op("RELU", [1], [2])]
    assert "the model's outputs are int8" in refused(model([*tensors, numbers([1, 0])], ops, [0], [2]))
