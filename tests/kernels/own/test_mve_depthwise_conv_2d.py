# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D for Helium equals the portable kernel."""

from __future__ import annotations

from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import nodes

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.own.mve_depthwise_conv_2d import MveDepthwiseConv2D


def depthwise(rng: np.random.Generator) -> NodeView:
    kernel = (3, 3) if rng.random() < 0.4 else mve_cases.pair(rng, 1, 6 if rng.random() < 0.8 else 12)
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 10, 12, 16, 17, 24, 31, 32, 40, 48, 64, 65, 100, 128, 130]))
    size, stride, dilation = mve_cases.window(rng, kernel, 9)
    padding = str(rng.choice(["SAME", "VALID"]))
    size = mve_cases.fitting(size, kernel, dilation, padding)
    multiplier = 1 if channels == 1 or rng.random() < 0.8 else int(rng.integers(2, 4))
    view = nodes.depthwise_conv_2d(rng, size, channels, multiplier, kernel, stride, dilation, padding)
    return mve_cases.without_shift_to_the_right(view) if rng.random() < 0.1 else view


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(2, 8))])
def test_equals_portable(machine: mve_cases.harness.Machine, seed: int, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    views = [depthwise(rng) for _ in range(24)]
    mve_cases.check(tmp_path, machine, MveDepthwiseConv2D(), views, rng, optimize, least=20)
