# SPDX-License-Identifier: Apache-2.0
"""ADD for Helium equals the portable kernel, for all pairs of bytes on the host and for random ones in QEMU."""

from __future__ import annotations

from pathlib import Path

import mve_cases
import numpy as np
import pytest
from mve_cases import nodes

from tinyq_deploy import fixed_point
from tinyq_deploy.kernels.own import mve_add
from tinyq_deploy.kernels.own.mve_add import MveAdd
from tinyq_deploy.ops.add import Add, AddParams


def reference(p: AddParams, a: int, b: int) -> int:
    """TFLite's ADD of two bytes, in plain integers."""
    first = fixed_point.requantize((a + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    second = fixed_point.requantize((b + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    out = fixed_point.requantize(first + second, p.output_multiplier, p.output_shift) + p.output_offset
    return max(p.activation_min, min(p.activation_max, out))


def test_results_are_those_of_tflite() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        p = Add.params(nodes.add(rng, 4))
        table = mve_add.results(p)
        for a, b in rng.integers(-128, 128, (50, 2)):
            assert table[a + 128, b + 128] == reference(p, int(a), int(b))


def doubled(x: np.ndarray, factor: int) -> np.ndarray:
    """VQRDMULH(x << 24, factor), by the Arm manual."""
    return np.array([(2 * (int(v) << 24) * factor + (1 << 31)) >> 32 for v in x])


def test_linear_form_gives_all_results() -> None:
    rng, found = np.random.default_rng(2), 0
    x = np.arange(-128, 128)
    for _ in range(20):
        view = nodes.add(rng, 4)
        p = Add.params(view)
        form = mve_add.linear(p, (view.given(0).scale / view.output().scale, view.given(1).scale / view.output().scale))
        if form is not None:
            found += 1
            sums = doubled(x, form[0])[:, None] + doubled(x, form[1])[None, :] + form[2]
            assert np.abs(sums).max() < 1 << 31
            out = np.clip((sums + (1 << (mve_add.SHIFT - 1))) >> mve_add.SHIFT, p.activation_min, p.activation_max)
            assert (out == mve_add.results(p)).all()
    assert found >= 12


@pytest.mark.parametrize("machine", mve_cases.MACHINES)
@pytest.mark.parametrize("exact", [False, True])
def test_equals_portable(
    machine: mve_cases.harness.Machine, exact: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exact:
        monkeypatch.setattr(mve_add, "linear", lambda *_: None)
    rng = np.random.default_rng(3)
    views = [nodes.add(rng, n) for n in (1, 3, 15, 16, 17, 33, 100, 300, 1000, 1500, 20)]
    mve_cases.check(tmp_path, machine, MveAdd("ADD", 1), views, rng, least=11)
