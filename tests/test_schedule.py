# SPDX-License-Identifier: Apache-2.0
"""States beside what moves layers: fused pairs that run where the second stands, and layers in bands of rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import exact
import host_c
import numpy as np
import pytest
from banded import banded
from models import constant
from stateful import ASSIGN, Net, sequence
from test_plan import run_symbolically

from tinyq_deploy import board, deploy
from tinyq_deploy.check import check
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import lower
from tinyq_deploy.plan import Plan, plan
from tinyq_deploy.read import read

SHAPE = (1, 8, 8, 4)
WINDOW = {"padding": "SAME", "stride_h": 1, "stride_w": 1}


def net() -> tuple[Net, int, int]:
    """A net with a state, its input and the weights of a 3x3 convolution."""
    rng = np.random.default_rng(4)
    made = Net({"a": rng.integers(-128, 128, SHAPE).reshape(-1).tolist()}, SHAPE)
    weights = made.tensor(constant(rng.integers(-127, 128, (4, 3, 3, 4)), 0.005))
    return made, made.value(), weights


def waiting() -> bytes:
    """A convolution of the old value, which is fused with an ADD behind the assignment."""
    made, given, weights = net()
    convolved = made.op("CONV_2D", made.read("a"), weights, **WINDOW)
    made.assign("a", given)
    return made.build([given], [made.op("ADD", convolved, given)])


def turning() -> bytes:
    """A state goes through two convolutions into its next value."""
    made, given, weights = net()
    first = made.op("CONV_2D", made.read("a"), weights, **WINDOW)
    second = made.op("CONV_2D", first, weights, **WINDOW)
    made.assign("a", second)
    return made.build([given], [made.op("ADD", second, given)])


def own_plan(data: bytes) -> Plan:
    graph = read(data, "test.tflite")
    check(graph)
    return plan(graph, lower(graph, Target("cortex-m4"), "own"))


def code(made: Plan) -> list[str]:
    return [layer.op for layer in made.code_layers()]


def test_an_assignment_waits_for_a_fused_pair_that_reads_the_old_value() -> None:
    made = own_plan(waiting())
    assert code(made) == ["CONV_2D + ADD", ASSIGN]
    run_symbolically(made)


def test_a_band_does_not_write_over_the_rows_that_the_next_one_reads() -> None:
    data = turning()
    whole = host_c.planned(data)
    assert code(whole) == ["CONV_2D", "CONV_2D", "ADD"]
    run_symbolically(whole)
    graph = read(data, "test.tflite")
    bands = banded(graph, host_c.TARGET, "portable", rows=2, nodes=2)
    assert code(bands) == ["CONV_2D + CONV_2D", ASSIGN, "ADD"]
    run_symbolically(bands)


def test_bands_and_whole_layers_are_byte_exact() -> None:
    given = sequence(SHAPE)
    for data in (waiting(), turning()):
        expected = list(exact.reference(data).run_many(given))
        for bands in (None, (2, 2), (3, 2)):
            assert host_c.program({"net": data}, bands=bands, guards=bands == (2, 2)).run("net", given) == expected


@pytest.mark.parametrize("name", ["mps2-an386", "mps3-an547"])
def test_own_kernels_are_byte_exact(name: str, tmp_path: Path) -> None:
    if not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")):
        pytest.skip("needs arm-none-eabi-gcc and qemu-system-arm")
    made = board.load(name)
    for which, data in (("waiting", waiting()), ("turning", turning())):
        path, samples = tmp_path / f"{which}.tflite", tmp_path / "data.npz"
        path.write_bytes(data)
        np.savez(samples, x=np.stack([row[0][0] for row in sequence(SHAPE)]))
        built = deploy.build(deploy.BuildRequest(path, made, kernels="own", out=tmp_path / which))
        found = deploy.bench(deploy.BenchRequest(built.folder, made, str(samples), virtual=True)).measurement
        assert (found.exact, found.total) == (12, 12)
