# SPDX-License-Identifier: Apache-2.0
"""The test image, built by each compiler that is here, and the board that it is for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinyq_deploy import board
from tinyq_deploy.board import Board

FIRMWARE = Path(__file__).parent / "firmware"
_GCC = (
    "arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard",
    "-fno-tree-loop-distribute-patterns",
)  # fmt: skip
_ZIG = (
    sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp",
    "-fno-sanitize=undefined", "-fno-builtin", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
)  # fmt: skip
_FLAGS = ("-O2", "-g", "-std=c11", "-Wall", "-Wextra", "-Werror", "-nostdlib")


def _build(compiler: tuple[str, ...], folder: Path) -> Path:
    elf = folder / "board test.elf"
    argv = [*compiler, *_FLAGS, "board_test.c", "-Wl,-T,board_test.ld", "-o", str(elf)]
    result = subprocess.run(argv, cwd=FIRMWARE, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return elf


@pytest.fixture(scope="session")
def gcc_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test image by arm-none-eabi-gcc."""
    if not shutil.which(_GCC[0]):
        pytest.skip("no arm-none-eabi-gcc on this computer")
    return _build(_GCC, tmp_path_factory.mktemp("gcc"))


@pytest.fixture(scope="session")
def zig_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test image by zig cc."""
    if not find_spec("ziglang"):
        pytest.skip("no ziglang in this environment")
    return _build(_ZIG, tmp_path_factory.mktemp("zig"))


@pytest.fixture(params=["gcc", "zig"])
def image(request: pytest.FixtureRequest) -> Path:
    """The test image, by either compiler."""
    built: Path = request.getfixturevalue(f"{request.param}_image")
    return built


@pytest.fixture
def made() -> Board:
    """The board of the test image."""
    return board.load(str(FIRMWARE / "f446.toml"))
