# SPDX-License-Identifier: Apache-2.0
"""The board `host`: the same generated C and the same link as a program on this PC, spoken to over a pipe."""

from __future__ import annotations

from pathlib import Path

from tinyq_deploy.board import Board
from tinyq_deploy.simulators.base import Running, Simulator
from tinyq_deploy.simulators.spawn import spawn_url


class RunningHost(Running):
    """The program starts when its URL is opened and ends when the port closes."""

    time_source = "nanoseconds on this PC"

    def __init__(self, program: Path) -> None:
        self.url = spawn_url(str(program.resolve()))

    def instructions(self, ticks: int, counter_hz: int) -> int | None:
        """Unknown: the PC's counter tells time."""
        return None

    def close(self) -> None:
        """Nothing is held."""


class Host(Simulator):
    """Runs the firmware as a child process."""

    name = "host"

    def available(self) -> str | None:
        """Always."""
        return None

    def supports(self, board: Board) -> str | None:
        """The board `host` alone."""
        return None if board.is_host else "it stands for the board host alone"

    def start(self, elf: Path, board: Board) -> Running:
        """The program at `elf`."""
        return RunningHost(elf)
