# SPDX-License-Identifier: Apache-2.0
"""st-flash of stlink-tools, https://github.com/stlink-org/stlink."""

from __future__ import annotations

from tinyq_deploy.board import Board
from tinyq_deploy.flashers.base import Argv, Firmware, ToolFlasher


class StLink(ToolFlasher):
    """`st-flash write`, which reads the flash back."""

    name = "stlink"
    program = "st-flash"
    install = "`sudo apt install stlink-tools` or `brew install stlink`"
    verifies = True

    def argv(self, command: Argv, firmware: Firmware, board: Board, probe: str | None) -> Argv:
        return (
            *command,
            "--connect-under-reset",
            "--reset",
            *(("--serial", probe) if probe else ()),
            "write",
            str(firmware.bin),
            f"{firmware.origin:#010x}",
        )
