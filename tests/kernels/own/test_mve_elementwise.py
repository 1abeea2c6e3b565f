# SPDX-License-Identifier: Apache-2.0
"""Helium kernels that multiply no weights: every byte the oracle's, and no byte beyond their memory written.

Hypothesis draws a batch of nodes, because compiling an image costs more than running it.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import batch
import elementwise_cases as draw
import exact
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from own_exact import Machine, cases, check

from tinyq_deploy import board
from tinyq_deploy import check as check_stage
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Target
from tinyq_deploy.kernels.broadcast import Axis, Rows
from tinyq_deploy.kernels.own import mve_add, mve_broadcast, mve_mul
from tinyq_deploy.ops.add import Add, Sub
from tinyq_deploy.ops.mul import Mul
from tinyq_deploy.read import read
from tinyq_deploy.toolchains.base import Optimize

NODES = 30
HELIUM = Machine("mps3-an547")
CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
FEW = settings(max_examples=2, phases=(Phase.generate,), deadline=None, derandomize=True, suppress_health_check=CHECKS)
MANY = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=CHECKS)

single = draw.any_of(draw.binaries(), draw.binaries(), draw.tables(), draw.reductions(), draw.copies(), draw.joins())
batches = st.lists(single, min_size=NODES, max_size=NODES)
wholes = st.lists(draw.any_of(single, draw.splits()), min_size=NODES, max_size=NODES)
needs_tools = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed",
)


def view_of(model: bytes) -> NodeView:
    graph = read(model, "test.tflite")
    check_stage.check(graph)
    return NodeView(graph, graph.nodes[0])


def assert_equals_portable(models: list[draw.Model], machine: Machine, optimize: str) -> None:
    """Between guards, and in place."""
    with tempfile.TemporaryDirectory() as folder:
        found = cases([view_of(model) for model in models], machine, small=optimize == "-Os")
        assert len(found) >= len(models) // 2
        check(found, machine, Path(folder), optimize)


def assert_equals_oracle(models: list[draw.Model], optimize: Optimize, toolchain: str = "gcc") -> None:
    model, helium = draw.together(models), board.load("mps3-an547")
    given_ = exact.samples(read(model, "test.tflite"), 2)
    expected = [b"".join(outputs) for outputs in exact.reference(model).run_many(given_)]
    target = Target(helium.core, small=optimize == "size")
    with tempfile.TemporaryDirectory() as folder:
        elf = batch.build(Path(folder), model, helium, target, "own", toolchain, optimize, keep_layers=True)
        found = batch.run(elf, helium, [tuple(sample) for sample in given_], len(expected[0]), seconds=300)
    exact.assert_same(found, b"".join(expected), "many nodes")


@needs_tools
@FEW
@given(batches)
def test_random_nodes_equal_the_portable_kernels(models: list[draw.Model]) -> None:
    assert_equals_portable(models, HELIUM, "-O2")


@needs_tools
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_random_nodes_equal_the_oracle(optimize: Optimize) -> None:
    @FEW
    @given(wholes)
    def run(models: list[draw.Model]) -> None:
        assert_equals_oracle(models, optimize)

    run()


@needs_tools
@pytest.mark.exhaustive
@pytest.mark.parametrize("optimize", ["-O3", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_many_random_nodes_equal_the_portable_kernels(compiler: str, optimize: str) -> None:
    @MANY
    @given(batches)
    def run(models: list[draw.Model]) -> None:
        assert_equals_portable(models, Machine("mps3-an547", compiler), optimize)

    run()


@needs_tools
@pytest.mark.exhaustive
@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_many_random_nodes_equal_the_oracle(compiler: str, optimize: Optimize) -> None:
    @MANY
    @given(wholes)
    def run(models: list[draw.Model]) -> None:
        assert_equals_oracle(models, optimize, compiler)

    run()


# Constants ----------------------------------------------------------------------------------------------------------


def high(values: np.ndarray, factor: int) -> np.ndarray:
    """VQRDMULH, by the Arm manual: no operand is INT32_MIN."""
    return (2 * values.astype(np.int64) * factor + (1 << 31)) >> 32


@given(draw.binaries())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=CHECKS)
def test_constants_give_tflites_result_for_every_pair(model: bytes) -> None:
    view = view_of(model)
    x = np.arange(-128, 128, dtype=np.int64)
    if view.node.op == "MUL":
        p = Mul.params(view)
        made = mve_mul.requantization(p)
        if made is None or made[0] != mve_mul.NARROW:
            return
        _, fraction, multiplier, offset = made
        a, b = ((x + zero) << mve_mul.SHIFT for zero in (p.input1_offset, p.input2_offset))
        assert max(np.abs(a).max(), np.abs(b).max()) < 1 << 15
        total = np.clip(high(a[:, None] * b[None, :], multiplier) + offset, -(1 << 31), (1 << 31) - 1) >> 16
        shift, wanted = fraction, Mul.values(view, x[:, None], x[None, :])
    else:
        operator, sign = (Add, 1) if view.node.op == "ADD" else (Sub, -1)
        p = operator.params(view)
        scales = [view.given(i).scale / view.output().scale for i in range(2)]
        found = mve_add.linear(p, (scales[0], scales[1]), sign)
        if found is None:
            return
        total = high(x << 24, found[0])[:, None] + high(x << 24, found[1])[None, :] + found[2]
        shift, wanted = mve_add.SHIFT, operator.values(view, x[:, None], x[None, :])
    rounded = (total + ((1 << shift) >> 1)) >> shift
    assert (np.clip(np.clip(rounded, -128, 127), p.activation_min, p.activation_max) == wanted).all()


@pytest.mark.parametrize(
    ("channels", "pixels", "times"), [(16, 49, 7), (17, 3, 3), (200, 9, 1), (8, 50, 25), (3, 49, 49), (1, 7, 7)]
)
def test_short_rows_of_a_constant_are_repeated(channels: int, pixels: int, times: int) -> None:
    values = np.arange(channels, dtype=np.int8)
    rows = Rows(Axis(channels, 1, 1), (Axis(pixels, channels, 0),))
    inputs: tuple[Any, ...] = (dataclasses.replace(Constant("input2", values)), Constant("input2", values))
    found, (_, repeated) = mve_broadcast.longer_rows(rows, inputs, 256)
    assert found.row.extent * np.prod([axis.extent for axis in found.outer]) == channels * pixels
    assert isinstance(repeated, Constant)
    assert (repeated.values == np.tile(values, len(repeated.values) // channels)).all()
    assert len(repeated.values) == found.row.extent == channels * times
