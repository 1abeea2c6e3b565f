# SPDX-License-Identifier: Apache-2.0
"""ADD as an affine form: equal to TFLite's arithmetic for all pairs of inputs, and the kernel to the form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.fixed_point import requantize
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.own.plain_add import affine, computed, reference
from tinyq_deploy.ops.add import Add, AddParams

SEED = 1


def halves(scale: float, zero: int) -> NodeView:
    """Equal input scales and an output scale `scale` times theirs: many sums lie half-way between two results."""
    inputs = [nodes.activation(i, (1, 9), 0.25, zero) for i in range(2)]
    return nodes.view(
        "ADD", inputs, nodes.activation(2, (1, 9), 0.25 * scale, 3), {"fused_activation_function": "NONE"}
    )


def slow(p: AddParams, a: int, b: int) -> int:
    """TFLite's arithmetic in Python integers."""
    first = requantize((a + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    second = requantize((b + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    value = requantize(first + second, p.output_multiplier, p.output_shift) + p.output_offset
    return min(max(value, p.activation_min), p.activation_max)


def test_reference_is_tflite() -> None:
    """All 65,536 pairs of one layer, and some of many."""
    rng = np.random.default_rng(SEED)
    p = Add.params(nodes.add(rng, 5))
    every = [[slow(p, a, b) for b in range(-128, 128)] for a in range(-128, 128)]
    assert reference(p).tolist() == every
    for _ in range(50):
        p = Add.params(nodes.add(rng, 5))
        table = reference(p)
        for a, b in rng.integers(-128, 128, (40, 2)).tolist():
            assert table[a + 128, b + 128] == slow(p, a, b)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("zero", [-128, 0, 5])
def test_halves_round_away_from_zero(scale: float, zero: int) -> None:
    p = Add.params(halves(scale, zero))
    found = affine(p)
    assert found is not None
    assert np.array_equal(computed(found), reference(p))


def test_a_form_is_found_and_equal_for_all_pairs() -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(100):
        p = Add.params(nodes.add(rng, 5))
        found = affine(p)
        assert found is not None
        assert np.array_equal(computed(found), reference(p))
        assert abs(found.offset) < 1 << 31


@pytest.mark.parametrize("machine", [Machine("host"), Machine("mps2-an386")], ids=["host", "m4"])
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    views = [nodes.add(rng, int(rng.integers(1, 3000))) for _ in range(4 if machine.is_host else 20)] + [halves(1.0, 5)]
    found = cases(views, machine)
    assert len(found) == len(views)
    check(found, machine, tmp_path, optimize)
