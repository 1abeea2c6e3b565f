# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV by own convolutions equals the portable kernel byte for byte, on every kind of core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.dsp_conv_2d import OwnDspConv2D
from tinyq_deploy.kernels.own.transpose_conv import OwnTransposeConv, Taps, phases, reaching

BOARDS = ("mps2-an385-m0plus", "mps2-an385", "mps2-an386", "mps3-an547")


def layers(seed: int = 1) -> list[NodeView]:
    """Filters of whole strides and of others, padding on both sides, outputs that end inside a stride or behind the
    last input, strides beyond the filter."""
    rng = np.random.default_rng(seed)
    return [
        nodes.transpose_conv(rng, (4, 4), 8, 8, (2, 2), (2, 2)),
        nodes.transpose_conv(rng, (4, 5), 3, 5, (3, 3), (2, 2)),
        nodes.transpose_conv(rng, (3, 4), 16, 4, (4, 4), (2, 2)),
        nodes.transpose_conv(rng, (3, 4), 7, 3, (3, 3), (2, 2), "VALID"),
        nodes.transpose_conv(rng, (5, 3), 4, 6, (5, 4), (1, 1)),
        nodes.transpose_conv(rng, (2, 3), 5, 4, (3, 5), (3, 2), "SAME", (-2, -1)),
        nodes.transpose_conv(rng, (3, 3), 4, 4, (1, 2), (3, 4)),
        nodes.transpose_conv(rng, (3, 3), 4, 4, (2, 2), (2, 2), "VALID", (1, 1)),
        nodes.transpose_conv(rng, (2, 2), 4, 2, (3, 3), (4, 1), "VALID", (3, 2)),
        nodes.transpose_conv(rng, (1, 1), 1, 1, (1, 1), (1, 1)),
    ]


@pytest.mark.parametrize("optimize", ["-O3", pytest.param("-Os", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("board", BOARDS)
def test_every_core_equals_the_portable_kernel(board: str, optimize: str, tmp_path: Path) -> None:
    machine = Machine(board)
    found = cases(layers(), machine, optimize == "-Os")
    assert len(found) >= 9, "the core has a kernel for nearly all"
    check(found, machine, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_more_equal(board: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)

    def pair(low: int, high: int) -> tuple[int, int]:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    made = [
        nodes.transpose_conv(rng, pair(1, 7), *map(int, rng.integers(1, (20, 12))), pair(1, 6), pair(1, 5),
                             str(rng.choice(["SAME", "VALID"])))
        for _ in range(12)
    ]  # fmt: skip
    check(cases(made, Machine(board)), Machine(board), tmp_path)


def test_each_position_of_a_stride_has_its_taps() -> None:
    assert [reaching(n, 0, 2, 3) for n in range(2)] == [Taps(-1, (2, 0)), Taps(0, (1,))]
    assert [reaching(n, 1, 2, 4) for n in range(2)] == [Taps(-1, (3, 1)), Taps(0, (2, 0))]
    assert [reaching(n, 0, 3, 1) for n in range(3)] == [Taps(0, (0,)), Taps(0, ()), Taps(0, ())]


def test_the_horizontal_stride_is_channels() -> None:
    view = nodes.transpose_conv(np.random.default_rng(3), (4, 4), 8, 3, (2, 2), (2, 2))
    assert [phase.view.given(1).shape for phase in phases(view)] == [(6, 1, 1, 8)] * 2


def test_longer_strides_are_left_to_the_portable_kernel() -> None:
    view = nodes.transpose_conv(np.random.default_rng(3), (2, 2), 4, 4, (5, 2), (5, 2))
    assert OwnTransposeConv("dsp", OwnDspConv2D()).call(view, Target("cortex-m4")) is None
