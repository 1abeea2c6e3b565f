# SPDX-License-Identifier: Apache-2.0
"""A board with every way to flash it, an image, and scripts that stand for the tools."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyq_deploy.board import Board, Clock, Flash, Memory, Region, Uart
from tinyq_deploy.flashers import probes
from tinyq_deploy.flashers.base import Firmware


@pytest.fixture
def board() -> Board:
    memory = Memory(flash=Region(origin=0x08000000, bytes=1 << 19), ram=Region(origin=0x20000000, bytes=1 << 17))
    flash = Flash(
        methods=("msd", "pyocd", "openocd", "stlink", "cube"),
        volume="NODE_F446RE",
        pyocd="stm32f446re",
        openocd="interface/stlink.cfg target/stm32f4x.cfg",
    )
    uart = Uart(driver="x", base=0x40000000, irq=1, clock_hz=1, reset_clock_hz=1)
    parts = {"memory": memory, "clock": Clock(hz=1, reset_hz=1), "uart": uart, "flash": flash}
    return Board.model_validate({"name": "f446", "title": "F", "core": "cortex-m4", "verified": "builds", **parts})


@pytest.fixture
def firmware(tmp_path: Path) -> Firmware:
    folder = tmp_path / "my build"
    folder.mkdir()
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    (folder / "firmware.bin").write_bytes(bytes(range(256)) * 40)
    return Firmware(folder / "firmware.elf", folder / "firmware.bin", 0x08000000)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Makes a script on a PATH of its own; it appends its arguments, one a line, to the file returned."""
    if os.name != "posix":
        pytest.skip("the fake tools are shell scripts")
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(probes.ports, "list_ports", lambda: ())

    def make(name: str, body: str) -> Path:
        log = tmp_path / f"{name}.log"
        path = folder / name
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{log}"\n{body}\n', encoding="utf-8")
        path.chmod(0o755)
        return log

    return make
