# SPDX-License-Identifier: Apache-2.0
"""Boards by QEMU: qemu-system-arm on the machine that the board file names, its link UART on a local TCP port.

`-icount shift=N,sleep=off` makes virtual time a function of executed instructions, 2^N ns each; then SysTick, and all
that the firmware derives from it, is the same in every run. Without it SysTick follows the computer's clock.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from tinyq_deploy.board import Board, Qemu
from tinyq_deploy.errors import LinkError, UsageError
from tinyq_deploy.simulators.base import Running, Simulator

PROGRAM = "qemu-system-arm"
MACHINE_HZ: Mapping[str, int] = {
    "netduinoplus2": 168_000_000,
    "mps2-an385": 25_000_000,
    "mps2-an386": 25_000_000,
    "mps2-an500": 25_000_000,
    "mps2-an505": 20_000_000,
    "mps3-an547": 32_000_000,
}
"""What SysTick really counts in each machine, Hz, whatever clock the firmware has tried to set."""
_READY = "waiting for connection"
_START_SECONDS = 20.0
_PORT_TRIES = 3


def machine_argv(elf: Path, qemu: Qemu, link: str, images: Mapping[int, Path] | None = None) -> list[str]:
    """The command: `link` is the QEMU character device of the link UART, `images` memory contents by address."""
    before = ["-serial", "null"] * qemu.serial_index
    argv = [PROGRAM, "-M", qemu.machine, "-kernel", str(elf), "-display", "none", "-monitor", "none"]
    argv += [*before, "-serial", link, "-icount", f"shift={qemu.icount_shift},sleep=off"]
    for address, path in sorted((images or {}).items()):
        argv += ["-device", f"loader,file={_escaped(path)},addr={address:#x},force-raw=on"]
    return argv


def tcp_link(port: int) -> str:
    """The link UART as a server on `port`: QEMU waits for the host before it starts the core, so no byte is lost."""
    return f"tcp:127.0.0.1:{port},server=on,wait=on,nodelay=on"


def file_link(path: Path) -> str:
    """The link UART's output as a file."""
    return f"file:{path}"


def instructions(ticks: int, machine_hz: int, icount_shift: int) -> int:
    """Instructions in `ticks` of a counter at `machine_hz`: a tick is 1e9 / hz ns, an instruction 2^shift ns."""
    return ticks * 1_000_000_000 // (machine_hz << icount_shift)


class QemuSimulator(Simulator):
    """Any board whose file has [emulate.qemu]."""

    name: ClassVar[str] = "qemu"

    def available(self) -> str | None:
        """The program has to be on PATH."""
        return None if shutil.which(PROGRAM) else f"{PROGRAM} is not on PATH: {_install_line()}"

    def supports(self, board: Board) -> str | None:
        """A machine has to be named."""
        return None if board.emulate.qemu else "the board file has no [emulate.qemu]"

    def start(self, elf: Path, board: Board) -> Running:
        """Starts QEMU, which waits for the link to be opened. Raises UsageError, or LinkError when QEMU refuses."""
        qemu = _usable(self, board)
        if not elf.is_file():
            raise UsageError("the image can be read", f"{elf}: no such file", "build it first")
        said = ""
        for _ in range(_PORT_TRIES):
            port = _free_port()
            child = _spawn(machine_argv(elf, qemu, tcp_link(port)))
            running = _Running(child, port, qemu)
            try:
                said = _until_ready(child)
            except BaseException:
                running.close()
                raise
            if child.poll() is None and _READY in said:
                return running
            running.close()
        raise LinkError(
            "QEMU starts and offers its serial port", said.strip() or "it ended without a word", "check the image"
        )


class _Running(Running):
    time_source: ClassVar[str] = "instructions, QEMU -icount"

    def __init__(self, child: subprocess.Popen[str], port: int, qemu: Qemu) -> None:
        self.url = f"socket://127.0.0.1:{port}"
        self._child = child
        self._qemu = qemu
        atexit.register(self.close)

    def instructions(self, ticks: int, counter_hz: int) -> int | None:
        """By the machine's clock; the firmware's belief counts only for machines that are not in our table."""
        return instructions(ticks, MACHINE_HZ.get(self._qemu.machine, counter_hz), self._qemu.icount_shift)

    def close(self) -> None:
        """Ends QEMU."""
        atexit.unregister(self.close)
        end(self._child)


def run_image(
    elf: Path, board: Board, images: Mapping[int, Path] | None = None, until: bytes = b"\x04", timeout: float = 60.0
) -> bytes:
    """Runs an image that needs no input but `images` in its memory, and gives what it sends up to `until`.

    Raises LinkError when `until` has not come after `timeout` seconds, UsageError when the board has no machine here.
    """
    qemu = _usable(QemuSimulator(), board)
    with TemporaryDirectory() as folder:
        sent = Path(folder) / "link.bin"
        sent.touch()
        child = _spawn(machine_argv(elf, qemu, file_link(sent), images))
        try:
            deadline = time.monotonic() + timeout
            while until not in sent.read_bytes() and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            end(child)
        data = sent.read_bytes()
    if until not in data:
        raise LinkError(
            "an image that runs by itself says when it is done",
            f"{elf.name}: no {until!r} after {timeout:g} s, {len(data)} bytes: {data[-80:]!r}",
            "give it more time, or look for a fault",
        )
    return data[: data.index(until)]


def end(child: subprocess.Popen[str]) -> None:
    """Ends a child that `_spawn` started; may be called twice."""
    if child.poll() is None:
        child.kill()
    child.wait()
    if child.stderr and not child.stderr.closed:
        child.stderr.close()


def _usable(simulator: QemuSimulator, board: Board) -> Qemu:
    reason = simulator.supports(board) or simulator.available()
    if reason or board.emulate.qemu is None:
        raise UsageError("QEMU can stand for the board and is installed", f"{board.name}: {reason}")
    return board.emulate.qemu


def _spawn(argv: Sequence[str]) -> subprocess.Popen[str]:
    """In a session of its own: Ctrl-C is ours to handle, and we end the child."""
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=os.name == "posix",
    )


def _until_ready(child: subprocess.Popen[str]) -> str:
    """What QEMU says until it listens, ends, or the time is up. A thread goes on reading, so that QEMU never blocks."""
    said: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        try:
            for line in child.stderr or ():
                said.append(line)
                if _READY in line:
                    ready.set()
        except ValueError:
            pass  # the pipe was closed by `end`
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(_START_SECONDS)
    return "".join(said)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _escaped(path: Path) -> str:
    """A comma in a QEMU option value is written twice."""
    return str(path).replace(",", ",,")


def _install_line() -> str:
    return {"linux": "sudo apt install qemu-system-arm", "darwin": "brew install qemu"}.get(
        sys.platform, "winget install SoftwareFreedomConservancy.QEMU, and add its folder to PATH"
    )
