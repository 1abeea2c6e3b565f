# SPDX-License-Identifier: Apache-2.0
"""Each known failure in the tools' own words, and what the user is told."""

from __future__ import annotations

import pytest

from tinyq_deploy.flashers.messages import HALF_WRITTEN, explain
from tinyq_deploy.process import Finished

NO_PROBE = "a debug probe is connected"
ACCESS = "the probe can be opened"
CASES = [
    ("0000246 E No target device available [load_cmd]\nNo connected debug probes", NO_PROBE, "cable"),
    ("No connected debug probe matches unique ID 'ABC'", NO_PROBE, "doctor"),
    ("WARN usb.c: Couldn't find any ST-Link devices", NO_PROBE, "cable"),
    ("Info : clock speed 2000 kHz\nError: open failed\n** OpenOCD init failed **", NO_PROBE, "cable"),
    ("Error: No debug probe detected.", NO_PROBE, "cable"),
    ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed", ACCESS, "udev"),
    ("libusb: error [get_usbfs_fd] libusb requires write access to USB device nodes", ACCESS, "udev"),
    ("Error: stm32x device protected\nError: failed erasing sectors 0 to 2", "the part is not locked", "left to you"),
    ("WARN common.c: Failed to unlock flash!", "the part is not locked", "left to you"),
    ("ERROR common_flash.c: Verification of flash failed at offset: 0", "the flash holds what was written", "again"),
    ("** Verify Failed **", "the flash holds what was written", "again"),
    ("Error: Data mismatch found at address 0x08000004 (byte = 0x31 instead of 0x5D)",
     "the flash holds what was written", "again"),
    ("Error: ST-LINK error (DEV_USB_COMM_ERR)", "the board stays plugged in while it is flashed", "half a program"),
    ("libusb: LIBUSB_ERROR_NO_DEVICE", "the board stays plugged in while it is flashed", "half a program"),
    ("Target type stm32f446re not recognized. Use 'pyocd list --targets'", "pyOCD knows the target", "pack install"),
    ("Error: No STM32 target found!", "the probe reaches the chip that the board file names", "--board"),
    ("Error: init mode failed (unable to connect to the target)",
     "the probe reaches the chip that the board file names", "jumpers"),
    ("LIBUSB_ERROR_BUSY", "no other program holds the probe", "close"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "rule", "hint"), CASES)
def test_a_known_failure(board, told, rule, hint):
    error = explain("tool", board, Finished(("tool",), 1, told, ""))
    assert error.faults[0].rule == rule
    assert hint in error.faults[0].hint
    assert "f446" in error.faults[0].found
    assert error.exit_code == 5


def test_no_hint_erases_a_part_by_itself(board):
    error = explain("tool", board, Finished(("tool",), 1, "device protected", ""))
    assert "erases all of it" in error.faults[0].hint


def test_an_unknown_failure_shows_the_last_words_and_the_command(board):
    error = explain("tool", board, Finished(("tool", "-x"), 9, "one\ntwo\nthree\nfour\n", ""))
    assert "exit status 9: two / three / four" in str(error)
    assert "tool -x" in str(error)


def test_a_tool_that_hangs(board):
    assert HALF_WRITTEN in str(explain("tool", board, Finished(("tool",), None, "", "")))
