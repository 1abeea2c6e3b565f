# SPDX-License-Identifier: Apache-2.0
"""pyOCD, a Python package."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

from tinyq_deploy.board import Board
from tinyq_deploy.flashers.base import Argv, Firmware, ToolFlasher


class PyOcd(ToolFlasher):
    """`pyocd load`, sector by sector; a locked part is not unlocked, which would erase it."""

    name = "pyocd"
    program = "pyocd"
    install = "`pip install 'tinyq-deploy[flash]'`"

    def command(self) -> Argv | None:
        if find_spec("pyocd") is not None:
            return (sys.executable, "-m", "pyocd")
        path = shutil.which(self.program)
        return (path,) if path else None

    def needs(self, board: Board) -> str | None:
        return None if board.flash and board.flash.pyocd else "the board file names no pyocd target"

    def argv(self, command: Argv, firmware: Firmware, board: Board, probe: str | None) -> Argv:
        return (
            *command,
            "load",
            "--no-wait",
            *("--target", board.flash.pyocd if board.flash else ""),
            *(("--uid", probe) if probe else ()),
            *("--erase", "sector"),
            *("-O", "auto_unlock=false"),
            str(firmware.elf),
        )
