# SPDX-License-Identifier: Apache-2.0
"""Runs a test program on a bare Cortex-M4 in unicorn: memory as the board has it, semihosting, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tinyq_deploy.board import Board

_PAGE = 4096
_SYSTEM = (0xE000_E000, _PAGE)  # CPACR
_BREAKPOINT, _WRITE0, _EXIT = 7, 4, 0x20
_NEVER = 0xFFFF_FFFE


def run(program: Path, board: Board) -> str:
    """What the program prints until it ends."""
    unicorn = pytest.importorskip("unicorn")
    arm = unicorn.arm_const
    assert board.memory is not None
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
    for base, size in ((r.origin, r.bytes) for r in (board.memory.flash, board.memory.ram)):
        uc.mem_map(base, -(-size // _PAGE) * _PAGE)
    uc.mem_map(*_SYSTEM)
    with program.open("rb") as stream:
        for segment in ELFFile(stream).iter_segments("PT_LOAD"):
            uc.mem_write(segment["p_paddr"], segment.data())
    printed: list[str] = []

    def call(engine: Any, number: int, _: Any) -> None:
        assert number == _BREAKPOINT, f"exception {number} at {engine.reg_read(arm.UC_ARM_REG_PC):#x}"
        operation, argument = engine.reg_read(arm.UC_ARM_REG_R0), engine.reg_read(arm.UC_ARM_REG_R1)
        if operation == _WRITE0:
            text = bytes(engine.mem_read(argument, 256)).partition(b"\0")[0]
            printed.append(text.decode())
            engine.reg_write(arm.UC_ARM_REG_PC, (engine.reg_read(arm.UC_ARM_REG_PC) + 2) | 1)
        else:
            assert operation == _EXIT, operation
            engine.emu_stop()

    uc.hook_add(unicorn.UC_HOOK_INTR, call)
    stack, reset = (int.from_bytes(uc.mem_read(board.memory.flash.origin + at, 4), "little") for at in (0, 4))
    uc.reg_write(arm.UC_ARM_REG_SP, stack)
    uc.emu_start(reset | 1, _NEVER, timeout=120_000_000)
    return "".join(printed)
