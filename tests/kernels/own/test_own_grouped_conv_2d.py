# SPDX-License-Identifier: Apache-2.0
"""CONV_2D with groups by kernels for one group equals the portable kernel byte for byte, on every kind of core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check, own_calls

import nodes  # isort: skip  (own_exact adds its folder)
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target

BOARDS = ("mps2-an385-m0plus", "mps2-an386", "mps3-an547")


def layers() -> list[NodeView]:
    """Groups of one channel, with one output and with several, and few groups of more."""
    rng = np.random.default_rng(1)
    return [
        nodes.conv_2d(rng, (6, 5), 8, 8, (3, 3), groups=8),
        nodes.conv_2d(rng, (5, 5), 3, 6, (3, 2), (2, 1), groups=3),
        nodes.conv_2d(rng, (5, 6), 8, 4, (3, 3), groups=2),
        nodes.conv_2d(rng, (4, 4), 12, 16, (1, 1), groups=4),
        nodes.conv_2d(rng, (7, 5), 6, 9, (2, 3), (1, 1), (2, 1), groups=3),
    ]


@pytest.mark.parametrize("optimize", ["-O3", pytest.param("-Os", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("board", BOARDS)
def test_every_core_equals_the_portable_kernel(board: str, optimize: str, tmp_path: Path) -> None:
    machine = Machine(board)
    found = cases(layers(), machine, optimize == "-Os")
    assert len(found) == (len(layers()) if optimize == "-O3" else 2)
    check(found, machine, tmp_path, optimize)


def test_many_groups_of_several_channels_are_left_to_the_portable_kernel() -> None:
    view = nodes.conv_2d(np.random.default_rng(1), (3, 3), 16, 16, (3, 3), groups=8)
    assert own_calls(view, Target("cortex-m4")) == []
