# SPDX-License-Identifier: Apache-2.0
"""emu:// as pyserial and its users see it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import serial

pytest.importorskip("unicorn")

from tinyq_deploy import board as boards
from tinyq_deploy.board import Board
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.simulators import UnicornStm32F4
from tinyq_deploy.simulators.protocol_emu import parse, url_for

TOML = Path(__file__).parent / "firmware" / "f446.toml"


@pytest.fixture
def port(image: Path) -> Iterator[Any]:
    """The image behind a URL that names a board file; the image's path has a space."""
    with closing(serial.serial_for_url(f"emu://{image}?board={TOML}", baudrate=115200, timeout=2)) as opened:
        yield opened


def test_lines_and_bytes(port: Any) -> None:
    assert port.readline() == b"ready\n"
    data = random.Random(2).randbytes(5000)
    port.write(b"E" + len(data).to_bytes(4, "little") + data)
    assert port.read(2000) + port.read(3000) == data
    assert port.readline() == b"lost=00000000 .\n"


def test_in_waiting_lets_the_board_answer(port: Any) -> None:
    assert port.in_waiting == len(b"ready\n")
    port.reset_input_buffer()
    assert port.in_waiting == 0


def test_timeout_is_virtual_and_short(port: Any) -> None:
    port.readline()
    before, clock = time.monotonic(), port.emulated.now
    port.timeout = 1.5
    assert port.read(10) == b""
    assert port.emulated.now - clock == 252_000_000
    assert time.monotonic() - before < 1.4 or threading.active_count() > 1


def test_zero_timeout_returns_at_once(port: Any) -> None:
    port.timeout = 0
    assert port.read(100) == b"ready\n"
    assert port.read(100) == b""


def test_a_time_out_lets_sleeping_firmware_go_on(port: Any) -> None:
    """The image sleeps through ten timer ticks before it answers."""
    port.readline()
    port.write(b"T")
    assert port.readline().startswith(b"slept=0019a2")


def test_another_thread_may_write(port: Any) -> None:
    port.readline()
    port.timeout = 20
    late = threading.Timer(0.1, lambda: port.write(b"N"))
    late.start()
    assert port.readline() == b"order=00001234 .\n"
    late.join()


def test_endless_wait_is_an_error_when_nobody_can_write(port: Any) -> None:
    port.readline()
    port.timeout = None
    if threading.active_count() > 1:
        pytest.skip("other threads run in this test process")
    with pytest.raises(serial.SerialException, match="silent"):
        port.read(1)


def test_fault_reaches_the_reader(port: Any) -> None:
    port.readline()
    port.write(b"U")
    with pytest.raises(FirmwareFault, match="0x50000000"):
        port.read(1)


def test_counts_do_not_depend_on_how_long_the_host_waits(image: Path, made: Board) -> None:
    def run(wait: float) -> bytes:
        with closing(serial.serial_for_url(url_for(image, made), timeout=1)) as port:
            port.readline()
            port.write(b"T")  # leaves no timer on; a later one would wake the board while it waits
            port.readline()
            port.timeout = wait
            port.read(1)
            port.timeout = 1
            port.write(b"F")
            return bytes(port.readline())

    assert run(0.011) == run(0.4)


def test_closed_port_refuses(port: Any) -> None:
    port.close()
    with pytest.raises(serial.SerialException):
        port.read(1)
    with pytest.raises(serial.SerialException):
        port.write(b"x")


def test_urls_round_trip(made: Board, tmp_path: Path) -> None:
    for name in ("a b.elf", "100%?#.elf", "ö.elf"):
        assert parse(url_for(tmp_path / name, made)) == (tmp_path / name, made, "raise")
    listed = boards.load("nucleo-f446re")
    assert url_for(Path("fw.elf"), listed, "vector") == "emu://fw.elf?board=nucleo-f446re&faults=vector"
    windows = parse(r"emu://C:\Users\me\fw.elf?board=nucleo-f446re")
    assert (str(windows[0]), windows[1]) == (r"C:\Users\me\fw.elf", listed)


@pytest.mark.parametrize(
    "url", ["emu://fw.elf", "emu://?board=x", "emu://fw.elf?board=x&y=1", "emu://fw.elf?board=x&faults=no", "emu://"]
)
def test_wrong_urls_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="a virtual port is written"):
        serial.serial_for_url(url)


def test_simulator_gives_the_url(gcc_image: Path, made: Board) -> None:
    simulator = UnicornStm32F4()
    assert simulator.available() is None
    with simulator.start(gcc_image, made) as running, closing(serial.serial_for_url(running.url, timeout=1)) as port:
        assert port.readline() == b"ready\n"
        assert running.instructions(123, 1) == 123
    with pytest.raises(UsageError, match="stm32f4"):
        simulator.start(gcc_image, boards.load("mps2-an386"))


def test_absent_package_says_how_to_install(monkeypatch: pytest.MonkeyPatch, made: Board) -> None:
    monkeypatch.setattr("tinyq_deploy.simulators.unicorn_stm32f4.find_spec", lambda _: None)
    assert UnicornStm32F4().available() == "not installed: pip install 'tinyq-deploy[virtual]'"
    with pytest.raises(UsageError, match="virtual"):
        UnicornStm32F4().start(TOML, made)
