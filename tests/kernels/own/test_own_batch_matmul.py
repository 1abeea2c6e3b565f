# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL in own C equals the portable kernel byte for byte, on every kind of core and under the sanitizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.batch_matmul import OwnBatchMatmul

BOARDS = ("host", "mps2-an385-m0plus", "mps2-an385", "mps2-an386", "mps3-an547")


def products(seed: int = 1) -> list[NodeView]:
    """Odd and even rows, columns and depths, every transposition, matrices that stay for several batches."""
    rng = np.random.default_rng(seed)
    return [
        nodes.batch_matmul(rng, ((2,), (2,)), 6, 8, 4),
        nodes.batch_matmul(rng, ((1, 2), (1, 2)), 13, 16, 13, (False, True)),
        nodes.batch_matmul(rng, ((2, 3), (3,)), 3, 5, 7, (True, False)),
        nodes.batch_matmul(rng, ((1,), (4,)), 5, 3, 2, (True, True)),
        nodes.batch_matmul(rng, ((), ()), 1, 1, 1),
        nodes.batch_matmul(rng, ((), (2,)), 1, 33, 3),
        nodes.batch_matmul(rng, ((2, 1, 2), (1, 2, 1)), 2, 7, 1),
        *(nodes.batch_matmul(rng, ((), ()), 9, 40, 11) for _ in range(4)),
    ]


@pytest.mark.parametrize("optimize", ["-O3", pytest.param("-Os", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("board", BOARDS)
def test_every_core_equals_the_portable_kernel(board: str, optimize: str, tmp_path: Path) -> None:
    machine = Machine(board)
    found = cases(products(), machine, optimize == "-Os")
    assert len(found) == len(products())
    check(found, machine, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("seed", range(2, 5))
def test_many_more_equal(board: str, seed: int, tmp_path: Path) -> None:
    check(cases(products(seed), Machine(board)), Machine(board), tmp_path)


def test_the_scratch_holds_all_columns_and_two_rows() -> None:
    view = nodes.batch_matmul(np.random.default_rng(1), ((), ()), 9, 7, 11)
    assert OwnBatchMatmul().call(view, Target("cortex-m4")).scratch_bytes == 4 * 4 * (11 + 2)
