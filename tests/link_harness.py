# SPDX-License-Identifier: Apache-2.0
"""The firmware's link compiled for the PC with a fake model, and ports that misbehave."""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest

from tinyq_deploy import assets, protocol
from tinyq_deploy.ports import Port, open_port
from tinyq_deploy.simulators.spawn import spawn_url

HERE = Path(__file__).parent / "link_host"
GOOD_CRC = zlib.crc32(b"123456789")
IN_0, IN_1, OUT_0 = 300, 900, 14
FLAGS = ("-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined")


def render_ids() -> str:
    """src/protocol_ids.h as a project has it."""
    loader = jinja2.FileSystemLoader(assets.folder("templates"))
    env = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return env.get_template("src/protocol_ids.h.j2").render(constants=protocol.c_constants()) + "\n"


def build_device(folder: Path, *, out_1: int = 700, crc: int = GOOD_CRC, port: Path = HERE / "port_stub.c",
                 state: bool = False) -> Path:  # fmt: skip
    """Compiles link, app, fake model and `port` into one program; its second output has `out_1` bytes;
    with `state` its count of runs is a state."""
    if shutil.which("gcc") is None or not Path("/proc/self/exe").exists():
        pytest.skip("needs gcc and Linux")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "protocol_ids.h").write_text(render_ids())
    firmware = assets.folder("firmware")
    sources = [*sorted((firmware / "link").glob("*.c")), firmware / "app" / "main.c", HERE / "fake_model.c", port]
    defines = (f"-DFAKE_OUT_1={out_1}u", f"-DFAKE_CRC={crc}u", "-fno-sanitize-recover=all",
               *(("-DFAKE_STATE",) if state else ()))  # fmt: skip
    includes = (f"-I{firmware}", f"-I{folder}", f"-I{HERE}")
    program = folder / "device"
    argv = ["gcc", *FLAGS, *defines, *includes, *map(str, sources), "-o", str(program)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def open_device(program: Path) -> Port:
    """A port to a fresh process of `program`."""
    return open_port(spawn_url(str(program)))


def outputs_of(inputs: list[bytes], out_1: int = 700) -> tuple[bytes, bytes]:
    """What the fake model makes of its inputs; the run counter of the first output is left out."""
    mask = 0xFFFFFFFF
    seed = zlib.crc32(b"".join(inputs))
    data = bytes((((seed ^ (i * 0x9E3779B1 & mask)) * 2654435761) & mask) >> 24 for i in range(OUT_0 + out_1))
    return data[: OUT_0 - 4], data[OUT_0:]


def random_inputs(rng: random.Random) -> list[bytes]:
    """Inputs that never begin with one of the fake model's magic bytes."""
    return [bytes((rng.randrange(100),)) + rng.randbytes(IN_0 - 1), rng.randbytes(IN_1)]


class NoisyPort:
    """A port whose line drops, flips, inserts and duplicates bytes, each with probability `rate`, both ways."""

    def __init__(self, port: Port, rate: float, seed: int) -> None:
        self._port = port
        self._rate = rate
        self._rng = random.Random(seed)
        self.faults = 0
        self.baudrate = 115200
        self.timeout: float | None = 0.0
        port.timeout = 0.005

    def _damage(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self._rng.random() >= 4 * self._rate:
                out.append(byte)
                continue
            self.faults += 1
            flipped = byte ^ 1 << self._rng.randrange(8)
            out += self._rng.choice(
                (b"", bytes((flipped,)), bytes((self._rng.randrange(256), byte)), bytes((byte,)) * 2)
            )
        return bytes(out)

    @property
    def in_waiting(self) -> int:
        return self._port.in_waiting

    def read(self, size: int = 1) -> bytes:
        return self._damage(self._port.read(size))

    def write(self, data: bytes) -> int:
        self._port.write(self._damage(data))
        return len(data)

    def reset_input_buffer(self) -> None:
        self._port.reset_input_buffer()

    def close(self) -> None:
        self._port.close()


class ScriptedPort:
    """A port whose other end is a function from what is written to what can be read then; `idle` can be read always."""

    def __init__(self, answer: Callable[[bytes], bytes], idle: Callable[[], bytes] = bytes) -> None:
        self._answer = answer
        self._idle = idle
        self._pending = b""
        self.baudrate = 115200
        self.timeout: float | None = 0.0

    @property
    def in_waiting(self) -> int:
        return len(self._pending)

    def read(self, size: int = 1) -> bytes:
        self._pending += self._idle()
        data, self._pending = self._pending[:size], self._pending[size:]
        return data

    def write(self, data: bytes) -> int:
        self._pending += self._answer(data)
        return len(data)

    def reset_input_buffer(self) -> None:
        self._pending = b""

    def close(self) -> None:
        pass
