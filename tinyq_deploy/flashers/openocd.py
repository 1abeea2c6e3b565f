# SPDX-License-Identifier: Apache-2.0
"""OpenOCD, https://openocd.org."""

from __future__ import annotations

from tinyq_deploy.board import Board
from tinyq_deploy.flashers.base import Argv, Firmware, ToolFlasher


class OpenOcd(ToolFlasher):
    """OpenOCD's `program` with verification. A board file may name several configurations, with spaces between."""

    name = "openocd"
    program = "openocd"
    install = "`sudo apt install openocd`, `brew install openocd` or `winget install xpack-dev-tools.openocd`"
    verifies = True

    def needs(self, board: Board) -> str | None:
        return None if board.flash and board.flash.openocd else "the board file names no OpenOCD configuration"

    def argv(self, command: Argv, firmware: Firmware, board: Board, probe: str | None) -> Argv:
        configurations = board.flash.openocd.split() if board.flash else []
        return (
            *command,
            *(word for configuration in configurations for word in ("-f", configuration)),
            *(("-c", f"adapter serial {probe}") if probe else ()),
            *("-c", f"program {{{firmware.elf.as_posix()}}} verify reset exit"),
        )
