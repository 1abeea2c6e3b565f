# SPDX-License-Identifier: Apache-2.0
"""Own kernels against portable ones: the harness of the CMSIS-NN tests, also with the output over the input."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy import board
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Argument, KernelCall, Read, Target, Write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cmsis_nn"))
import harness
from harness import Case, Machine


def own_calls(view: NodeView, target: Target) -> list[KernelCall]:
    """The call of every own kernel that takes the node."""
    kernels = [k for k in KERNELS if k.op == view.node.op and k.kernel_set == "own"]
    return [call for kernel in kernels if (call := kernel.call(view, target)) is not None]


def cases(views: Iterable[NodeView], machine: Machine) -> list[Case]:
    """Each node with the portable call and each own call."""
    target = Target(board.load(machine.board).core)
    found = []
    for view in views:
        portable = next(k for k in KERNELS if k.op == view.node.op and k.kernel_set == "portable")
        expected = portable.call(view, target)
        assert expected is not None
        found += [Case(view, expected, call) for call in own_calls(view, target)]
    return found


def check(found: Sequence[Case], machine: Machine, folder: Path, optimize: str = "-O3", seed: int = 1) -> None:
    """Runs all cases in one image and compares every byte; `optimize` -Os means one shared function per kernel."""
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    source = _over_the_input(harness.program(found, np.random.default_rng(seed)), found)
    if optimize == "-Os":
        source = "#define TINYQ_OPTIMIZE_SIZE\n" + source
    output = harness.build_and_run(source, [], folder, machine, optimize)
    assert output.endswith("all equal\n"), output


def _over_the_input(source: str, found: Sequence[Case]) -> str:
    """The program with one more call at the end of each case whose output may lie over an input that holds it."""
    parts = re.split(r"(?<=\n)    return bad;\n", source)
    for number, case in enumerate(found):
        size = case.view.output().size
        for tensor in case.tested.in_place:
            if case.view.graph.tensors[tensor].size >= size and case.tested.in_place.count(tensor) == 1:
                place = f"c{number}_in{tensor}"
                values = ", ".join(_argument(number, place, a) for a in case.tested.arguments)
                parts[number] += f"    {case.tested.function}(&c{number}b_params, {values});\n"
                parts[number] += f'    bad |= compare({number}, "over its input", c{number}a_out, {place}, {size});\n'
                break
    return "    return bad;\n".join(parts)


def _argument(number: int, place: str, argument: Argument) -> str:
    match argument:
        case Read(tensor):
            return f"c{number}_in{tensor}"
        case Write():
            return place
    return harness._argument(number, f"c{number}b", argument)
