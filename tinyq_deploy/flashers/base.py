# SPDX-License-Identifier: Apache-2.0
"""A flasher writes an image into a board's flash.

To add one: 1. subclass ToolFlasher (a program is run) or Flasher in a file of its own, 2. add it to REGISTRY in
flashers/__init__.py and its name to Flash.methods in board.py, 3. add tests/flashers/test_<name>.py with its argv.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinyq_deploy import process
from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError
from tinyq_deploy.flashers import messages

FLASH_SECONDS = 180.0
Argv = tuple[str, ...]


@dataclass(frozen=True)
class Firmware:
    """A linked image: the ELF, the same bytes as .bin, and the address that the first of them goes to."""

    elf: Path
    bin: Path
    origin: int


@dataclass(frozen=True)
class FlashResult:
    """What was done, or with `dry_run` would be. `verified` says whether the method itself read the flash back."""

    method: str
    steps: tuple[Argv, ...]
    probe: str | None
    verified: bool
    dry_run: bool


class Flasher(ABC):
    """One way to write flash. No flasher erases more than the image covers: a locked part stays locked."""

    name: ClassVar[str]
    install: ClassVar[str]
    verifies: ClassVar[bool] = False
    uses_usb_probe: ClassVar[bool] = True

    @abstractmethod
    def missing(self, board: Board) -> str | None:
        """Why this method cannot be used here and now; None when it can."""

    @abstractmethod
    def steps(self, firmware: Firmware, board: Board, probe: str | None) -> tuple[Argv, ...]:
        """What will be run, in order; `probe` is a serial number or None for the only one."""

    @abstractmethod
    def flash(self, firmware: Firmware, board: Board, probe: str | None) -> None:
        """Writes `firmware`. Raises FlashError with the cause and what to do."""


class ToolFlasher(Flasher):
    """A flasher that runs one program with an argv that a pure function makes."""

    program: ClassVar[str]

    def command(self) -> Argv | None:
        """The argv prefix that starts the program on this machine, or None."""
        path = shutil.which(self.program)
        return (path,) if path else None

    def needs(self, board: Board) -> str | None:
        """What the board file lacks for this method, or None."""
        return None

    @abstractmethod
    def argv(self, command: Argv, firmware: Firmware, board: Board, probe: str | None) -> Argv:
        """The whole command. Pure."""

    def missing(self, board: Board) -> str | None:
        return self.needs(board) or (None if self.command() else f"{self.program} is not installed")

    def steps(self, firmware: Firmware, board: Board, probe: str | None) -> tuple[Argv, ...]:
        return (self.argv(self.command() or (self.program,), firmware, board, probe),)

    def flash(self, firmware: Firmware, board: Board, probe: str | None) -> None:
        for step in self.steps(firmware, board, probe):
            try:
                result = process.run(step, timeout=FLASH_SECONDS)
            except OSError as error:
                raise FlashError("the flashing tool starts", f"{step[0]}: {error.strerror}", self.install) from error
            if not result.ok:
                raise messages.explain(self.name, board, result)
