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

# More do not fit the code memory of every board.
IMAGE_CASES = 100


def own_calls(view: NodeView, target: Target) -> list[KernelCall]:
    """The call of every own kernel that takes the node."""
    kernels = [k for k in KERNELS if k.op == view.node.op and k.kernel_set == "own" and view.kind in k.kinds]
    return [call for kernel in kernels if (call := kernel.call(view, target)) is not None]


def cases(views: Iterable[NodeView], machine: Machine, small: bool = False) -> list[Case]:
    """Each node with the portable call and each own call; `small` as for Target."""
    target = Target(board.load(machine.board).core, small=small)
    found = []
    for view in views:
        portable = next(
            k for k in KERNELS if k.op == view.node.op and k.kernel_set == "portable" and view.kind in k.kinds
        )
        expected = portable.call(view, target)
        assert expected is not None
        found += [Case(view, expected, call) for call in own_calls(view, target)]
    return found


def check(found: Sequence[Case], machine: Machine, folder: Path, optimize: str = "-O3", seed: int = 1) -> None:
    """Runs the cases and compares every byte; `optimize` -Os means one shared function per kernel."""
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    for first in range(0, len(found), IMAGE_CASES):
        _check_image(found[first : first + IMAGE_CASES], machine, folder, optimize, seed + first)


def _check_image(found: Sequence[Case], machine: Machine, folder: Path, optimize: str, seed: int) -> None:
    source = over_the_input(harness.program(found, np.random.default_rng(seed)), found)
    if optimize == "-Os":
        source = "#define TINYQ_OPTIMIZE_SIZE\n" + source
    output = harness.build_and_run(source, [], folder, machine, optimize)
    assert output.endswith("all equal\n"), output


def over_the_input(source: str, found: Sequence[Case]) -> str:
    """The program with more calls at the end of each case: the output over an input that holds it, and `lead` bytes
    before the input."""
    parts = re.split(r"(?<=\n)    return bad;\n", source)
    for number, case in enumerate(found):
        size = case.view.output().bytes
        if case.tested.lead is not None:
            parts[number] += _leading(number, case, size, case.tested.lead)
        for tensor in case.tested.in_place:
            if case.view.graph.tensors[tensor].bytes >= size and case.tested.in_place.count(tensor) == 1:
                place = f"c{number}_in{tensor}"
                parts[number] += _call(number, case, place, place)
                parts[number] += f'    bad |= compare({number}, "over its input", c{number}a_out, {place}, {size});\n'
                break
    return "    return bad;\n".join(parts)


def _leading(number: int, case: Case, size: int, lead: int) -> str:
    """The call with its output `lead` bytes, and what makes that a multiple of four, before its input."""
    (read,) = (a.tensor for a in case.tested.arguments if isinstance(a, Read))
    length, lead = case.view.graph.tensors[read].bytes, -(-lead // 4) * 4
    whole, place = max(size, lead + length), f"c{number}_lead"
    return (
        f"    static _Alignas(4) int8_t {place}_space[GUARD + {whole} + GUARD];\n"
        f"    int8_t *const {place} = {place}_space + GUARD;\n"
        f"    guard_set({place}, {whole});\n"
        f"    memcpy({place} + {lead}, c{number}_in{read}, {length});\n"
        + _call(number, case, f"{place} + {lead}", place)
        + f'    bad |= compare({number}, "ahead of its input", c{number}a_out, {place}, {size});\n'
        f"    bad |= guard_check({number}, {place}, {whole});\n"
    )


def _call(number: int, case: Case, source: str, target: str) -> str:
    """The tested call with its output at `target`; its only activation is at `source` unless it reads several."""
    reads = [a for a in case.tested.arguments if isinstance(a, Read)]
    wide = "(void *)" if case.view.kind == "int16" else ""
    values = ", ".join(
        wide + source if isinstance(a, Read) and len(reads) == 1 else _argument(number, target, a, case.view)
        for a in case.tested.arguments
    )
    return f"    {case.tested.function}(&c{number}b_params, {values});\n"


def _argument(number: int, place: str, argument: Argument, view: NodeView) -> str:
    wide = "(void *)" if view.kind == "int16" else ""
    if isinstance(argument, Write):
        return wide + place
    return harness._argument(number, f"c{number}b", argument, view)
