# SPDX-License-Identifier: Apache-2.0
"""Which ports may be boards, and what a user is told when one does not open."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass

import pytest

from tinyq_deploy.errors import LinkError
from tinyq_deploy.ports import USB_IDS, choose_port, list_ports, open_port


@dataclass
class Info:
    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    description: str = ""


def test_candidates_say_why() -> None:
    present = [Info("ttyS0"), Info("ttyACM1", 0x0483, 0x374B, "066D"), Info("ttyACM0", 0x1366, 0x9999), Info("x", 1, 2)]
    found = list_ports(present)
    assert [item.device for item in found] == ["ttyACM0", "ttyACM1"]
    assert found[0].why == "SEGGER J-Link (USB 1366:9999)"
    assert found[1].why == "ST-LINK/V2-1 (USB 0483:374b)"
    assert found[1].serial_number == "066D"


def test_the_first_st_link_has_no_serial_port() -> None:
    assert list_ports([Info("a", 0x0483, 0x3748)]) == ()


def test_usb_ids_are_stated_once() -> None:
    assert len({row[:2] for row in USB_IDS}) == len(USB_IDS)


def test_a_board_is_never_guessed() -> None:
    one, other = list_ports([Info("a", 0x0483, 0x374B, "SN1"), Info("b", 0x0483, 0x374B, "SN2")])
    assert choose_port([one]) is one
    with pytest.raises(LinkError, match=r"a: .*SN1; b: .*SN2"):
        choose_port([one, other])
    with pytest.raises(LinkError, match="is connected"):
        choose_port([])


def test_a_port_that_is_not_there() -> None:
    name = "COM250" if sys.platform == "win32" else "/dev/tinyq-not-there"
    with pytest.raises(LinkError, match="not there"):
        open_port(name)


def test_an_unknown_url() -> None:
    with pytest.raises(LinkError, match="pyserial URL"):
        open_port("nonsense://x")


def test_a_peer_that_refuses() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"socket://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(LinkError, match="port opens"):
            open_port(url)


@pytest.mark.skipif(sys.platform == "win32", reason="ptys")
def test_a_pty_opens_once() -> None:
    master, slave = os.openpty()
    try:
        port = open_port(os.ttyname(slave), 115200, dtr=False)
        with pytest.raises(LinkError, match="busy"):
            open_port(os.ttyname(slave))
        os.write(master, b"hi")
        assert port.read(2) == b"hi"
        port.close()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions")
def test_a_port_without_permission(tmp_path: object) -> None:
    path = f"{tmp_path}/tty"
    with open(path, "w", encoding="utf-8"):
        os.chmod(path, 0)
    with pytest.raises(LinkError, match="dialout"):
        open_port(path)
