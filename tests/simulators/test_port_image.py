# SPDX-License-Identifier: Apache-2.0
"""The firmware's own port, unmodified, on the emulated F4 boards: clocks, counter, ring, sleep, faults, resets."""

from __future__ import annotations

import importlib
import random
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import serial

pytest.importorskip("unicorn")

from tinyq_deploy import board as boards
from tinyq_deploy.simulators.protocol_emu import url_for
from tinyq_deploy.simulators.symbols import locate
from tinyq_deploy.toolchains import Gcc

F4 = tuple(name for name in boards.names() if boards.load(name).emulate.unicorn == "stm32f4")
INFO, COUNTER, SLEEP, FPU, BAUD, CRASH, OVERFLOW, RESET = (bytes([n]) for n in range(1, 9))
DWT, POWER_ON, SOFTWARE = 1, 1, 3


def ask(port: Any, command: bytes) -> dict[str, int]:
    port.write(command)
    line = port.readline().decode()
    assert line.endswith("\n"), line
    return {key: int(value, 16) for key, value in re.findall(r"(\w+)=(\w+)", line)}


def end_with(port: Any, command: bytes) -> None:
    """Sends a command that ends in a reset, and lets that happen before anything else is sent."""
    port.write(command)
    assert port.in_waiting == 0


@pytest.fixture(scope="module", params=F4)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A board and the echo application for it."""
    compiler = Gcc.find()
    if compiler is None:
        pytest.skip("no arm-none-eabi-gcc on this computer")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "firmware"))
        echo_project = importlib.import_module("echo_project")
    made = boards.load(request.param)
    return made, echo_project.build(made, compiler, tmp_path_factory.mktemp("echo"))


def test_the_port_runs(running: tuple[Any, Path]) -> None:
    made, elf = running
    with closing(serial.serial_for_url(url_for(elf, made), timeout=3)) as port:
        info = ask(port, INFO)
        assert (info["clock"], info["counter"], info["counter_hz"]) == (made.clock.hz, DWT, made.clock.hz)
        assert (info["cause"], info["boots"], info["fault"]) == (POWER_ON, 1, 0)
        assert port.emulated.power.core_hz == made.clock.hz
        assert port.emulated.usart.baud == pytest.approx(made.uart.baud, rel=0.02)
        time = ask(port, COUNTER)
        assert time["backwards"] == 0
        assert time["cycles"] == pytest.approx(made.clock.hz // 5, rel=0.01)
        assert 100 <= ask(port, SLEEP)["slept"] <= 101
        assert ask(port, FPU) == {"half": 5}
        assert ask(port, BAUD) == {"baud": 1}
        assert port.emulated.usart.baud == pytest.approx(230_400, rel=0.02)
        data = bytes(random.Random(3).choices(range(32, 256), k=20_000))
        port.write(data)
        assert port.read(len(data)) == data
        assert ask(port, INFO)["lost"] == 0
        assert not port.emulated.registers.unclocked


def test_crashes_and_resets_are_recorded(running: tuple[Any, Path]) -> None:
    made, elf = running
    with closing(serial.serial_for_url(url_for(elf, made, "vector"), timeout=1)) as port:
        ask(port, INFO)
        end_with(port, CRASH)
        crashed = ask(port, INFO)
        assert (crashed["fault"], crashed["cfsr"], crashed["layer"], crashed["boots"]) == (1, 0x10000, 7, 2)
        assert locate(elf, crashed["pc"]).startswith(("command", "main"))
        end_with(port, OVERFLOW)
        overflowed = ask(port, INFO)
        assert (overflowed["fault"], overflowed["layer"], overflowed["boots"]) == (1, 8, 3)
        assert overflowed["cfsr"] & 0x1000, "STKERR"
        end_with(port, RESET)
        after = ask(port, INFO)
        assert (after["fault"], after["cause"], after["boots"]) == (0, SOFTWARE, 4)
