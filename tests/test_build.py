# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import small_project
from elftools.elf.elffile import ELFFile
from small_project import RECIPE, board, change, emit

from tinyq_deploy.build import build, prefix_maps
from tinyq_deploy.errors import BuildError, FitError
from tinyq_deploy.toolchains import Gcc, Host, Recipe, Source, Zig

BUILT = ("firmware.elf", "firmware.bin", "firmware.hex", "firmware.map")


@pytest.fixture(params=[Gcc, Zig], ids=lambda kind: kind.name)
def toolchain(request):
    found = request.param.find()
    if found is None:
        pytest.skip(f"{request.param.name} is not installed")
    return found


@pytest.fixture
def gcc():
    return Gcc.find() or pytest.skip("gcc is not installed")


def test_an_image_is_built_and_measured(toolchain, tmp_path):
    built = build(emit(tmp_path), RECIPE, toolchain, board(), "balanced")
    assert {path.name for path in (built.elf, built.bin, built.hex, built.map)} == set(BUILT)
    sizes = built.sizes
    parts = {part.name: part for part in sizes.parts}
    assert sizes.flash_total == built.bin.stat().st_size
    assert parts["weights"].flash == 1000
    assert 20 <= parts["model"].flash <= 1000
    assert sizes.flash_model == parts["weights"].flash + parts["model"].flash
    assert parts["model"].ram == 256
    assert parts["app"].ram == 16
    assert sizes.ram_static == 272
    assert sizes.ram_total == 272 + 512
    assert sum(part.flash for part in sizes.parts) <= sizes.flash_total
    assert built.compiler.startswith(toolchain.name)
    assert "-O2" in built.flags


def test_the_image_starts_with_the_vector_table_and_ends_with_data(toolchain, tmp_path):
    built = build(emit(tmp_path), RECIPE, toolchain, board(), "size")
    image = built.bin.read_bytes()
    with built.elf.open("rb") as stream:
        symbols = {s.name: s["st_value"] for s in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}
    assert int.from_bytes(image[:4], "little") == small_project.RAM + 512
    assert int.from_bytes(image[4:8], "little") == symbols["Reset_Handler"]
    assert image[-16:] == bytes.fromhex("01000000020000000300000004000000")


def test_a_gap_in_flash_reads_as_erased(toolchain, tmp_path):
    folder = emit(tmp_path)
    change(folder, "linker.ld", ".rodata :", ".rodata 0x08001000 :")
    built = build(folder, RECIPE, toolchain, board(), "size")
    image = built.bin.read_bytes()
    assert image[0x1000:0x1004] == bytes((1, 2, 3, 252))
    assert set(image[0x800:0x1000]) == {0xFF}
    assert built.sizes.flash_total == len(image)


def test_the_same_input_gives_the_same_bytes_anywhere(toolchain, tmp_path):
    images = []
    for name in ("a", "folder with ü and spaces"):
        folder = emit(tmp_path / name)
        built = build(folder, RECIPE, toolchain, board(), "speed")
        images.append(tuple(path.read_bytes() for path in (built.elf, built.bin, built.hex)))
    assert images[0] == images[1]
    for told in (str(tmp_path), str(Path.home() / ".cache"), sys.prefix):
        assert told.encode() not in images[0][0]


CORES = [("cortex-m0", ""), ("cortex-m3", ""), ("cortex-m33", "fpv5-sp-d16"), ("cortex-m55", "")]


@pytest.mark.parametrize("core", CORES, ids=lambda core: core[0])
def test_other_cores_link(toolchain, tmp_path, core):
    assert build(emit(tmp_path), RECIPE, toolchain, board(*core), "size").sizes.flash_total > 1000


def test_64_bit_division_links(toolchain, tmp_path):
    folder = emit(tmp_path)
    change(folder, "model/model.c", "return arena[x & 63];", "return (int)((long long)arena[x & 63] * 1000000 / x);")
    built = build(folder, RECIPE, toolchain, board(), "size")
    assert {part.name: part.flash for part in built.sizes.parts}["runtime"] > 100
    told = built.elf.read_bytes()
    assert b".cache/zig" not in told
    assert sys.prefix.encode() not in told


def test_unchanged_sources_are_not_compiled_again(gcc, tmp_path):
    folder = emit(tmp_path)
    assert build(folder, RECIPE, gcc, board(), "size").compiled == 4
    assert build(folder, RECIPE, gcc, board(), "size").compiled == 0
    change(folder, "model/weights.c", "-4", "-5")
    assert build(folder, RECIPE, gcc, board(), "size").compiled == 1
    change(folder, "model/model.h", "1000", "1001")
    with pytest.raises(BuildError):
        build(folder, RECIPE, gcc, board(), "size")
    change(folder, "model/model.h", "1001", "1000")
    assert build(folder, RECIPE, gcc, board(), "speed").compiled == 4


def test_progress_counts_to_all(gcc, tmp_path):
    seen = []
    build(emit(tmp_path), RECIPE, gcc, board(), "size", progress=lambda *what: seen.append(what))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {path for _, _, path in seen} == {source.path for source in RECIPE.sources}


def test_a_compile_error_names_the_line_and_the_log(toolchain, tmp_path):
    folder = emit(tmp_path)
    change(folder, "model/model.c", "return arena", "return arenas")
    with pytest.raises(BuildError, match=r"model/model\.c:\d+:\d+: error: .*arenas") as caught:
        build(folder, RECIPE, toolchain, board(), "size")
    assert caught.value.exit_code == 4
    log = folder / "out" / "build.log"
    assert str(log) in str(caught.value)
    assert "arenas" in log.read_text()
    assert not [name for name in BUILT if (folder / "out" / name).exists()]


def test_an_earlier_image_does_not_survive_a_failure(gcc, tmp_path):
    folder = emit(tmp_path)
    build(folder, RECIPE, gcc, board(), "size")
    change(folder, "model/model.c", "return arena", "return arenas")
    with pytest.raises(BuildError):
        build(folder, RECIPE, gcc, board(), "size")
    assert not [name for name in BUILT if (folder / "out" / name).exists()]


def test_an_undefined_symbol_is_named(toolchain, tmp_path):
    folder = emit(tmp_path)
    change(folder, "model/model.c", "return arena[x & 63];", "int nowhere(int); return nowhere(x);")
    with pytest.raises(BuildError, match="nowhere"):
        build(folder, RECIPE, toolchain, board(), "size")


def test_too_much_flash_names_region_bytes_and_symbols(toolchain, tmp_path):
    folder = emit(tmp_path, flash=1000)
    with pytest.raises(FitError, match=r"FLASH of small: [\d,]+ bytes more than its 1,000; largest: weights 1,000"):
        build(folder, RECIPE, toolchain, board(flash=1000), "size")


def test_too_much_ram_names_the_arena(toolchain, tmp_path):
    folder = emit(tmp_path, ram=700)
    with pytest.raises(FitError, match=r"region RAM of small: [\d,]+ bytes more than its 700; largest: arena 256"):
        build(folder, RECIPE, toolchain, board(ram=700), "size")


def test_a_missing_source_is_named(gcc, tmp_path):
    with pytest.raises(BuildError, match=r"gone\.c"):
        build(emit(tmp_path), Recipe((Source("src/gone.c"),)), gcc, board(), "size")


def test_a_compiler_that_does_not_start(tmp_path):
    with pytest.raises(BuildError, match=r"the compiler starts[\s\S]*apt install"):
        build(emit(tmp_path), RECIPE, Gcc((str(tmp_path / "gcc"),)), board(), "size")


def test_two_builds_in_one_folder(gcc, tmp_path):
    folder = emit(tmp_path)
    inner = []

    def again(*_):
        if not inner:
            with pytest.raises(BuildError, match="one build") as caught:
                build(folder, RECIPE, gcc, board(), "size")
            inner.append(caught)

    build(folder, RECIPE, gcc, board(), "size", progress=again)
    assert inner


def test_the_host_runs_what_was_built(tmp_path):
    toolchain = Host.find() or pytest.skip("no compiler")
    code = "#include <math.h>\nint main(int n, char **a) { return a ? (int)sqrt(n * 49) : 0; }\n"
    (tmp_path / "main.c").write_text(code)
    recipe = Recipe((Source("main.c"),), include_dirs=(), linker_script="")
    built = build(tmp_path, recipe, toolchain, small_project.HOST, "balanced")
    assert built.sizes is None
    assert subprocess.run([built.elf], check=False, timeout=10).returncode == 7


def test_prefix_maps_cover_project_and_compiler():
    assert prefix_maps(Path("/p q"), ("/opt/gcc/bin/arm-none-eabi-gcc",)) == (
        "-ffile-prefix-map=/opt/gcc=toolchain",
        "-ffile-prefix-map=/p q=.",
    )
    assert prefix_maps(Path("/p"), ("gcc",)) == ("-ffile-prefix-map=/p=.",)


@pytest.mark.skipif(os.name != "posix", reason="the fake compiler is a shell script")
def test_an_interrupt_ends_every_compiler(tmp_path):
    pids = tmp_path / "pids"
    slow = tmp_path / "arm-none-eabi-gcc"
    version = '[ "$1" = -dumpfullversion ] && echo 12.2.1 && exit'
    slow.write_text(f"#!/bin/sh\n{version}\nsleep 60 &\necho $$ $! >> {pids}\nwait\n")
    slow.chmod(0o755)
    folder = emit(tmp_path / "p")

    def interrupt():
        deadline = time.monotonic() + 20
        while not pids.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        build(folder, RECIPE, Gcc((str(slow),)), board(), "size")
    assert time.monotonic() - started < 25
    for pid in pids.read_text().split():
        state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
        assert state.strip()[:1] in ("", "Z")
    assert not [name for name in BUILT if (folder / "out" / name).exists()]
