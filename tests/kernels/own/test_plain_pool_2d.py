# SPDX-License-Identifier: Apache-2.0
"""Own pooling kernels equal the portable ones byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check, own_calls

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target

SEED = 1
OPS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")


def random_view(rng: np.random.Generator, op: str) -> NodeView:
    """Windows up to 6, strides up to 4, channels up to 40."""
    kernel, stride = ((int(rng.integers(1, n)), int(rng.integers(1, n))) for n in (7, 5))
    size = tuple(k + int(rng.integers(0, 10)) for k in kernel)
    padding = str(rng.choice(["SAME", "VALID"]))
    return nodes.pool_2d(rng, op, size, int(rng.integers(1, 41)), kernel, stride, padding)


@pytest.mark.parametrize("machine", [Machine("host"), Machine("mps2-an386")], ids=["host", "m4"])
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    """Random windows; sums of 256 and more taps, which a halfword does and does not hold."""
    rng = np.random.default_rng(SEED)
    views = [random_view(rng, op) for op in OPS for _ in range(3 if machine.is_host else 12)]
    views += [nodes.pool_2d(rng, op, (n, 16), 9, (n, 16), (1, 1), "VALID") for op in OPS for n in (16, 17)]
    found = cases(views, machine)
    assert len(found) == len(views)
    assert machine.is_host or {bool(case.tested.in_place) for case in found} == {True, False}
    check(found, machine, tmp_path, optimize)


def test_overlapping_windows_are_not_written_over() -> None:
    rng = np.random.default_rng(SEED)
    apart, overlapping = (
        own_calls(nodes.pool_2d(rng, OPS[1], (8, 8), 4, (5, 5), (stride, stride), "SAME"), Target("cortex-m4"))[0]
        for stride in (2, 1)
    )
    assert apart.in_place == (0,)
    assert not overlapping.in_place
