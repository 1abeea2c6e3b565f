# SPDX-License-Identifier: Apache-2.0
"""Windows over several batches: every kernel computes them one by one, where the output may lie over the input too."""

from __future__ import annotations

import shutil
from pathlib import Path

import batch
import numpy as np
import pytest
from exact import assert_models_exact, reference
from models import Op, T, constant, model

from tinyq_deploy import board
from tinyq_deploy.check import check
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import lower
from tinyq_deploy.read import read

BATCHES = 3
WINDOW = {"padding": "SAME", "stride_h": 1, "stride_w": 1}


def distributed(channels: int) -> bytes:
    """The same small network over each of BATCHES images: 1x1 up, depthwise, two pools, 3x3, transposed."""
    rng = np.random.default_rng(channels)

    def weights(*shape: int, axis: int = 0) -> T:
        return constant(rng.integers(-127, 128, shape), 0.01, axis=axis)

    def images(size: int, count: int, zero: int, scale: float = 0.05) -> T:
        return T((BATCHES, size, size, count), scale, zero)

    wide = 2 * channels
    tensors = [
        images(5, channels, -1), weights(wide, 1, 1, channels), images(5, wide, 4), weights(1, 3, 3, wide, axis=3),
        images(5, wide, -8), images(3, wide, -8), images(3, wide, -8), weights(channels, 3, 3, wide),
        images(3, channels, 9, 0.1), constant([BATCHES, 5, 5, channels], dtype="int32"),
        weights(channels, 2, 2, channels), images(5, channels, 2, 0.1),
    ]  # fmt: skip
    two, three = ({"padding": "SAME", "filter_height": n, "filter_width": n} for n in (2, 3))
    ops = [
        Op("CONV_2D", [0, 1], [2], {**WINDOW, "fused_activation_function": "RELU"}, 3),
        Op("DEPTHWISE_CONV_2D", [2, 3], [4], {**WINDOW, "depth_multiplier": 1}, 3),
        Op("MAX_POOL_2D", [4], [5], {**two, "stride_h": 2, "stride_w": 2}, 2),
        Op("AVERAGE_POOL_2D", [5], [6], {**three, "stride_h": 1, "stride_w": 1}, 2),
        Op("CONV_2D", [6, 7], [8], WINDOW, 3),
        Op("TRANSPOSE_CONV", [9, 10, 8], [11], {**WINDOW, "stride_h": 2, "stride_w": 2}, 3),
    ]
    return model(tensors, ops, [0], [11])


def test_the_generated_c_computes_what_the_oracle_does() -> None:
    assert_models_exact({"words": distributed(4), "bytes": distributed(3)})


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_kernels_that_want_whole_words_take_only_those(core: str) -> None:
    for channels, sets in ((3, {"portable"}), (4, {"own", "portable"})):
        graph = read(distributed(channels), "test.tflite")
        check(graph)
        lowered = lower(graph, Target(core), "own")  # type: ignore[arg-type]
        assert {call.batches for item in lowered for call in item.candidates} == {BATCHES}
        assert {call.kernel_set for call in lowered[0].candidates} == sets


@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed",
)
@pytest.mark.parametrize("name", ["mps2-an386", "mps3-an547"])
def test_own_kernels_compute_what_the_oracle_does(name: str, tmp_path: Path) -> None:
    virtual, data = board.load(name), distributed(8)
    given = [(np.random.default_rng(n).integers(-128, 128, (BATCHES, 5, 5, 8)).astype(np.int8),) for n in range(4)]
    expected = b"".join(output for row in reference(data).run_many([list(row) for row in given]) for output in row)
    elf = batch.build(tmp_path, data, virtual, Target(virtual.core), "own", "gcc", "speed")
    assert batch.run(elf, virtual, given, BATCHES * 25 * 8, 60) == expected
