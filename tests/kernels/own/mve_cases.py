# SPDX-License-Identifier: Apache-2.0
"""Random nodes for the Helium kernels, compared with the portable kernels in QEMU, many in one image."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cmsis_nn"))

import harness
import nodes
import own_exact

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Kernel, Target

Rng = np.random.Generator
Family = Callable[[Rng], NodeView]
MACHINES = [
    pytest.param(harness.Machine("mps3-an547"), id="gcc"),
    pytest.param(harness.Machine("mps3-an547", "zig"), id="zig", marks=pytest.mark.exhaustive),
]
TARGET = Target("cortex-m55")


def pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    """Two numbers in low..high-1."""
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def window(rng: Rng, kernel: tuple[int, int], largest: int = 12) -> tuple[tuple[int, int], ...]:
    """Input size, stride and dilation for a kernel."""
    stride = pair(rng, 1, 5) if rng.random() < 0.6 else (1, 1)
    dilation = pair(rng, 1, 4) if rng.random() < 0.25 and stride == (1, 1) else (1, 1)
    return pair(rng, 1, largest), stride, dilation


def fitting(size: tuple[int, int], kernel: tuple[int, int], dilation: tuple[int, int], padding: str) -> tuple[int, int]:
    """A size that holds the window where there is no padding."""
    if padding == "SAME":
        return size
    height, width = (max(s, (k - 1) * d + 1) for s, k, d in zip(size, kernel, dilation, strict=True))
    return height, width


def check(tmp_path: Path, machine: harness.Machine, kernel: Kernel, views: list[NodeView], rng: Rng,
          optimize: str = "-O2", least: int = 1) -> None:  # fmt: skip
    """`kernel` gives the bytes of the portable kernel for every node that it takes, between guards, and with its output
    over its input as close as it allows; -Os is one shared function per kernel."""
    missing = [tool for tool in machine.tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    cases = []
    for view in views:
        tested = kernel.call(view, dataclasses.replace(TARGET, small=optimize == "-Os"))
        portable = next(k for k in KERNELS if k.op == view.node.op and k.kernel_set == "portable")
        expected = portable.call(view, TARGET)
        assert expected is not None
        cases += [harness.Case(view, expected, tested)] if tested is not None else []
    assert len(cases) >= least
    define = "#define TINYQ_OPTIMIZE_SIZE 1\n" if optimize == "-Os" else ""
    source = own_exact.over_the_input(harness.program(cases, rng), cases)
    output = harness.build_and_run(define + source, [], tmp_path, machine, optimize)
    assert output.endswith("all equal\n"), output


def without_shift_to_the_right(view: NodeView) -> NodeView:
    """The node with an output scale so small that its factors shift to the left or not at all."""
    tensors = list(view.graph.tensors)
    out = tensors[view.node.outputs[0]]
    assert out.quantization is not None
    scale = dataclasses.replace(out.quantization, scale=(float(np.float32(out.scale * 1e-4)),))
    tensors[out.index] = dataclasses.replace(out, quantization=scale)
    return NodeView(dataclasses.replace(view.graph, tensors=tuple(tensors)), view.node)


__all__ = ["MACHINES", "Family", "check", "fitting", "nodes", "pair", "window", "without_shift_to_the_right"]
