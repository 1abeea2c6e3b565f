# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tinyq_deploy.image import Section
from tinyq_deploy.sizes import inputs, measure

# One project as both linkers tell of it: a function, weights, an arena, .data with its copy in flash, a fill,
# a discarded section, a library member, debug information.
GNU = """
Discarded input sections

 .text.unused   0x00000000       0x40 out/obj/model/model.c.o

Memory Configuration

Linker script and memory map

LOAD out/obj/model/model.c.o

.text           0x08000000       0x68
 *(.text .text.*)
 .text.run      0x08000000       0x20 out/obj/model/model.c.o
                0x08000000                run
 *fill*         0x08000020        0x8
 .text.a_function_of_the_link
                0x08000028       0x10 out/obj/src/link/link.c.o
 .text          0x08000038       0x30 /usr/lib/gcc/libgcc.a(_udivmoddi4.o)

.rodata         0x08000068      0x3e8
 .rodata.weights
                0x08000068      0x3e8 out/obj/model/weights.c.o
                0x08000068                weights

.data           0x20000000       0x10 load address 0x08000450
 .data.table    0x20000000       0x10 out/obj/src/app/main.c.o

.bss            0x20000010      0x100
 .bss.arena     0x20000010      0x100 out/obj/model/model.c.o

.debug_info     0x00000000       0x72
 .debug_info    0x00000000       0x72 out/obj/model/model.c.o
"""
LLD = """     VMA      LMA     Size Align Out     In      Symbol
 8000000  8000000       68     4 .text
 8000000  8000000       20     4         out/obj/model/model.c.o:(.text.run)
 8000000  8000000        0     1                 $t
 8000001  8000001       20     1                 run
 8000028  8000028       10     4         out/obj/src/link/link.c.o:(.text.a_function_of_the_link)
 8000038  8000038       30     4         /home/u/.cache/libcompiler_rt.a(compiler_rt.o):(.text.__udivmoddi4)
 8000068  8000068      3e8     1 .rodata
 8000068  8000068      3e8     1         out/obj/model/weights.c.o:(.rodata.weights)
20000000  8000450       10     4 .data
20000000  8000450        0     1         __data_start = .
20000000  8000450       10     4         out/obj/src/app/main.c.o:(.data.table)
20000010 20000010      100     4 .bss
20000010 20000010      100     4         out/obj/model/model.c.o:(.bss.arena)
       0        0       72     1 .debug_info
       0        0       72     1         out/obj/model/model.c.o:(.debug_info)
"""
SECTIONS = (
    Section(".text", 0x08000000, 0x68, 0x08000000, 0x68, False),
    Section(".rodata", 0x08000068, 0x3E8, 0x08000068, 0x3E8, False),
    Section(".stack", 0x20001000, 512, 0x20001000, 0, True),
    Section(".data", 0x20000000, 0x10, 0x08000450, 0x10, True),
    Section(".bss", 0x20000010, 0x100, 0x20000010, 0, True),
)


@pytest.mark.parametrize("link_map", [GNU, LLD], ids=["gnu", "lld"])
def test_both_maps_give_the_same_sizes(link_map):
    sizes = measure(SECTIONS, link_map, stack=512)
    assert {part.name: (part.flash, part.ram) for part in sizes.parts} == {
        "model": (0x20, 0x100),
        "weights": (0x3E8, 0),
        "link": (0x10, 0),
        "app": (0x10, 0x10),
        "runtime": (0x30, 0),
    }
    assert sizes.flash_total == 0x460
    assert sizes.flash_model == 0x20 + 0x3E8
    assert sizes.ram_static == 0x110
    assert sizes.ram_total == 0x110 + 512


def test_discarded_sections_do_not_count():
    assert [size for output, file, size in inputs(GNU) if "model.c" in file and output == ".text"] == [0x20]


def test_cmsis_nn_belongs_to_the_model():
    link_map = LLD.replace("out/obj/src/link/link.c.o", "out/obj/cmsis_nn/Source/arm_x.c.o")
    assert measure(SECTIONS, link_map, 0).flash_model == 0x20 + 0x3E8 + 0x10


def test_a_library_in_a_folder_called_model_is_no_model():
    link_map = LLD.replace("/home/u/.cache/libcompiler_rt.a", "model/libcompiler_rt.a")
    assert measure(SECTIONS, link_map, 0).flash_model == 0x20 + 0x3E8
