# SPDX-License-Identifier: Apache-2.0
"""Boards for the toolchain tests: any core and FPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyq_deploy.board import Board, Clock, Memory, Region, Uart


def _board(core: str, fpu: str = "") -> Board:
    if core == "host":
        return Board(name="host", title="PC", core="host", verified="virtual")
    memory = Memory(flash=Region(origin=0, bytes=1 << 20), ram=Region(origin=0x20000000, bytes=1 << 16))
    uart = Uart(driver="x", base=0x40000000, irq=1, clock_hz=1, reset_clock_hz=1)
    clock = Clock(hz=1, reset_hz=1)
    parts = {"memory": memory, "clock": clock, "uart": uart}
    return Board.model_validate({"name": "b", "title": "B", "core": core, "fpu": fpu, "verified": "builds", **parts})


@pytest.fixture
def make_board() -> Callable[..., Board]:
    return _board


@pytest.fixture
def fake_tool(tmp_path: Path) -> Callable[[str, str], str]:
    """Makes a shell script that stands for a tool and returns its path."""
    if os.name != "posix":
        pytest.skip("the fake tools are shell scripts")

    def make(name: str, body: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    return make
