# SPDX-License-Identifier: Apache-2.0
"""One net with every operator beside convolutions, pools and matrix products, on virtual boards: the oracle's bytes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import batch
import numpy as np
import pytest
from exact import assert_same, reference, samples
from host_c import program
from models import Op, T, constant, model

from tinyq_deploy import board
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.read import read

SHAPE = (1, 4, 5, 6)
SCALE, ZERO = 0.03, -5


class Branches:
    """A net in which each operator reads the two inputs, and writes outputs of the model."""

    def __init__(self) -> None:
        self.tensors = [T(SHAPE, SCALE, ZERO), T(SHAPE, SCALE, ZERO)]
        self.ops: list[Op] = []
        self.outputs: list[int] = []

    def put(self, tensor: T) -> int:
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def branch(self, op: str, others: Sequence[T | int], *outputs: T, inner: bool = False, version: int = 1,
               **options: Any) -> int:  # fmt: skip
        """`op` of input 0 and what follows it, where numbers are tensors; `inner` results are no output. Returns the
        first output."""
        first = [] if others and others[0] == -1 else [0]
        inputs = [*first, *(t if isinstance(t, int) else self.put(t) for t in others[1 - len(first) :])]
        numbers = [self.put(tensor) for tensor in outputs]
        self.ops.append(Op(op, inputs, numbers, options, version))
        self.outputs += [] if inner else numbers
        return numbers[0]

    def bytes(self) -> bytes:
        """The .tflite."""
        return model(self.tensors, self.ops, [0, 1], self.outputs)


def q(*shape: int, scale: float = SCALE, zero: int = ZERO) -> T:
    return T(shape or SHAPE, scale, zero)


def numbers(values: Any) -> T:
    return constant(values, dtype="int32")


def spread(*shape: int, scale: float = 0.01) -> T:
    return constant(np.linspace(-120, 120, int(np.prod(shape))).reshape(shape), scale)


def every_operator() -> bytes:
    """Arithmetic, comparisons, masks, tables, rows, reductions, movement."""
    net, mask = Branches(), T(SHAPE, dtype="bool")
    net.branch("ADD", [1], q(scale=0.05), version=2)
    net.branch("SUB", [spread(6)], q(scale=0.05), version=2)
    net.branch("MUL", [1], q(scale=0.02), version=2)
    net.branch("DIV", [spread(6)], q(scale=0.04), version=2)
    net.branch("SQUARED_DIFFERENCE", [spread(5, 1)], q(scale=0.1), version=2)
    net.branch("PRELU", [spread(1, 1, 6)], q())
    net.branch("MAXIMUM", [1], q())
    net.branch("MINIMUM", [1], q())
    masks = [
        net.branch(op, [spread(4, 1, 6)], mask, version=2)
        for op in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
    ]
    both = net.branch("LOGICAL_AND", [-1, masks[2], masks[1]], mask, inner=True)
    either = net.branch("LOGICAL_OR", [-1, both, masks[0]], mask, inner=True)
    neither = net.branch("LOGICAL_NOT", [-1, either], mask)
    net.branch("SELECT_V2", [-1, neither, 0, 1], q())
    for op in ("ABS", "LEAKY_RELU", "RELU", "QUANTIZE"):
        net.branch(op, [], q(scale=0.04), **({"alpha": 0.2} if op == "LEAKY_RELU" else {}))
    net.branch("LOGISTIC", [], q(scale=1 / 256, zero=-128))
    net.branch("TANH", [], q(scale=1 / 128, zero=0))
    net.branch("HARD_SWISH", [], q(scale=0.04))
    net.branch("SOFTMAX", [], q(scale=1 / 256, zero=-128), version=2, beta=1.0)
    net.branch("LOG_SOFTMAX", [], q(scale=1 / 16, zero=127), version=2)
    net.branch("L2_NORMALIZATION", [], q(scale=1 / 128, zero=0), version=2)
    net.branch("ARG_MAX", [numbers(3)], T(SHAPE[:3], dtype="int32"), version=2, output_type=2)
    net.branch("ARG_MIN", [numbers(1)], T((1, 5, 6), dtype="int32"), version=2, output_type=2)
    for op in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        net.branch(op, [numbers([1, 2])], q(1, 1, 1, 6), version=2, keep_dims=True)
    net.branch("CONCATENATION", [1], q(1, 4, 5, 12), axis=3)
    net.branch("PACK", [1], q(2, *SHAPE), axis=0, values_count=2)
    net.branch("UNPACK", [], *(q(1, 4, 6) for _ in range(5)), axis=2, num=5)
    net.branch("SPLIT", [-1, numbers(3), 0], q(1, 4, 5, 3), q(1, 4, 5, 3), num_splits=2)
    net.branch("PAD", [numbers([[0, 0], [1, 2], [0, 1], [0, 0]])], q(1, 7, 6, 6))
    net.branch("SLICE", [numbers([0, 1, 0, 2]), numbers([1, 2, 5, 3])], q(1, 2, 5, 3))
    strided = [numbers(values) for values in ([0, 0, 4, 0], [1, 4, 0, 6], [1, 2, -1, 1])]
    net.branch("STRIDED_SLICE", strided, q(1, 2, 4, 6))
    net.branch("TRANSPOSE", [numbers([0, 3, 1, 2])], q(1, 6, 4, 5))
    return net.bytes()


BOARDS = ("mps2-an386", "mps3-an547")


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("board_name", BOARDS)
@pytest.mark.parametrize("kernels", ["own", pytest.param("portable", marks=pytest.mark.exhaustive)])
def test_every_operator_on_qemu(board_name: str, kernels: str, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    data, target_board = every_operator(), board.load(board_name)
    given = [tuple(row) for row in samples(read(data, "x"))]
    expected = [b"".join(outputs) for outputs in reference(data).run_many(given)]
    elf = batch.build(
        tmp_path, data, target_board, Target(target_board.core), kernels, "gcc", "speed", keep_layers=True
    )
    found = batch.run(elf, target_board, given, len(expected[0]), seconds=120)
    assert_same(found, b"".join(expected), board_name)


def test_every_operator_on_this_computer() -> None:
    data = every_operator()
    given = samples(read(data, "x"))
    built = program({"net": data}, guards=True, passes=True)
    for found, expected in zip(built.run("net", given), reference(data).run_many(given), strict=True):
        for number, (output, right) in enumerate(zip(found, expected, strict=True)):
            assert_same(output, right, f"output {number}")
