# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED for Helium equals the portable kernel."""

from __future__ import annotations

from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import nodes

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.own.mve_fully_connected import MveFullyConnected


def fully_connected(rng: np.random.Generator) -> NodeView:
    depth = int(rng.choice([1, 5, 8, 15, 16, 17, 32, 64, 100, 128, 200]))
    outputs = int(rng.choice([1, 2, 3, 7, 8, 10, 12, 16, 33]))
    batches = 1 if rng.random() < 0.6 else int(rng.integers(2, 5))
    view = nodes.fully_connected(rng, batches, depth, outputs, per_channel=outputs > 1 and rng.random() < 0.5)
    return mve_cases.without_shift_to_the_right(view) if rng.random() < 0.1 else view


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(2, 8))])
def test_equals_portable(machine: mve_cases.harness.Machine, seed: int, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    views = [fully_connected(rng) for _ in range(24)]
    mve_cases.check(tmp_path, machine, MveFullyConnected(), views, rng, optimize, least=24)
