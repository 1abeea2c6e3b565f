# SPDX-License-Identifier: Apache-2.0
"""Virtual boards: each runs the very ELF that would be flashed and offers its link UART as a pyserial URL.

To add one: write one file with a subclass of `Simulator`, add one line to `SIMULATORS` in this package's `__init__.py`,
and give it a test that talks to a running image. A board names what it can run on in its file, under [emulate].
Nothing else knows the list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tinyq_deploy.board import Board


class Running(ABC):
    """A virtual board that is switched on. Leaving the `with` block switches it off."""

    url: str
    """What `serial.serial_for_url` opens."""

    time_source: ClassVar[str]
    """What the counters of this board count, as reports print it. Never time."""

    @abstractmethod
    def instructions(self, ticks: int, counter_hz: int) -> int | None:
        """Instructions in `ticks` of a counter that the firmware believes to run at `counter_hz` Hz; None: unknown."""

    @abstractmethod
    def close(self) -> None:
        """Switches the board off and frees what it held; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Simulator(ABC):
    """One way to run a board's image without the board."""

    name: ClassVar[str]

    @abstractmethod
    def available(self) -> str | None:
        """None where it can start here, else why not, with the line that installs it."""

    @abstractmethod
    def supports(self, board: Board) -> str | None:
        """None where it can stand for `board`, else why not."""

    @abstractmethod
    def start(self, elf: Path, board: Board) -> Running:
        """Switches a board with `elf` in its flash on. Raises UsageError where it cannot."""
