# SPDX-License-Identifier: Apache-2.0
"""pyserial's emu:// port: `emu://<path of the .elf>?board=<name or path of a .toml>[&faults=raise|vector]`.

Opening it switches the board on. The board runs inside `read` and `in_waiting`, on their thread, and only as far as
they need; so a program that reads and writes from one thread sees the same bytes and counts in each run. A time-out is
virtual: `timeout` seconds of the board's clock. Only where another thread could still write does `read` also wait.
In the path `%`, `?` and `#` are written %25, %3F and %23 (`url_for` does that).
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qs, quote, unquote

from serial.serialutil import PortNotOpenError, SerialBase, SerialException

from tinyq_deploy import board as boards
from tinyq_deploy.board import Board
from tinyq_deploy.errors import UsageError
from tinyq_deploy.simulators.emulated_board import EmulatedBoard, FaultPolicy

SCHEME = "emu://"
_SLICE = 4_000_000
_PATIENCE_SECONDS = 10
_unlisted: dict[str, Board] = {}


def url_for(elf: Path, board: Board, faults: FaultPolicy = "raise") -> str:
    """The URL of `board` with `elf` in its flash. A board that is not one of ours is known to this process only."""
    if board.name in boards.names() and boards.load(board.name) == board:
        name = board.name
    else:
        name = next((key for key, known in _unlisted.items() if known == board), f"unlisted-{len(_unlisted)}")
        _unlisted[name] = board
    policy = "" if faults == "raise" else f"&faults={faults}"
    return f"{SCHEME}{quote(str(elf), safe='/:~')}?board={quote(name)}{policy}"


def parse(url: str) -> tuple[Path, Board, FaultPolicy]:
    """The parts of an emu:// URL. Raises UsageError."""
    rest = url[len(SCHEME) :]
    path, _, query = rest.rpartition("?") if "?" in rest else (rest, "", "")
    options = {key: values[-1] for key, values in parse_qs(query).items()}
    name, faults = options.pop("board", ""), options.pop("faults", "raise")
    if url[: len(SCHEME)].lower() != SCHEME or not path or not name or options or faults not in ("raise", "vector"):
        raise UsageError(
            "a virtual port is written emu://FILE.elf?board=NAME[&faults=raise|vector]",
            f"{url!r}",
            "`tinyq-deploy boards` lists the names",
        )
    known = _unlisted.get(name)
    return Path(unquote(path)), known or boards.load(name), cast(Literal["raise", "vector"], faults)


class Serial(SerialBase):  # type: ignore[misc]
    """The port. `emulated` is the board behind it while the port is open."""

    is_open: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.emulated: EmulatedBoard | None = None
        self._hz = 0
        self._changed = threading.Condition()
        super().__init__(*args, **kwargs)

    def open(self) -> None:
        """Switches the board on. Raises SerialException when open already, UsageError for a wrong URL or image."""
        if self.is_open:
            raise SerialException("Port is already open.")
        elf, board, faults = parse(self.portstr or "")
        self.emulated = EmulatedBoard(elf, board, faults)
        self._hz = board.clock.hz if board.clock else 0
        self.is_open = True

    def close(self) -> None:
        """Switches the board off."""
        with self._changed:
            self.is_open = False
            self.emulated = None
            self._changed.notify_all()

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` would give at once, after the board has had the chance to answer."""
        with self._changed:
            board = self._board()
            board.run(_SLICE, enough=1)
            return len(board.usart.outgoing)

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer when `timeout` seconds of virtual time have passed. Raises FirmwareFault."""
        with self._changed:
            deadline = time.monotonic() + (self._timeout or 0)
            self._produce(size)
            while self._must_wait(size, deadline):
                self._changed.wait(min(0.1, max(0.0, deadline - time.monotonic())) if self._timeout else 0.1)
                self._produce(size, through_sleep=False)
            return self._take(size)

    def write(self, data: bytes) -> int:
        """Puts `data` on the wire; the board sees it when someone reads."""
        with self._changed:
            self._board().send(bytes(data))
            self._changed.notify_all()
            return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def reset_input_buffer(self) -> None:
        """Drops what the board has sent so far."""
        with self._changed:
            self._board().usart.outgoing.clear()

    def reset_output_buffer(self) -> None:
        """Drops what the board has not taken yet."""
        with self._changed:
            self._board().usart.discard()

    def _board(self) -> EmulatedBoard:
        if not self.is_open or self.emulated is None:
            raise PortNotOpenError()
        return self.emulated

    def _produce(self, size: int, through_sleep: bool = True) -> None:
        """Runs until `size` bytes are there, the time-out has passed, or (not through_sleep) the board sleeps."""
        board = self._board()
        if self._timeout == 0:
            board.run(_SLICE, size)
            return
        patience = _PATIENCE_SECONDS if self._timeout is None else self._timeout
        clocks = max(1, int(patience * self._hz))
        end = board.now + clocks
        asleep = board.run(clocks, size)
        while not asleep and self._timeout is None and len(board.usart.outgoing) < size:
            end = board.now + clocks
            asleep = board.run(clocks, size)
        if asleep and through_sleep:
            board.run(end - board.now, size, through_sleep=True)

    def _must_wait(self, size: int, deadline: float) -> bool:
        """True while bytes are missing that another thread's writing could still bring in time."""
        if len(self._board().usart.outgoing) >= size or self._timeout == 0:
            return False
        alone = threading.active_count() == 1
        if self._timeout is None and alone:
            raise SerialException(f"the virtual board was silent for {_PATIENCE_SECONDS} s, and nobody else can write")
        return not alone and (self._timeout is None or time.monotonic() < deadline)

    def _take(self, size: int) -> bytes:
        outgoing = self._board().usart.outgoing
        data = bytes(outgoing[:size])
        del outgoing[:size]
        return data

    def _reconfigure_port(self) -> None:
        """Rates and framing are the board's business: bytes are not timed."""

    def _update_rts_state(self) -> None:
        """Not connected."""

    def _update_dtr_state(self) -> None:
        """Not connected: opening and closing never resets the board by DTR."""

    def _update_break_state(self) -> None:
        """Not connected."""
