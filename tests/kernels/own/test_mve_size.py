# SPDX-License-Identifier: Apache-2.0
"""Helium kernels read weights in the order that their layer was lowered for, whatever the compiler optimises for."""

from __future__ import annotations

import shutil
from pathlib import Path

import batch
import exact
import nets
import numpy as np
import pytest

from tinyq_deploy import board
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.read import read
from tinyq_deploy.toolchains.base import Optimize


@pytest.mark.parametrize(("optimize", "small"), [("size", False), ("speed", True)])
def test_weights_are_read_as_they_were_packed(optimize: Optimize, small: bool, tmp_path: Path) -> None:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    helium, model = board.load("mps3-an547"), nets.wide()
    given = exact.samples(read(model, "wide.tflite"))
    expected = [b"".join(outputs) for outputs in exact.reference(model).run_many(given)]
    elf = batch.build(tmp_path, model, helium, Target(helium.core, small=small), "own", "gcc", optimize)
    found = batch.run(elf, helium, [tuple(sample) for sample in given], len(expected[0]), seconds=120)
    exact.assert_same(found, b"".join(expected), f"{optimize}, small {small}")
    assert len(np.unique(np.frombuffer(found, np.int8))) > 10
