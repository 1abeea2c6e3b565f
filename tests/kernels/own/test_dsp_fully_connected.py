# SPDX-License-Identifier: Apache-2.0
"""Long rows of FULLY_CONNECTED: sums beyond 2^23 need no scratch."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import NodeView

SEED = 1


def long_row(rng: np.random.Generator, batches: int, depth: int, outputs: int, least: int, bias: int) -> NodeView:
    """Random weights from `least` up, every second bias at `bias`, and a RELU or none."""
    made = nodes.fully_connected(rng, batches, depth, outputs, bool(rng.random() < 0.5))
    source, filter_, added = (made.input(i) for i in range(3))
    values = np.array(rng.integers(least, 128, (outputs, depth)), np.int8)
    values[0] = 127
    numbers = rng.integers(-1000, 1000, outputs).astype(np.int32)
    numbers[::2] = bias
    third = added or nodes.constant(2, numbers, filter_.quantization.scale)
    tensors = [source, dataclasses.replace(filter_, data=values), dataclasses.replace(third, data=numbers)]
    return nodes.view("FULLY_CONNECTED", tensors, made.output(), made.node.options)


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(optimize: str, tmp_path: Path) -> None:
    """Rows of one piece, of several and of a rest; biases that make the sums wrap."""
    rng, machine = np.random.default_rng(SEED), Machine("mps2-an386")
    rows = [(1, 4000, 7), (1, 1923, 5), (2, 1444, 4), (1, 480, 3), (1, 30, 6)]
    biases = (1 << 24, (1 << 31) - 1, -(1 << 31))
    views = [long_row(rng, *row, -127, bias) for row in rows for bias in biases]
    views += [long_row(rng, 1, 4000, 7, -127, 5) for _ in range(3)]
    found = cases(views, machine)
    assert {case.tested.function for case in found} == {"tinyq_own_dsp_fully_connected_long"}
    assert not any(case.tested.scratch_bytes for case in found)
    check(found, machine, tmp_path, optimize)


def test_weights_that_do_not_blend_are_a_convolution() -> None:
    """-128 over a negative weight is beyond int16."""
    (case,) = cases([long_row(np.random.default_rng(SEED), 1, 4000, 7, -128, 5)], Machine("mps2-an386"))
    assert case.tested.function == "tinyq_own_dsp_conv_2d"
