# SPDX-License-Identifier: Apache-2.0
"""The choice among methods and probes, and whole runs with scripts that stand for the tools."""

from __future__ import annotations

import pytest

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError, UsageError
from tinyq_deploy.flashers import REGISTRY, flash, probes
from tinyq_deploy.flashers.msd import Msd
from tinyq_deploy.ports import Candidate


@pytest.fixture(autouse=True)
def no_hardware(monkeypatch, tmp_path):
    """Neither this machine's volumes, probes and tools nor its pyOCD."""
    monkeypatch.setitem(REGISTRY, "msd", Msd(lambda: ()))
    monkeypatch.setattr("tinyq_deploy.flashers.pyocd.find_spec", lambda name: None)
    monkeypatch.setattr(probes.ports, "list_ports", lambda: ())
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_first_method_that_is_available_is_taken(board, firmware, tool):
    tool("st-flash", "exit 0")
    log = tool("openocd", "exit 0")
    result = flash(firmware.elf, board)
    assert (result.method, result.verified, result.dry_run) == ("openocd", True, False)
    assert log.read_text().splitlines() == list(result.steps[0][1:])


def test_a_method_by_name_and_a_probe_by_serial(board, firmware, tool):
    log = tool("st-flash", "exit 0")
    tool("openocd", "exit 0")
    result = flash(firmware.elf, board, method="stlink", probe="066B")
    assert result.probe == "066B"
    assert log.read_text().split()[2:4] == ["--serial", "066B"]


def test_a_dry_run_runs_nothing_and_needs_no_tool(board, firmware, tool):
    log = tool("openocd", "exit 0")
    result = flash(firmware.elf, board, dry_run=True)
    assert (result.method, result.dry_run, result.verified) == ("openocd", True, False)
    assert not log.exists()
    assert flash(firmware.elf, board, method="cube", dry_run=True).steps[0][0] == "STM32_Programmer_CLI"


def test_without_any_way_every_reason_and_remedy_is_given(board, firmware):
    with pytest.raises(FlashError) as caught:
        flash(firmware.elf, board)
    text = str(caught.value)
    for part in ("no volume NODE_F446RE", "pyocd: pyocd is not installed", "apt install openocd", "st-flash", "st.com"):
        assert part in text
    assert flash(firmware.elf, board, dry_run=True).method == "msd"


def test_a_method_that_is_not_installed_is_not_replaced(board, firmware, tool):
    tool("openocd", "exit 0")
    with pytest.raises(FlashError, match=r"stlink: st-flash is not installed[\s\S]*apt install stlink-tools"):
        flash(firmware.elf, board, method="stlink")


def test_two_probes_and_none_chosen(board, firmware, tool, monkeypatch):
    log = tool("openocd", "exit 0")
    ports = tuple(Candidate(f"/dev/ttyACM{i}", "ST-LINK/V2-1", serial) for i, serial in enumerate(("0A", "0B")))
    monkeypatch.setattr(probes.ports, "list_ports", lambda: ports)
    with pytest.raises(FlashError, match=r"2 are connected: 0A \(.*0B \([\s\S]*--probe"):
        flash(firmware.elf, board)
    assert not log.exists()
    flash(firmware.elf, board, probe="0B")
    assert "adapter serial 0B" in log.read_text()


def test_a_failing_tool_is_explained(board, firmware, tool):
    tool("openocd", "echo 'Error: open failed' >&2; exit 1")
    with pytest.raises(FlashError, match=r"a debug probe is connected[\s\S]*openocd on f446: Error: open failed"):
        flash(firmware.elf, board)


def test_no_image(board, tmp_path):
    with pytest.raises(FlashError, match="build it first"):
        flash(tmp_path / "none.elf", board)


def test_an_unknown_method_lists_the_known(board, firmware):
    with pytest.raises(UsageError, match="one of msd, pyocd, openocd, stlink, cube"):
        flash(firmware.elf, board, method="jtag")


def test_a_virtual_board_is_not_flashed(firmware):
    with pytest.raises(UsageError, match="is virtual"):
        flash(firmware.elf, Board(name="host", title="PC", core="host", verified="virtual"))
