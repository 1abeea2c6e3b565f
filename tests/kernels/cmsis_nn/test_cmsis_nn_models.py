# SPDX-License-Identifier: Apache-2.0
"""Whole models with CMSIS-NN: built, run on a virtual board, compared with the oracle, audited."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy import audit, board, deploy
from tinyq_deploy.kernels.cmsis_nn.library import Library

MODELS = (
    "kws_ref_model_int8", "ic_resnet8_int8", "vww_mobilenet96_int8", "ad_autoencoder_int8", "sww_dscnn1d_int8",
)  # fmt: skip
SLOW = pytest.mark.exhaustive
TARGETS = (
    ("host", ""), ("mps2-an386", "gcc"), ("mps3-an547", "gcc"), ("mps2-an386", "zig"), ("mps3-an547", "zig"),
)  # fmt: skip
ALL = [(*target, optimize, model) for target in TARGETS for optimize in ("speed", "size") for model in MODELS]
RUNS = [
    ("mps2-an386", "gcc", "speed", MODELS[0]),
    ("mps3-an547", "gcc", "speed", MODELS[3]),
    *(pytest.param(*run, marks=SLOW) for run in ALL),
]


@pytest.mark.parametrize(("name", "toolchain", "optimize", "model"), RUNS)
def test_model_is_exact(
    library: Library, shared_model: Callable[[str], Path], name: str, toolchain: str, optimize: str, model: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Every output byte is the oracle's, and what CMSIS-NN took is really called."""
    virtual = board.load(name)
    missing = [
        tool for tool in ("arm-none-eabi-gcc", "qemu-system-arm") if not virtual.is_host and not shutil.which(tool)
    ]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    request = deploy.BuildRequest(
        shared_model(f"{model}.tflite"), virtual, kernels="cmsis-nn", cmsis_nn=library.root, toolchain=toolchain,
        optimize=optimize, out=tmp_path / "project",
    )  # fmt: skip
    result = deploy.build(request)
    shape = result.manifest.inputs[0].shape[1:]
    x = np.random.default_rng(1).integers(-128, 128, (2, *shape)).astype(np.int8)
    np.savez(tmp_path / "data.npz", x=x)
    found = deploy.bench(deploy.BenchRequest(request.out, virtual, str(tmp_path / "data.npz"), virtual=True))
    assert found.measurement.exact == len(x)
    taken = [layer for layer in audit.layer_infos(result.plan, "cmsis-nn") if layer.kernel_set == "cmsis-nn"]
    assert len(taken) >= 8
    if not virtual.is_host:
        assert [a.reason for a in audit.audit(result.built.elf, taken, virtual.core) if a.fell_back] == []
