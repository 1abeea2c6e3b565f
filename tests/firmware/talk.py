# SPDX-License-Identifier: Apache-2.0
"""Conversations with the echo application, on QEMU and on the virtual board."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tinyq_deploy.board import Board


class Talk:
    """Both ends of a byte stream to the application."""

    def __init__(self, send: Callable[[bytes], Any], receive: Callable[[int], bytes]) -> None:
        self.send = send
        self._receive = receive

    def read(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self._receive(size - len(got))
            if not piece:
                break
            got += piece
        return got

    def ask(self, command: bytes) -> dict[str, int]:
        """Sends a command and reads its line of name=hex."""
        self.send(command)
        line = b""
        while not line.endswith(b"\n"):
            piece = self.read(1)
            assert piece, f"silence after {line!r}"
            line += piece
        return {key: int(value, 16) for key, value in (word.split("=") for word in line.decode().split())}

    def sync(self) -> None:
        """Sends until the application answers: it may just be starting."""
        for _ in range(50):
            self.send(b"~")
            if self.read(1) == b"~":
                break
        else:
            pytest.fail("the application does not answer")
        self.send(b"!")
        while self.read(1) == b"~":
            pass


@contextmanager
def qemu(made: Board, elf: Path) -> Iterator[Talk]:
    """The image on the QEMU machine of its board."""
    program = shutil.which("qemu-system-arm")
    if program is None:
        pytest.skip("no qemu-system-arm on this computer")
    machine = made.emulate.qemu
    assert machine is not None
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        silent = ["-serial", "null"] * machine.serial_index
        # Virtual time counts instructions, so that a busy host does not disturb what the firmware measures.
        clock = ["-icount", f"shift={machine.icount_shift},sleep=off"]
        argv = [program, "-M", machine.machine, "-kernel", str(elf), "-display", "none", "-monitor", "none", *clock]
        process = subprocess.Popen([*argv, *silent, "-serial", f"tcp:127.0.0.1:{port},nodelay=on"])
        try:
            server.settimeout(20)
            line, _ = server.accept()
            with line:
                line.settimeout(1)
                yield Talk(line.sendall, lambda size: _receive(line, size))
        finally:
            process.kill()
            process.wait()


def _receive(line: socket.socket, size: int) -> bytes:
    try:
        return line.recv(size)
    except TimeoutError:
        return b""


def open_virtual(url: str) -> Any:
    """The virtual board's port, with faults left to the firmware."""
    import serial

    package = "tinyq_deploy.simulators"
    if package not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(package)
    return serial.serial_for_url(f"{url}&faults=vector", timeout=1)
