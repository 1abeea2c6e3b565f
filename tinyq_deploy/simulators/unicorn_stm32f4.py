# SPDX-License-Identifier: Apache-2.0
"""STM32F4 boards in this process, by the unicorn CPU emulator: nothing to install beside pip packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from tinyq_deploy.board import Board
from tinyq_deploy.errors import UsageError
from tinyq_deploy.simulators.base import Running, Simulator

SHIM = "stm32f4"
"""What a board file names as emulate.unicorn to be run here."""


class _Running(Running):
    """The board itself lives in the port that opens the URL."""

    time_source: ClassVar[str] = "instructions, virtual (unicorn)"

    def __init__(self, url: str) -> None:
        self.url = url

    def instructions(self, ticks: int, counter_hz: int) -> int | None:
        """A clock is an instruction, whatever rate the firmware believes in."""
        return ticks

    def close(self) -> None:
        """Nothing is held."""


class UnicornStm32F4(Simulator):
    """Cortex-M4 with RCC, PWR and one USART."""

    name: ClassVar[str] = "unicorn"

    def available(self) -> str | None:
        """The CPU emulator is an optional package."""
        return None if find_spec("unicorn") else "not installed: pip install 'tinyq-deploy[virtual]'"

    def supports(self, board: Board) -> str | None:
        """Boards whose file says emulate.unicorn = "stm32f4"."""
        if board.emulate.unicorn == SHIM and board.core == "cortex-m4":
            return None
        return f"the board file has no emulate.unicorn = {SHIM!r}"

    def start(self, elf: Path, board: Board) -> Running:
        """Gives the URL; the board is switched on when the port opens."""
        reason = self.supports(board) or self.available()
        if reason:
            raise UsageError("the simulator can stand for the board and is installed", f"{board.name}: {reason}")
        from tinyq_deploy.simulators.protocol_emu import url_for

        return _Running(url_for(elf, board))
