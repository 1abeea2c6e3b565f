# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX without comparisons equals the portable kernel byte for byte; what it relies on holds for every table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.fixed_point import softmax_table
from tinyq_deploy.graph import NodeView

SEED = 1


def sharp(rows: int, depth: int, scale: float) -> NodeView:
    """A softmax whose input has `scale`: small ones make all outputs alike, large ones one of them 1."""
    source = nodes.activation(0, (rows, depth), scale, 0)
    return nodes.view("SOFTMAX", [source], nodes.activation(1, (rows, depth), 1 / 256, -128), {"beta": 1.0})


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 0.1, 0.5, 3.0, 1000.0])
@pytest.mark.parametrize("beta", [0.1, 1.0, 7.0])
def test_tables_fall_to_zero(scale: float, beta: float) -> None:
    """Nothing is negative, exp(0) comes first, and what lies beyond diff_min is 0."""
    table = softmax_table(beta, scale)
    values = table.exponential
    assert values[0] == np.iinfo(np.int32).max
    assert values.min() >= 0
    assert np.all(np.diff(values.astype(np.int64)) <= 0)
    assert not values[np.arange(256) > -table.diff_min].any()


@pytest.mark.parametrize("machine", [Machine("host"), Machine("mps2-an386")], ids=["host", "m4"])
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    """Random rows; sums on both sides of 512, the largest depth, where the sum may reach 2^31, and a single entry."""
    rng = np.random.default_rng(SEED)
    views = [nodes.softmax(rng, int(rng.integers(1, 5)), int(rng.integers(1, 40))) for _ in range(6)]
    views += [sharp(2, depth, scale) for depth in (1, 511, 600, 4096) for scale in (1e-7, 0.05, 2.0)]
    found = cases(views, machine)
    assert {case.tested.function for case in found} == {"tinyq_own_plain_softmax"}
    check(found, machine, tmp_path, optimize)
