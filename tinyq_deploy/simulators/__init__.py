# SPDX-License-Identifier: Apache-2.0
"""The virtual boards, in order of preference."""

from __future__ import annotations

import serial

from tinyq_deploy.board import Board
from tinyq_deploy.errors import UsageError
from tinyq_deploy.simulators.base import Running, Simulator
from tinyq_deploy.simulators.host import Host
from tinyq_deploy.simulators.qemu import QemuSimulator
from tinyq_deploy.simulators.unicorn_stm32f4 import UnicornStm32F4

SIMULATORS: tuple[Simulator, ...] = (
    UnicornStm32F4(),
    QemuSimulator(),
    Host(),
)

__all__ = ["SIMULATORS", "Running", "Simulator", "pick"]

# pyserial looks for `protocol_emu` here, so that emu:// URLs open like any port.
if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)


def pick(board: Board, name: str = "") -> Simulator:
    """The first simulator (or the one called `name`) that can stand for `board`. Raises UsageError with the reasons."""
    known = [simulator for simulator in SIMULATORS if name in ("", simulator.name)]
    if not known:
        names = ", ".join(simulator.name for simulator in SIMULATORS)
        raise UsageError("--simulator takes the name of a simulator", f"{name!r}", f"one of: {names}")
    reasons = {simulator.name: simulator.supports(board) or simulator.available() for simulator in known}
    for simulator in known:
        if reasons[simulator.name] is None:
            return simulator
    raise UsageError(
        "a virtual run needs a simulator that knows the board and is installed",
        f"board {board.name}: " + "; ".join(f"{key}: {reason}" for key, reason in reasons.items()),
        "install one of them, choose another board (`tinyq-deploy boards`), or flash the real one",
    )
