# SPDX-License-Identifier: Apache-2.0
"""Functions on a bare core: block counts, jumps, memory as after the startup code, faults."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

from tinyq_deploy import board
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.simulators import bare_core
from tinyq_deploy.simulators.bare_core import BareCore

F446 = board.load("nucleo-f446re")

# A loop of 1,000 turns with a branch that is taken every other turn, on data as startup leaves them.
SOURCE = """
.syntax unified
.cpu cortex-m4
.thumb
.global _start, loop, wild, endless, __stack_top
.set __stack_top, 0x20001000
.thumb_func
_start: b _start
.thumb_func
loop:
    push {r4, lr}
    ldr r1, =counter
    ldr r4, =1000
turn:
    lsls r2, r4, #31
    beq even
    adds r0, #1
even:
    subs r4, #1
    bne turn
    ldr r3, [r1]
    add r0, r3
    str r0, [r1]
    pop {r4, pc}
.thumb_func
wild:
    movs r0, #0
    ldr r0, [r0, #64]
    bx lr
.size wild, . - wild
.thumb_func
endless: b endless
.ltorg
.data
counter: .word 100
"""
LINK = """
MEMORY { FLASH : ORIGIN = 0x08000000, LENGTH = 64K RAM : ORIGIN = 0x20001000, LENGTH = 4K }
SECTIONS { .text : { *(.text) } > FLASH .data : { *(.data) } > RAM AT > FLASH }
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source above, linked."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("no arm-none-eabi-gcc on this computer")
    folder = tmp_path_factory.mktemp("bare")
    (folder / "a.s").write_text(SOURCE, encoding="utf-8")
    (folder / "a.ld").write_text(LINK, encoding="utf-8")
    argv = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-nostdlib", "-Wl,-T,a.ld", "a.s", "-o", "a.elf"]
    subprocess.run(argv, cwd=folder, check=True)
    return folder / "a.elf"


def test_blocks_and_jumps_are_counted(image: Path) -> None:
    core = BareCore(image, F446)
    blocks = {block.address - core.symbol("loop"): block for block in core.call("loop")}
    turn = core.symbol("turn") - core.symbol("loop")
    # The first turn runs in the block of the function's start, the odd ones' "adds" falls through into "even".
    entry, test, odd = blocks[0], blocks[turn], blocks[turn + 4]
    assert (entry.count, entry.jumped) == (1, 1)
    assert (test.count, test.jumped) == (999, 499)
    assert (odd.count, odd.jumped) == (500, 499)
    assert sum(block.count for block in blocks.values()) == 1 + 999 + 500 + 500 + 1


def test_data_is_copied_and_an_argument_arrives(image: Path) -> None:
    core = BareCore(image, F446)
    core.call("loop", 7)
    assert int.from_bytes(core.read(core.symbol("counter"), 4), "little") == 7 + 500 + 100
    core.write(core.symbol("counter"), bytes(4))
    core.call("loop")
    assert int.from_bytes(core.read(core.symbol("counter"), 4), "little") == 500


def test_an_access_outside_memory_is_a_fault_with_its_place(image: Path) -> None:
    with pytest.raises(FirmwareFault, match=r"wild\(0\).*wild") as caught:
        BareCore(image, F446).call("wild")
    assert caught.value.exit_code == 7


def test_a_function_without_end_is_given_up(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare_core, "_LIMIT", 10_000)
    with pytest.raises(FirmwareFault, match=r"endless\(0\): not after 10,000 instructions; at .*endless"):
        BareCore(image, F446).call("endless")


def test_what_it_cannot_run_is_named(image: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no nothing"):
        BareCore(image, F446).symbol("nothing")
    with pytest.raises(UsageError, match="cortex-m55"):
        BareCore(image, board.load("mps3-an547"))
    (tmp_path / "no.elf").write_bytes(b"no")
    with pytest.raises(UsageError, match=r"no\.elf"):
        BareCore(tmp_path / "no.elf", F446)
    with pytest.raises(UsageError, match="build it for the board"):
        BareCore(image, board.load("mps2-an386"))
