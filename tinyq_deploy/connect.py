# SPDX-License-Identifier: Apache-2.0
"""From a built project to a device that answers: a board at a serial port, or a virtual one switched on for the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyq_deploy import manifest, ports, simulators
from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError, LinkError
from tinyq_deploy.stream import Device

# Seconds that a virtual board may take longer than a real one before a request is sent again.
_VIRTUAL_MARGIN = 20.0


def verify_flashed(about: manifest.Manifest, board: Board, probe: str, port: str) -> str:
    """Asks the board for its build id: "" when it is the flashed one, or why it could not be asked.

    Without `port`, the only candidate (with the serial number `probe`, if given) is asked. Raises FlashError when the
    board runs something else.
    """
    if not port:
        found = [item for item in ports.list_ports() if probe in ("", item.serial_number)]
        if len(found) != 1:
            return f"{len(found)} serial ports could be the board's; give --port"
        port = found[0].device
    baud = _first_baud(board)
    with Device(ports.open_port(port, baud), baud=baud) as device:
        try:
            device.hello()
            device.require(sha256=bytes.fromhex(about.model_sha256), build_id=about.build_id)
        except LinkError as error:
            fault = error.faults[0]
            raise FlashError("the board runs the image that was flashed", fault.found, fault.hint) from error
    return ""


@contextmanager
def device_of(
    elf: Path, board: Board, *, port: str = "", baud: int = 0, virtual: bool = False, simulator: str = ""
) -> Iterator[tuple[Device, simulators.Running | None]]:
    """The device to measure: a simulator switched on for this run, or the board at `port`, else the only one connected.

    With a `baud` of the user's own the rate stays there; else it goes up as far as board and line take it.
    """
    if virtual or (board.always_virtual and not port):
        with (
            simulators.pick(board, simulator).start(elf, board) as running,
            Device(ports.open_port(running.url), margin=_VIRTUAL_MARGIN) as device,
        ):
            yield device, running
        return
    rate = baud or _first_baud(board)
    name = port or ports.choose_port(ports.list_ports()).device
    with Device(ports.open_port(name, rate), baud=rate) as device:
        if board.uart and not baud and device.hello():
            device.raise_baud(board.uart.max_baud)
        yield device, None


def _first_baud(board: Board) -> int:
    return board.uart.baud if board.uart else 115200
