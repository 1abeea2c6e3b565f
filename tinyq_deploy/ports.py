# SPDX-License-Identifier: Apache-2.0
"""Serial ports: which of them may be a board, and how one is opened."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import serial
from serial.tools import list_ports as _list_ports

from tinyq_deploy.errors import LinkError

_HANDLERS = "tinyq_deploy.simulators"

# USB vendor, product (None: any of the vendor), what it is. Sources: the vendors' driver lists and pyOCD's probe table.
USB_IDS: tuple[tuple[int, int | None, str], ...] = (
    (0x0483, 0x374A, "ST-LINK/V2-1"),
    (0x0483, 0x374B, "ST-LINK/V2-1"),
    (0x0483, 0x3752, "ST-LINK/V2-1 without mass storage"),
    (0x0483, 0x374E, "ST-LINK/V3"),
    (0x0483, 0x374F, "ST-LINK/V3"),
    (0x0483, 0x3753, "ST-LINK/V3 with two ports"),
    (0x0483, 0x3754, "ST-LINK/V3 without mass storage"),
    (0x0483, 0x3755, "ST-LINK/V3"),
    (0x0483, 0x3757, "ST-LINK/V3"),
    (0x0483, 0x5740, "ST USB CDC device"),
    (0x1366, None, "SEGGER J-Link"),
    (0x0D28, 0x0204, "Arm DAPLink"),
    (0x2E8A, 0x0005, "Raspberry Pi Pico, MicroPython"),
    (0x2E8A, 0x000A, "Raspberry Pi Pico, USB CDC"),
    (0x2E8A, 0x000C, "Raspberry Pi Debug Probe"),
    (0x2341, None, "Arduino"),
    (0x2A03, None, "Arduino"),
    (0x0403, 0x6001, "FTDI FT232R"),
    (0x0403, 0x6010, "FTDI FT2232"),
    (0x0403, 0x6014, "FTDI FT232H"),
    (0x0403, 0x6015, "FTDI FT-X"),
    (0x10C4, 0xEA60, "Silicon Labs CP210x"),
    (0x1A86, 0x7523, "WCH CH340"),
    (0x1A86, 0x55D4, "WCH CH9102"),
    (0x1FC9, 0x0143, "NXP MCU-Link"),
)


class Port(Protocol):
    """What the link needs of a pyserial port."""

    baudrate: int
    timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def reset_input_buffer(self) -> None: ...
    def close(self) -> None: ...


class PortInfo(Protocol):
    """What list_ports needs of a pyserial ListPortInfo."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None


@dataclass(frozen=True)
class Candidate:
    """A port that may be a board, and why."""

    device: str
    why: str
    serial_number: str = ""
    description: str = ""


def list_ports(present: Iterable[PortInfo] | None = None) -> tuple[Candidate, ...]:
    """The ports whose USB ids are those of a probe, a board or a serial adapter, sorted by device."""
    infos = _list_ports.comports() if present is None else present
    found = [_candidate(info) for info in infos]
    return tuple(sorted((item for item in found if item), key=lambda item: item.device))


def _candidate(info: PortInfo) -> Candidate | None:
    for vid, pid, what in USB_IDS:
        if info.vid == vid and info.pid is not None and pid in (None, info.pid):
            why = f"{what} (USB {info.vid:04x}:{info.pid:04x})"
            return Candidate(info.device, why, info.serial_number or "", info.description)
    return None


def choose_port(candidates: Iterable[Candidate]) -> Candidate:
    """The only candidate. Raises LinkError when there is none or a choice: a board is never guessed."""
    items = tuple(candidates)
    if len(items) == 1:
        return items[0]
    if not items:
        raise LinkError(
            "a board is connected", "no serial port of a known board, probe or adapter", "connect it or give --port"
        )
    listing = "; ".join(f"{item.device}: {item.why} {item.serial_number}".rstrip() for item in items)
    raise LinkError("--port says which board, where there are several", listing, "give --port")


def open_port(url: str, baud: int = 115200, *, dtr: bool | None = None) -> Port:
    """Opens a port by name or pyserial URL (socket://, spawn://, emu://), exclusively, at `baud` bits per second.

    `dtr` sets the DTR and RTS lines before opening; None leaves both to the driver. Raises LinkError.
    """
    if _HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_HANDLERS)
    try:
        port = serial.serial_for_url(url, do_not_open=True, timeout=0.05, exclusive=True)
        if not url.lower().startswith("rfc2217:"):
            port.write_timeout = 5
        if dtr is not None:
            port.dtr = port.rts = dtr
        port.open()
        port.baudrate = baud  # behind open(): some CH341 drivers forget a rate that is set before
    except (OSError, ValueError) as error:
        raise _open_error(url, error) from error
    opened: Port = port
    return opened


def _open_error(url: str, error: OSError | ValueError) -> LinkError:
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return LinkError(
            "one program at a time uses a port", f"{url} is busy", "close the terminal or script that has it open"
        )
    if number in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        return LinkError(
            "the port may be opened",
            f"{url}: access is denied",
            "on Linux add yourself to the group dialout and log in again; on Windows close whatever has it open",
        )
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or "FileNotFoundError" in text:
        return LinkError("the port exists", f"{url} is not there", _present())
    if isinstance(error, ValueError):
        return LinkError("--port takes a port name or a pyserial URL", f"{url}: {error}", _present())
    return LinkError("the port opens", f"{url}: {text}", "check that it is connected and that its other end listens")


def _present() -> str:
    names = ", ".join(info.device for info in _list_ports.comports())
    return f"ports here: {names}" if names else "no serial port is here; check the cable"
