# SPDX-License-Identifier: Apache-2.0
"""STM32CubeProgrammer's command line (ST UM2237)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tinyq_deploy.board import Board
from tinyq_deploy.flashers.base import Argv, Firmware, ToolFlasher

_BIN = Path("STMicroelectronics/STM32Cube/STM32CubeProgrammer")
_MAC = Path("/Applications") / _BIN / "STM32CubeProgrammer.app/Contents/MacOs/bin"


class Cube(ToolFlasher):
    """STM32_Programmer_CLI over SWD, connected under reset, with verification."""

    name = "cube"
    program = "STM32_Programmer_CLI"
    install = "install STM32CubeProgrammer from st.com"
    verifies = True

    def command(self) -> Argv | None:
        windows = Path(os.environ.get("PROGRAMFILES", "C:/Program Files"))
        places = (Path.home() / _BIN / "bin", _MAC, windows / _BIN / "bin")
        path = shutil.which(self.program) or shutil.which(self.program, path=os.pathsep.join(map(str, places)))
        return (path,) if path else None

    def argv(self, command: Argv, firmware: Firmware, board: Board, probe: str | None) -> Argv:
        return (
            *command,
            *("-c", "port=SWD", *((f"sn={probe}",) if probe else ()), "mode=UR", "reset=HWrst"),
            *("-w", str(firmware.bin), f"{firmware.origin:#010x}"),
            "-v",
            "-rst",
        )
