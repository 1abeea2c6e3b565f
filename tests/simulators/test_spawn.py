# SPDX-License-Identifier: Apache-2.0
"""spawn:// behaves as a serial port does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
from serial import SerialException, serial_for_url

from tinyq_deploy.simulators.spawn import RECEIVE_LIMIT, Serial, command_of, spawn_url

ECHO = "import os, sys\nwhile data := os.read(0, 100):\n    os.write(1, data)\nsys.exit(3)"


def opened(code: str, timeout: float | None = 5.0) -> Serial:
    port = Serial(timeout=timeout)
    port.port = spawn_url(sys.executable, "-u", "-c", code)
    port.open()
    return port


@pytest.fixture
def echo() -> Iterator[Serial]:
    port = opened(ECHO)
    yield port
    port.close()


@pytest.mark.parametrize(
    "argv",
    [["/bin/x"], ["/a b/ü%20?#x", "--flag=1", "a b&c", ""], ["C:/Program Files/x.exe", "y"]],
)
def test_url_round_trip(argv: list[str]) -> None:
    expected = [arg for arg in argv if arg]
    assert [arg for arg in command_of(spawn_url(*argv)) if arg] == expected


@pytest.mark.parametrize("url", ["spawn://", "socket:///bin/x", "/bin/x"])
def test_a_url_without_a_program(url: str) -> None:
    with pytest.raises(SerialException):
        command_of(url)


def test_pyserial_finds_the_handler() -> None:
    import tinyq_deploy.ports

    port = tinyq_deploy.ports.open_port(spawn_url(sys.executable, "-c", ECHO))
    assert isinstance(port, Serial)
    port.close()
    assert isinstance(serial_for_url("spawn:///bin/x", do_not_open=True), Serial)


def test_every_byte_comes_back(echo: Serial) -> None:
    data = bytes(range(256)) * 40
    assert echo.write(data) == len(data)
    assert echo.read(len(data)) == data


def test_read_times_out_with_what_there_is(echo: Serial) -> None:
    echo.write(b"abc")
    assert echo.read(3) == b"abc"
    echo.timeout = 0.1
    start = time.monotonic()
    assert echo.read(1) == b""
    assert 0.05 < time.monotonic() - start < 2
    echo.timeout = 0
    assert echo.read(1) == b""


def test_in_waiting_and_reset(echo: Serial) -> None:
    echo.write(b"abcd")
    assert echo.read(1) == b"a"
    end = time.monotonic() + 5
    while echo.in_waiting < 3 and time.monotonic() < end:
        time.sleep(0.01)
    assert echo.in_waiting == 3
    echo.reset_input_buffer()
    assert echo.in_waiting == 0


def test_control_lines_and_rate_are_accepted(echo: Serial) -> None:
    echo.dtr = echo.rts = False
    echo.baudrate = 921600
    echo.write(b"x")
    assert echo.read(1) == b"x"


def test_a_child_that_fails_is_an_error() -> None:
    port = opened("import sys; sys.stdout.write('last'); sys.exit(3)")
    assert port.read(4) == b"last"
    with pytest.raises(SerialException, match="exit status 3"):
        port.read(1)
    port.close()


def test_a_child_that_resets_is_started_again() -> None:
    port = opened("import os\nos.write(1, b'boot ')\nos.read(0, 1)")
    assert port.read(5) == b"boot "
    port.write(b"x")
    assert port.read(5) == b"boot "
    port.close()


def test_a_child_that_ends_at_once_is_not_started_for_ever() -> None:
    port = opened("pass")
    with pytest.raises(SerialException, match="exit status 0"):
        port.read(1)
    port.close()


def test_endless_output_is_held_up() -> None:
    port = opened("import os\nwhile True:\n    os.write(1, b'x' * 65536)")
    end = time.monotonic() + 10
    while port.in_waiting < RECEIVE_LIMIT and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    assert RECEIVE_LIMIT <= port.in_waiting <= RECEIVE_LIMIT + 4096
    port.close()


def test_a_program_that_does_not_exist() -> None:
    port = Serial()
    port.port = "spawn:///no/such/program"
    with pytest.raises(SerialException, match="could not open port"):
        port.open()


def test_closed_ports_refuse() -> None:
    port = opened(ECHO)
    port.close()
    port.close()
    assert port._child.poll() == 3
    for action in (lambda: port.read(1), lambda: port.write(b"x"), lambda: port.in_waiting):
        with pytest.raises(SerialException):
            action()
