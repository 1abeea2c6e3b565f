# SPDX-License-Identifier: Apache-2.0
"""What the flashing tools say when they fail, and what it means for the user."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError
from tinyq_deploy.process import Finished

HALF_WRITTEN = "the board may hold no or half a program: flash it again"


@dataclass(frozen=True)
class _Cause:
    """A cause: a pattern in a tool's output, the rule it breaks, the next step."""

    pattern: re.Pattern[str]
    rule: str
    hint: str


def _cause(pattern: str, rule: str, hint: str) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), rule, hint)


# In this order: a tool that may not open the probe also says that it found none. The texts are those of pyOCD 0.46,
# OpenOCD 0.12, st-flash 1.7 with libusb, and STM32CubeProgrammer 2.
CAUSES: tuple[_Cause, ...] = (
    _cause(
        r"LIBUSB_ERROR_ACCESS|access denied|permission denied|insufficient permissions|errno=13|write access to USB",
        "the probe can be opened",
        "Linux: install the udev rules of the tool (openocd, stlink-tools and pyOCD bring some), then replug; "
        "Windows: install ST's USB driver",
    ),
    _cause(
        r"device protected|read.?out protect|read.?protect|\bRDP\b|APPROTECT|failed to unlock flash|device is secured"
        r"|target is locked|flash.*locked",
        "the part is not locked",
        "unlocking erases all of it, so it is left to you: STM32_Programmer_CLI -c port=SWD -rdu, or the vendor's tool",
    ),
    _cause(
        r"LIBUSB_ERROR_BUSY|LIBUSB_ERROR_NOT_SUPPORTED|already in use|resource busy|probe.*in use",
        "no other program holds the probe",
        "close the debugger or IDE that uses it",
    ),
    _cause(
        r"multiple.*(probe|st-?link)|more than one.*(probe|st-?link)|enter the number of the debug probe",
        "one probe is chosen",
        "give its serial number with --probe",
    ),
    _cause(
        r"verification of flash failed|verify failed|data mismatch found|checksum mismatch|verification failed",
        "the flash holds what was written",
        "flash again; if it persists, check the board file's chip and flash size",
    ),
    _cause(
        r"LIBUSB_ERROR_NO_DEVICE|LIBUSB_ERROR_IO|LIBUSB_ERROR_PIPE|no such device|DEV_USB_COMM_ERR|disconnected",
        "the board stays plugged in while it is flashed",
        HALF_WRITTEN,
    ),
    _cause(
        r"target type .* not recognized",
        "pyOCD knows the target",
        "run `pyocd pack update` and `pyocd pack install` with the target's name, or use another method",
    ),
    _cause(
        r"no (available|connected) debug probe|couldn't (find|locate) any st-?link|no debug probe detected"
        r"|no st-?link detected|error: open failed|unable to find a matching .*device",
        "a debug probe is connected",
        "plug the board in by its ST-Link USB port with a data cable; `tinyq-deploy doctor` lists what is seen",
    ),
    _cause(
        r"no stm32 target found|no target device|init mode failed|failed to connect to target|unknown chip ?id"
        r"|unexpected idcode|unknown or unsupported device|could not find MEM-AP",
        "the probe reaches the chip that the board file names",
        "check --board, the power and the jumpers of the ST-Link; hold RESET while it connects",
    ),
)


def explain(method: str, board: Board, result: Finished) -> FlashError:
    """The error for a tool that failed on `board`: a known cause, else the tool's last words."""
    if result.status is None:
        found = f"{method} on {board.name}: ended, or no answer in time"
        return FlashError("the flashing tool comes to its end", found, HALF_WRITTEN)
    for cause in CAUSES:
        found_at = cause.pattern.search(result.output)
        if found_at:
            told = _line(result.output, found_at.start())
            return FlashError(cause.rule, f"{method} on {board.name}: {told}", cause.hint)
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    told = " / ".join(lines[-3:]) or "no message"
    found = f"{method} on {board.name}, exit status {result.status}: {told}"
    return FlashError("the flashing tool succeeds", found, f"run it by hand: {' '.join(result.argv)}")


def _line(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : end if end >= 0 else len(text)].strip()
