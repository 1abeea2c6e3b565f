# SPDX-License-Identifier: Apache-2.0
"""Drag and drop: the ST-Link shows a volume, and a .bin that is copied there is programmed. No tool needed.

The volume tells of a failure in FAIL.TXT. It does not read the flash back; the build id in HELLO is the proof.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError
from tinyq_deploy.flashers import volumes
from tinyq_deploy.flashers.base import Argv, Firmware, Flasher
from tinyq_deploy.flashers.messages import HALF_WRITTEN
from tinyq_deploy.flashers.volumes import Volume

WAIT_SECONDS = 15.0
_POLL_SECONDS = 0.2
_NAME = "tinyq.bin"
_FAIL = "FAIL.TXT"
_MARKS = ("MBED.HTM", "DETAILS.TXT")
_HINTS = {
    errno.ENOSPC: "the ST-Link does not reach its chip: check the jumpers, then replug",
    errno.EROFS: "the volume is mounted read-only: replug the board",
    errno.EACCES: "mount the volume as your own user",
    errno.EPERM: "mount the volume as your own user",
}


class Msd(Flasher):
    """Copies the .bin to the board's volume and waits for the ST-Link to take it."""

    name = "msd"
    install = "nothing to install: plug the board in and mount its volume"
    uses_usb_probe = False

    def __init__(
        self,
        list_volumes: Callable[[], tuple[Volume, ...]] = volumes.mounted,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._list = list_volumes
        self._sleep = sleep

    def missing(self, board: Board) -> str | None:
        if not board.flash or not board.flash.volume:
            return "the board file names no volume"
        found = self._matching(board)
        if any(volume.path for volume in found):
            return None
        if found:
            return f"volume {found[0].label} is not mounted: udisksctl mount -b {found[0].device}"
        return f"no volume {board.flash.volume} is plugged in"

    def steps(self, firmware: Firmware, board: Board, probe: str | None) -> tuple[Argv, ...]:
        """Without a mounted volume, as in a dry run, its label stands for it."""
        label = Path(board.flash.volume if board.flash else "")
        target = label if self.missing(board) else self._target(board, probe)
        return (("copy", str(firmware.bin), str(target / _NAME)),)

    def flash(self, firmware: Firmware, board: Board, probe: str | None) -> None:
        target = self._target(board, probe)
        try:
            _copy(firmware.bin.read_bytes(), target / _NAME)
        except OSError as error:
            hint = _HINTS.get(error.errno or 0, HALF_WRITTEN)
            raise FlashError("the image is copied to the board", f"{target}: {error.strerror}", hint) from error
        self._wait(target)

    def _matching(self, board: Board) -> tuple[Volume, ...]:
        """Volumes with the board's label; systems add a number to a second one of the same label."""
        label = re.escape(board.flash.volume if board.flash else "")
        pattern = re.compile(rf"{label}[ _]?\d{{0,2}}", re.IGNORECASE)
        return tuple(v for v in self._list() if pattern.fullmatch(v.label) and (v.path is None or _is_probe(v.path)))

    def _target(self, board: Board, probe: str | None) -> Path:
        paths = [volume.path for volume in self._matching(board) if volume.path]
        if probe is not None:
            paths = [path for path in paths if str(path) == probe]
        if len(paths) == 1:
            return paths[0]
        if not paths:
            reason = self.missing(board) or f"none is mounted at {probe}"
            raise FlashError("the board's volume is mounted", reason, self.install)
        found = f"{len(paths)} volumes: {', '.join(str(path) for path in paths)}"
        raise FlashError("one board is chosen", found, "give one of these paths with --probe")

    def _wait(self, target: Path) -> None:
        """Until the copy has gone, as it does when the ST-Link is done and shows its volume anew, or for 15 s."""
        for _ in range(int(WAIT_SECONDS / _POLL_SECONDS)):
            self._sleep(_POLL_SECONDS)
            if _is_probe(target) and not (target / _NAME).exists():
                break
        try:
            told = (target / _FAIL).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return
        hint = "check the jumpers and the power, unplug and replug; or use another --method"
        raise FlashError("the ST-Link programs the image", f"{target / _FAIL}: {told}", hint)


def _is_probe(path: Path) -> bool:
    """True for a volume with the files of a debug probe: another stick of that label is left alone."""
    return any((path / mark).exists() for mark in _MARKS)


def _copy(data: bytes, target: Path) -> None:
    """Writes in order and to the device: the ST-Link programs blocks as they arrive."""
    with target.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
