# SPDX-License-Identifier: Apache-2.0
"""Which debug probes are plugged in, from the USB serial ports that they bring along. Needs no tool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tinyq_deploy import ports

_PROBES = ("ST-LINK", "SEGGER J-Link", "Arm DAPLink", "Raspberry Pi Debug Probe", "NXP MCU-Link")


@dataclass(frozen=True)
class Probe:
    """A debug probe: its USB serial number, what it is, and its serial port."""

    serial: str
    kind: str
    port: str

    def __str__(self) -> str:
        return f"{self.serial} ({self.kind}, {self.port})"


def connected(present: Iterable[ports.Candidate] | None = None) -> tuple[Probe, ...]:
    """The probes that show a serial port, each once, sorted by serial number. One without a port is not seen."""
    found: dict[str, Probe] = {}
    for port in ports.list_ports() if present is None else present:
        if port.serial_number and port.why.startswith(_PROBES):
            found.setdefault(port.serial_number, Probe(port.serial_number, port.why, port.device))
    return tuple(found[serial] for serial in sorted(found))
