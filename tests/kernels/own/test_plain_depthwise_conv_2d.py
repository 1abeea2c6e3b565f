# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D for cores without DSP extension equals the portable kernel byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check
from test_dsp_depthwise_conv_2d import depthwise, random_view
from test_own_random import with_output_scale

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.plain_depthwise_conv_2d import OwnPlainDepthwiseConv2D

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 3
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
CORES = (Machine("mps2-an385"), Machine("mps2-an385-m0plus"))
M3 = CORES[0]


def forms(rng: np.random.Generator) -> list[NodeView]:
    """Planes of a whole channel and of strips, every number of outputs per step, one column, sums that wrap."""
    return [
        depthwise(rng, (7, 5), 6, 1, (3, 3)),
        depthwise(rng, (6, 8), 4, 1, (3, 3), (2, 2)),
        depthwise(rng, (5, 9), 3, 2, (3, 3), padding="VALID"),
        depthwise(rng, (90, 70), 1, 1, (3, 3)),
        depthwise(rng, (90, 70), 1, 2, (5, 3), (2, 1), padding="VALID"),
        depthwise(rng, (18, 1), 20, 1, (5, 1), padding="VALID"),
        depthwise(rng, (6, 6), 3, 1, (2, 4), activation="NONE"),
        depthwise(rng, (6, 6), 3, 1, (3, 3), activation="NONE", reach=(1 << 31) - 1),
        with_output_scale(depthwise(rng, (6, 6), 3, 1, (3, 3), activation="NONE"), 1e-6),
    ]


@pytest.mark.parametrize("machine", [*CORES, Machine("host")], ids=lambda m: m.board)
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    views = [*forms(rng), *(random_view(rng) for _ in range(5 if machine.is_host else COUNT))]
    found = cases(views, M3)
    assert len(found) == len(views)
    params = [dict(case.tested.params) for case in found]
    assert {p["strip_rows"] < p["output_height"] for p in params} == {True, False}
    assert {p["requantization"] for p in params} >= {requantize.GENERIC, requantize.SIGNED, requantize.RISING}
    check(found, machine, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("board", [machine.board for machine in CORES])
def test_many_equal(board: str, compiler: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(300 + seed)
    machine = Machine(board, compiler)
    views = [*forms(rng), *(random_view(rng) for _ in range(30))]
    check(cases(views, machine), machine, tmp_path, ["-O3", "-Os", "-O2"][seed % 3], seed)


def test_a_whole_channel_may_be_written_over() -> None:
    """One output per input channel from one filling of the plane; otherwise rows are read again."""
    rng, kernel = np.random.default_rng(SEED), OwnPlainDepthwiseConv2D()
    whole, strips, several = (
        kernel.call(depthwise(rng, *shape), Target("cortex-m0plus"))
        for shape in (((7, 5), 6, 1, (3, 3)), ((90, 70), 1, 1, (3, 3)), ((5, 5), 3, 2, (3, 3)))
    )
    assert whole is not None
    assert strips is not None
    assert several is not None
    assert (whole.in_place, whole.lead) == ((0,), None)
    assert not strips.in_place
    assert strips.lead is not None
    assert (several.in_place, several.lead) == ((), None)
    assert kernel.call(depthwise(rng, (7, 5), 6, 1, (3, 3)), Target("cortex-m4")) is None
