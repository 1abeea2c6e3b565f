# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil

import pytest

from tinyq_deploy import process
from tinyq_deploy.board import Flash
from tinyq_deploy.flashers.messages import explain
from tinyq_deploy.flashers.openocd import OpenOcd
from tinyq_deploy.flashers.probes import connected


def test_argv(board, firmware):
    assert OpenOcd().argv(("openocd",), firmware, board, None) == (
        "openocd", "-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg",
        "-c", f"program {{{firmware.elf.as_posix()}}} verify reset exit",
    )  # fmt: skip


def test_argv_with_a_probe(board, firmware):
    argv = OpenOcd().argv(("openocd",), firmware, board, "066B")
    assert argv[5:7] == ("-c", "adapter serial 066B")
    assert argv[7:9] == ("-c", f"program {{{firmware.elf.as_posix()}}} verify reset exit")


def test_a_board_without_a_configuration_says_so(board):
    bare = board.model_copy(update={"flash": Flash(methods=("openocd",))})
    assert OpenOcd().missing(bare) == "the board file names no OpenOCD configuration"


@pytest.mark.skipif(shutil.which("openocd") is None, reason="openocd is not installed")
@pytest.mark.skipif(bool(connected()), reason="a probe is connected")
@pytest.mark.parametrize("probe", [None, "066B"])
def test_the_real_tool_takes_the_command_and_misses_the_probe(board, firmware, probe):
    argv = OpenOcd().argv(("openocd",), firmware, board, probe)
    result = process.run(argv, timeout=60)
    assert "open failed" in result.output
    assert explain("openocd", board, result).faults[0].rule == "a debug probe is connected"
