# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements, on every type that the oracle moves: int32, bool and float32 beside int8."""

from __future__ import annotations

import host_c
import nets
import numpy as np
import numpy.typing as npt
import pytest
from exact import assert_kernel_exact, assert_models_exact, reference, refused, samples
from models import Op, T, constant, model

from tinyq_deploy.read import read


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


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_all_kernels_that_move_work_in_a_row(optimize: str) -> None:
    assert_models_exact({"moves": nets.moves(), "views": nets.views()}, optimize=optimize, kind="mixed")


def between(op: Op, shape: tuple[int, ...], *parameters: T) -> bytes:
    """The operator between two pointwise convolutions; of the first one's channels, two are constant and one is read
    by no weight of the second."""
    rng = np.random.default_rng(7)
    first, second = rng.integers(-127, 128, (4, 1, 1, 2)), rng.integers(-127, 128, (3, 1, 1, shape[3]))
    first[1], first[3], second[..., 2] = 0, 0, 0
    tensors = [
        T((1, 4, 6, 2), 0.5, 3), constant(first, 0.01), constant([90, -50, 7, 2000], 0.005, dtype="int32"),
        T((1, 4, 6, 4), 0.4, -3), T(shape, 0.4, -3), constant(second, 0.01), T((*shape[:3], 3), 0.5, 1), *parameters,
    ]  # fmt: skip
    window = {"padding": "VALID", "stride_h": 1, "stride_w": 1}
    ops = [Op("CONV_2D", [0, 1, 2], [3], window, 3), op, Op("CONV_2D", [4, 5], [6], window, 3)]
    return model(tensors, ops, [0], [6])


AROUND = numbers([[0, 0], [1, 1], [0, 1], [0, 0]])
CHANNELS = {
    "MIRROR_PAD": between(Op("MIRROR_PAD", [3, 7], [4], {"mode": "REFLECT"}), (1, 6, 7, 4), AROUND),
    "GATHER": between(Op("GATHER", [3, 7], [4], {"axis": 3}), (1, 4, 6, 5), numbers([3, 1, 0, 1, 2])),
    "RESIZE_BILINEAR": between(Op("RESIZE_BILINEAR", [3, 7], [4], {}, 3), (1, 7, 5, 4), numbers([7, 5])),
    "RESIZE_NEAREST_NEIGHBOR": between(
        Op("RESIZE_NEAREST_NEIGHBOR", [3, 7], [4], {}, 3), (1, 8, 5, 4), numbers([8, 5])
    ),
    "SPACE_TO_DEPTH": between(Op("SPACE_TO_DEPTH", [3], [4], {"block_size": 2}), (1, 2, 3, 16)),
    "BROADCAST_TO": between(Op("BROADCAST_TO", [3, 7], [4]), (1, 4, 6, 4), numbers([1, 4, 6, 4])),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_that_passes_cut_away_change_nothing(name: str) -> None:
    graph = read(CHANNELS[name], name)
    given = samples(graph, 5)
    built = host_c.program({"net": CHANNELS[name]}, passes=True)
    assert built.run("net", given) == list(reference(CHANNELS[name]).run_many(given))


def test_real_values_that_are_computed_with_are_refused() -> None:
    tensors = [T((4, 6), None, 0, "float32"), T((6, 4), None, 0, "float32"), T((6, 4), None, 0, "float32")]
    ops = [Op("TRANSPOSE", [0, 3], [1]), Op("RELU", [1], [2])]
    assert "the model's outputs are int8" in refused(model([*tensors, numbers([1, 0])], ops, [0], [2]))
