# SPDX-License-Identifier: Apache-2.0
"""Scratch sizes against the library's own *_get_buffer_size functions, compiled for the host, the M4 and the M55."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np
import pytest
import random_nodes
from harness import Machine

from tinyq_deploy import board
from tinyq_deploy.board import Core
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import KernelCall, Target
from tinyq_deploy.kernels.cmsis_nn.conv_2d import CmsisNNConv2D, CmsisNNDepthwiseConv2D
from tinyq_deploy.kernels.cmsis_nn.library import Library
from tinyq_deploy.kernels.cmsis_nn.pool_2d import CmsisNNAveragePool2D

COUNT = 40
# What 4.0 to 5.0 may want less: one vector more in each of four columns, or six bytes of alignment in each of two.
MOST_SPARE = 4 * 16
MACHINES = [
    pytest.param(Machine("host"), id="host"),
    pytest.param(Machine("mps2-an386"), id="m4"),
    pytest.param(Machine("mps3-an547"), id="m55"),
]
# The function called -> the library's function that sizes its buffer, and what it is asked with.
SIZES: dict[str, tuple[str, str]] = {
    "arm_convolve_s8": ("arm_convolve_s8_get_buffer_size", "&input, &filter"),
    "arm_convolve_1x1_s8_fast": ("arm_convolve_1x1_s8_fast_get_buffer_size", "&input"),
    "arm_depthwise_conv_s8_opt": ("arm_depthwise_conv_s8_opt_get_buffer_size", "&input, &filter"),
    "arm_avgpool_s8": ("arm_avgpool_s8_get_buffer_size", "output.w, input.c"),
}


def calls(target: Target) -> list[KernelCall]:
    """Calls whose scratch the library can be asked about."""
    rng = np.random.default_rng(5)
    kernels: tuple[
        tuple[Callable[[np.random.Generator], NodeView], Callable[[NodeView, Target], KernelCall | None]], ...
    ] = (
        (random_nodes.convolution, CmsisNNConv2D().call),
        (random_nodes.pointwise, CmsisNNConv2D().call),
        (random_nodes.depthwise, CmsisNNDepthwiseConv2D().call),
        (random_nodes.average_pool, CmsisNNAveragePool2D().call),
    )
    made = [call(family(rng), target) for family, call in kernels for _ in range(COUNT)]
    return [call for call in made if call is not None and call.library_functions[0] in SIZES]


def program(asked: list[KernelCall]) -> str:
    """C that prints what the library wants, one number a line."""
    lines = []
    for call in asked:
        p = dict(call.params)
        channels = p["input_channels"] if "input_channels" in p else p["channels"]
        function, arguments = SIZES[call.library_functions[0]]
        dims = {
            "input": (p["input_height"], p["input_width"], channels),
            "filter": (p["filter_height"], p["filter_width"], p.get("filter_channels", p.get("output_channels", 1))),
            "output": (p["output_height"], p["output_width"], p.get("output_channels", channels)),
        }
        text = " ".join(
            f"const cmsis_nn_dims {n} = {{1, {d[0]}, {d[1]}, {d[2]}}}; (void){n}.n;" for n, d in dims.items()
        )
        lines.append(f'    {{ {text} print_number({function}({arguments})); print("\\n"); }}')
    harness_c = (harness.BARE_METAL / "harness.h").read_text()
    return f'{harness_c}#include "arm_nnfunctions.h"\nint main(void)\n{{\n' + "\n".join(lines) + "\n    return 0;\n}\n"


@pytest.mark.parametrize("machine", MACHINES)
def test_scratch_is_what_the_library_wants(library: Library, machine: Machine, tmp_path: Path) -> None:
    """Never less; from 6.0 on exactly, before that at most a vector in each column more."""
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    core: Core = board.load(machine.board).core
    asked = calls(Target(core, library))
    functions = sorted({SIZES[call.library_functions[0]][0] for call in asked})
    objects = harness.compile_library(library, functions, tmp_path, machine, "-O1")
    output = harness.build_and_run(program(asked), objects, tmp_path, machine)
    wanted = [int(line) for line in output.split()]
    assert len(wanted) == len(asked)
    assert len({call.library_functions[0] for call in asked}) >= 3
    for call, least in zip(asked, wanted, strict=True):
        spare = call.scratch_bytes - least
        most = 0 if library.version >= (6, 0, 0) else MOST_SPARE
        assert 0 <= spare <= most, f"{call.function} {dict(call.params)}: {call.scratch_bytes}, library {least}"
