# SPDX-License-Identifier: Apache-2.0
"""Every CMSIS-NN kernel computes what the portable kernel computes, byte for byte, and stays inside its scratch."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import harness
import nodes
import numpy as np
import pytest
import random_nodes
from harness import Case, Machine

from tinyq_deploy import board
from tinyq_deploy.board import Core
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Constant, KernelCall, KernelSet, Target
from tinyq_deploy.kernels.cmsis_nn.library import Library

PER_FAMILY = int(os.environ.get("TINYQ_TEST_NODES", "6"))
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
MACHINES = [
    pytest.param(Machine("host"), id="host"),
    pytest.param(Machine("mps2-an386"), id="m4-gcc"),
    pytest.param(Machine("mps3-an547"), id="m55-gcc"),
    pytest.param(Machine("mps2-an386", "zig"), id="m4-zig", marks=pytest.mark.exhaustive),
    pytest.param(Machine("mps3-an547", "zig"), id="m55-zig", marks=pytest.mark.exhaustive),
]


def call(view: NodeView, kernel_set: KernelSet, target: Target) -> KernelCall | None:
    """The call of the one kernel of a set."""
    kernel = next(k for k in KERNELS if k.op == view.node.op and k.kernel_set == kernel_set)
    return kernel.call(view, target)


def cases(library: Library, core: Core, rng: np.random.Generator) -> list[Case]:
    """Nodes of every family that the library takes."""
    target, found = Target(core, library), []
    for family in random_nodes.FAMILIES:
        for _ in range(PER_FAMILY):
            view = family(rng)
            tested, expected = call(view, "cmsis-nn", target), call(view, "portable", target)
            assert expected is not None
            found += [Case(view, expected, tested)] if tested is not None else []
    return found


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("optimize", ["-O3", pytest.param("-Os", marks=pytest.mark.exhaustive)])
def test_bytes_equal(library: Library, machine: Machine, optimize: str, tmp_path: Path) -> None:
    """Host under the address sanitizer, M4 and M55 in QEMU."""
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    rng = np.random.default_rng(SEED)
    found = cases(library, board.load(machine.board).core, rng)
    assert len(found) > PER_FAMILY * 6
    functions = sorted({name for case in found for name in case.tested.library_functions})
    objects = harness.compile_library(library, functions, tmp_path, machine, optimize)
    output = harness.build_and_run(harness.program(found, rng), objects, tmp_path, machine)
    assert output.endswith("all equal\n"), output


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """A node compared with itself under negated weights differs, and the program says so."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    view = nodes.fully_connected(np.random.default_rng(SEED), 3, 60, 19, per_channel=False)
    expected, tested = (call(view, "portable", Target("host")) for _ in range(2))
    assert expected is not None
    assert tested is not None
    negated = tuple(replace(a, values=-a.values) if isinstance(a, Constant) and a.name == "filter" else a
                    for a in tested.arguments)  # fmt: skip
    case = Case(view, expected, replace(tested, arguments=negated))
    source = harness.program([case], np.random.default_rng(SEED))
    with pytest.raises(AssertionError, match="different"):
        harness.build_and_run(source, [], tmp_path, Machine("host"))
