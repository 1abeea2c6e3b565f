# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tinyq_deploy.flashers.cube import Cube


def test_argv(board, firmware):
    assert Cube().argv(("STM32_Programmer_CLI",), firmware, board, None) == (
        "STM32_Programmer_CLI", "-c", "port=SWD", "mode=UR", "reset=HWrst", "-w", str(firmware.bin), "0x08000000",
        "-v", "-rst",
    )  # fmt: skip


def test_argv_with_a_probe(board, firmware):
    assert Cube().argv(("cube",), firmware, board, "066B")[1:4] == ("-c", "port=SWD", "sn=066B")


def test_it_is_found_where_its_installer_puts_it(tmp_path, monkeypatch):
    program = tmp_path / "STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin/STM32_Programmer_CLI"
    program.parent.mkdir(parents=True)
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Cube().command() is None
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert Cube().command() == (str(program),)
