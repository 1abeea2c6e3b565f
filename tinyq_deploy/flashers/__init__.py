# SPDX-License-Identifier: Apache-2.0
"""The flashers that exist, and the choice among them."""

from __future__ import annotations

from pathlib import Path

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FlashError, UsageError
from tinyq_deploy.flashers import probes
from tinyq_deploy.flashers.base import Firmware, Flasher, FlashResult
from tinyq_deploy.flashers.cube import Cube
from tinyq_deploy.flashers.msd import Msd
from tinyq_deploy.flashers.openocd import OpenOcd
from tinyq_deploy.flashers.pyocd import PyOcd
from tinyq_deploy.flashers.stlink import StLink

__all__ = ["REGISTRY", "Firmware", "FlashResult", "Flasher", "flash"]

REGISTRY: dict[str, Flasher] = {flasher.name: flasher for flasher in (Msd(), PyOcd(), OpenOcd(), StLink(), Cube())}


def flash(
    elf: Path, board: Board, method: str | None = None, probe: str | None = None, dry_run: bool = False
) -> FlashResult:
    """Writes `elf` (and the .bin beside it) to `board` by `method`, else by the board file's first that is available.

    `probe` is a probe's serial number (for msd the volume's path); without one the only probe is taken. Raises
    FlashError with the cause and the next step, UsageError for a method or board that cannot be meant.
    """
    if board.flash is None or board.memory is None:
        raise UsageError("the board has hardware to flash", f"{board.name} is virtual", "run it with --virtual")
    firmware = Firmware(elf, elf.with_suffix(".bin"), board.memory.flash.origin)
    for path in (firmware.elf, firmware.bin):
        if not path.is_file():
            raise FlashError("the image is built", f"no {path}", "build it first")
    flasher = _choose(board, method, dry_run)
    chosen = _one_probe(probe) if flasher.uses_usb_probe and not dry_run else probe
    steps = flasher.steps(firmware, board, chosen)
    if not dry_run:
        flasher.flash(firmware, board, chosen)
    return FlashResult(flasher.name, steps, chosen, flasher.verifies and not dry_run, dry_run)


def _choose(board: Board, method: str | None, dry_run: bool) -> Flasher:
    """The method asked for, else the first of the board file that can be used; a dry run needs no tool."""
    methods: tuple[str, ...] = board.flash.methods if board.flash else ()
    if method is not None:
        return _named(method, board, dry_run)
    reasons = {name: REGISTRY[name].missing(board) for name in methods}
    for name, reason in reasons.items():
        if reason is None:
            return REGISTRY[name]
    if dry_run and methods:
        return REGISTRY[methods[0]]
    raise FlashError(
        "a way to flash the board is available",
        "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "the board file lists no method",
        "plug the board in; or install one: " + "; ".join(f"{name}: {REGISTRY[name].install}" for name in methods),
    )


def _named(method: str, board: Board, dry_run: bool) -> Flasher:
    flasher = REGISTRY.get(method)
    if flasher is None:
        raise UsageError("--method names a way to flash", repr(method), f"one of {', '.join(REGISTRY)}")
    reason = flasher.missing(board)
    if reason is not None and not dry_run:
        raise FlashError("the method that was asked for is available", f"{method}: {reason}", flasher.install)
    return flasher


def _one_probe(probe: str | None) -> str | None:
    """The probe asked for; None, the tool's only one, unless several are seen."""
    found = probes.connected()
    if probe is not None or len(found) < 2:
        return probe
    listed = ", ".join(str(one) for one in found)
    told = f"{len(found)} are connected: {listed}"
    raise FlashError("one probe is chosen", told, "give a serial number with --probe")
