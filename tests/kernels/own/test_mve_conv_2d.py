# SPDX-License-Identifier: Apache-2.0
"""CONV_2D for Helium equals the portable kernel."""

from __future__ import annotations

from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import nodes

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.own.mve_conv_2d import MveConv2D, MveDepthwiseAsConv2D


def convolution(rng: np.random.Generator) -> NodeView:
    kernel = mve_cases.pair(rng, 1, 4) if rng.random() < 0.7 else mve_cases.pair(rng, 1, 12)
    channels = int(rng.choice([1, 1, 2, 3, 3, 4, 5, 8, 15, 16, 17, 32, 33]))
    outputs = int(rng.choice([1, 2, 5, 8, 9, 12, 16, 23]))
    size, stride, dilation = mve_cases.window(rng, kernel, 9)
    padding = str(rng.choice(["SAME", "VALID"]))
    size = mve_cases.fitting(size, kernel, dilation, padding)
    return altered(rng, nodes.conv_2d(rng, size, channels, outputs, kernel, stride, dilation, padding))


def pointwise(rng: np.random.Generator) -> NodeView:
    channels = int(rng.choice([1, 3, 8, 16, 24, 31, 32, 64, 100, 130]))
    outputs = int(rng.choice([1, 2, 7, 8, 16, 20, 64]))
    return altered(
        rng, nodes.conv_2d(rng, mve_cases.pair(rng, 1, 7), channels, outputs, (1, 1), mve_cases.pair(rng, 1, 3))
    )


def altered(rng: np.random.Generator, view: NodeView) -> NodeView:
    return mve_cases.without_shift_to_the_right(view) if rng.random() < 0.1 else view


def one_channel(rng: np.random.Generator) -> NodeView:
    size, stride, dilation = mve_cases.window(rng, (3, 3), 9)
    return nodes.depthwise_conv_2d(rng, size, 1, int(rng.integers(2, 10)), (3, 3), stride, dilation)


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(2, 8))])
def test_equals_portable(machine: mve_cases.harness.Machine, seed: int, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    views = [family(rng) for family in (convolution, pointwise) for _ in range(14)]
    mve_cases.check(tmp_path, machine, MveConv2D(), views, rng, optimize, least=28)


def test_depthwise_of_one_channel(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    views = [one_channel(rng) for _ in range(4)]
    mve_cases.check(tmp_path, mve_cases.harness.Machine("mps3-an547"), MveDepthwiseAsConv2D(), views, rng, least=4)
