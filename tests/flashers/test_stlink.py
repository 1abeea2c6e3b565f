# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil

import pytest

from tinyq_deploy import process
from tinyq_deploy.flashers.messages import explain
from tinyq_deploy.flashers.probes import connected
from tinyq_deploy.flashers.stlink import StLink


def test_argv(board, firmware):
    assert StLink().argv(("st-flash",), firmware, board, None) == (
        "st-flash", "--connect-under-reset", "--reset", "write", str(firmware.bin), "0x08000000",
    )  # fmt: skip


def test_argv_with_a_probe(board, firmware):
    assert StLink().argv(("st-flash",), firmware, board, "066B")[1:5] == (
        "--connect-under-reset", "--reset", "--serial", "066B",
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("st-flash") is None, reason="st-flash is not installed")
@pytest.mark.skipif(bool(connected()), reason="a probe is connected")
@pytest.mark.parametrize("probe", [None, "066B"])
def test_the_real_tool_takes_the_command_and_misses_the_probe(board, firmware, probe):
    result = process.run(StLink().argv(("st-flash",), firmware, board, probe), timeout=60)
    assert "invalid command line" not in result.output
    assert explain("stlink", board, result).faults[0].rule == "a debug probe is connected"
