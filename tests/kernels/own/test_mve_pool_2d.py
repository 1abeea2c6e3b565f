# SPDX-License-Identifier: Apache-2.0
"""Pooling for Helium equals the portable kernels."""

from __future__ import annotations

from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import nodes

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel
from tinyq_deploy.kernels.own.mve_pool_2d import MveAveragePool2D, MveMaxPool2D


def pool(rng: np.random.Generator, op: str) -> NodeView:
    kernel = mve_cases.pair(rng, 1, 12)
    size, stride, _ = mve_cases.window(rng, kernel, 14)
    padding = str(rng.choice(["SAME", "VALID"]))
    size = mve_cases.fitting(size, kernel, (1, 1), padding)
    channels = int(rng.choice([1, 3, 4, 7, 8, 15, 16, 17, 64, 130]))
    return nodes.pool_2d(rng, op, size, channels, kernel, stride, padding)


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
@pytest.mark.parametrize("kernel", [MveAveragePool2D(), MveMaxPool2D()], ids=lambda k: k.op)
def test_equals_portable(kernel: Kernel, machine: mve_cases.harness.Machine, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    mve_cases.check(tmp_path, machine, kernel, [pool(rng, kernel.op) for _ in range(20)], rng, least=20)


def test_mean_for_every_sum() -> None:
    """The arithmetic of tinyq_mve_mean in plain integers, for every count to 300 and every sum's edge."""
    for count in (*range(1, 300), 1000, 4097, 65535, 65536):
        total = np.arange(128 * count + 1, dtype=np.int64)[:: max(1, count // 64)] + count // 2
        mean = total
        if count > 1:
            mean = (total * ((1 << 31) // count) + (1 << 30)) >> 31
            mean = mean + ((total - mean * count) >> 63)
            mean = mean + 1
            mean = mean + ((total - mean * count) >> 63)
        assert (mean == total // count).all(), count
