# SPDX-License-Identifier: Apache-2.0
"""A firmware of a few lines in the layout of an emitted project, for the build tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from tinyq_deploy import assets
from tinyq_deploy.board import Board, Clock, Memory, Region, Uart
from tinyq_deploy.toolchains import Recipe, Source

FLASH, RAM = 0x08000000, 0x20000000

_FILES = {
    "src/app/main.c": """
#include <stdint.h>
#include <string.h>
#include "model.h"
uint32_t answer[4] = {1, 2, 3, 4};
void Reset_Handler(void);
void Reset_Handler(void)
{
    for (;;) {
        uint8_t copy[4];
        memcpy(copy, answer, sizeof copy);
        answer[0] += (uint32_t)model_run(copy[0]);
    }
}
extern uint32_t stack_top;
__attribute__((section(".isr_vector"), used)) void *const vectors[2] = {&stack_top, (void *)Reset_Handler};
""",
    "src/port/libc.c": """
#include <string.h>
void *memcpy(void *restrict target, const void *restrict source, size_t size)
{
    unsigned char *to = target;
    const unsigned char *from = source;
    while (size--) {
        *to++ = *from++;
    }
    return target;
}
""",
    "model/model.h": "int model_run(int x);\nextern const signed char weights[1000];\n",
    "model/model.c": """
#include "model.h"
static int arena[64];
int model_run(int x)
{
    for (int i = 0; i < 64; i++) {
        arena[i] += weights[(i * x) % 1000];
    }
    return arena[x & 63];
}
""",
    "model/weights.c": '#include "model.h"\nconst signed char weights[1000] = {1, 2, 3, -4};\n',
    "linker.ld": """
ENTRY(Reset_Handler)
MEMORY {
    FLASH (rx)  : ORIGIN = 0x08000000, LENGTH = @FLASH@
    RAM   (rwx) : ORIGIN = 0x20000000, LENGTH = @RAM@
}
SECTIONS {
    .isr_vector : { KEEP(*(.isr_vector)) } > FLASH
    .text : { *(.text .text.*) } > FLASH
    .rodata : { *(.rodata .rodata.*) } > FLASH
    /DISCARD/ : { *libgcc.a:*(.debug_*) *libcompiler_rt.a:*(.debug_*) }
    /DISCARD/ : { *(.ARM.exidx .ARM.exidx.* .ARM.extab .ARM.extab.*) }
    .stack (NOLOAD) : { . += 512; stack_top = .; } > RAM
    .data : { *(.data .data.*) } > RAM AT > FLASH
    .bss (NOLOAD) : { *(.bss .bss.* COMMON) } > RAM
}
""",
}
SOURCES = (
    Source("src/app/main.c"),
    Source("src/port/libc.c", no_builtin=True),
    Source("model/model.c"),
    Source("model/weights.c", flags=("-Os",)),
)
RECIPE = Recipe(SOURCES, include_dirs=("src", "model", "src/port/libc"), defines=("TINYQ_TEST=1",))
HOST = Board(name="host", title="PC", core="host", verified="virtual")


def board(core: str = "cortex-m4", fpu: str = "fpv4-sp-d16", flash: int = 65536, ram: int = 8192) -> Board:
    """A board for `linker.ld`."""
    memory = Memory(flash=Region(origin=FLASH, bytes=flash), ram=Region(origin=RAM, bytes=ram), stack_bytes=512)
    uart = Uart(driver="x", base=0x40000000, irq=1, clock_hz=1, reset_clock_hz=1)
    names = {"name": "small", "title": "S", "core": core, "fpu": fpu, "verified": "builds"}
    return Board.model_validate({**names, "memory": memory, "clock": Clock(hz=1, reset_hz=1), "uart": uart})


def emit(folder: Path, flash: int = 65536, ram: int = 8192) -> Path:
    """Writes the project to `folder`, with the headers that stand in for a C library."""
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@FLASH@", str(flash)).replace("@RAM@", str(ram)), encoding="utf-8")
    shutil.copytree(assets.folder("firmware") / "port" / "libc", folder / "src" / "port" / "libc")
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replaces `old`, which must be there, by `new` in a file of the project."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
