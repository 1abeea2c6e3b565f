# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tinyq_deploy.errors import BuildError, UsageError
from tinyq_deploy.toolchains import Gcc, Recipe, Source
from tinyq_deploy.toolchains import gcc as module

COMMAND = ("arm-none-eabi-gcc",)
SOURCE = Source("model/model.c")
FOLDERS = ("src", "src/port/libc")
RECIPE = Recipe((SOURCE,), include_dirs=FOLDERS, system_dirs=("cmsis_nn/Include",), defines=("A=1",))


def test_compile_argv(make_board):
    argv = Gcc(COMMAND).compile_argv(SOURCE, "out/m.o", RECIPE, make_board("cortex-m4", "fpv4-sp-d16"), "balanced")
    assert argv == (
        "arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O2",
        "-std=c11", "-g1", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror", "-DA=1", "-Isrc", "-Isrc/port/libc",
        "-isystem", "cmsis_nn/Include", "-c", "model/model.c", "-o", "out/m.o",
    )  # fmt: skip


def test_link_argv(make_board):
    argv = Gcc(COMMAND).link_argv(["a.o", "b.o"], "fw.elf", RECIPE, make_board("cortex-m0plus"), "size")
    assert argv == (
        "arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m0plus", "-mfloat-abi=soft", "-Os", "-nostdlib", "-nostartfiles",
        "-Wl,-T,linker.ld", "-Wl,--gc-sections", "-Wl,-e,Reset_Handler", "-Wl,--print-map", "a.o", "b.o", "-lgcc",
        "-o", "fw.elf",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("core", "fpu", "flags"),
    [
        ("cortex-m0", "", ("-mcpu=cortex-m0", "-mfloat-abi=soft")),
        ("cortex-m3", "", ("-mcpu=cortex-m3", "-mfloat-abi=soft")),
        ("cortex-m7", "fpv5-d16", ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16")),
        ("cortex-m7", "fpv5-sp-d16", ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16")),
        ("cortex-m33", "fpv5-sp-d16", ("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16")),
        ("cortex-m55", "", ("-mcpu=cortex-m55", "-mfloat-abi=hard")),
    ],
)
def test_core_flags(make_board, core, fpu, flags):
    assert Gcc(COMMAND).target_flags(make_board(core, fpu)) == ("-mthumb", *flags)


def test_an_fpu_that_the_core_does_not_have_is_refused_with_those_it_has(make_board):
    with pytest.raises(UsageError, match="fpv4-sp-d16") as caught:
        Gcc(COMMAND).target_flags(make_board("cortex-m4", "fpv5-d16"))
    assert caught.value.exit_code == 2


def test_optimize_is_o3_o2_os_and_a_source_has_the_last_word(make_board):
    board = make_board("cortex-m3")
    source = Source("src/link/link.c", flags=("-Os",))
    flags = Gcc(COMMAND).compile_flags(source, RECIPE, board, "speed")
    assert flags.index("-O3") < flags.index("-Os")
    assert "-Os" in Gcc(COMMAND).compile_flags(SOURCE, RECIPE, board, "size")


def test_memory_functions_keep_their_loops(make_board):
    flags = Gcc(COMMAND).compile_flags(Source("libc.c", no_builtin=True), RECIPE, make_board("cortex-m3"), "speed")
    assert flags[-2:] == ("-fno-builtin", "-fno-tree-loop-distribute-patterns")


@pytest.mark.parametrize(("core", "flag"), [("cortex-m55", "-O2"), ("cortex-m4", "-Os")])
def test_the_file_that_gcc_cannot_compile_for_size_gets_o2_on_the_m55_only(make_board, core, flag):
    source = Source("cmsis_nn/Source/NNSupportFunctions/arm_nn_mat_mult_nt_t_s8.c")
    flags = Gcc(COMMAND).compile_flags(source, RECIPE, make_board(core), "size")
    assert [f for f in flags if f.startswith("-O")] == [flag]


def test_an_old_compiler_is_refused(fake_tool):
    program = fake_tool("arm-none-eabi-gcc", "echo 9.3.1")
    with pytest.raises(BuildError, match=r"10 or newer[\s\S]*9\.3\.1[\s\S]*apt install gcc-arm-none-eabi"):
        Gcc((program,)).version()


def test_a_program_that_is_no_compiler_is_refused(fake_tool):
    program = fake_tool("arm-none-eabi-gcc", "echo 'no such option' >&2; exit 1")
    with pytest.raises(BuildError, match="no such option"):
        Gcc((program,)).version()


def test_find_is_none_without_the_program(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Gcc.find() is None
    assert module.shutil.which("arm-none-eabi-gcc") is None
