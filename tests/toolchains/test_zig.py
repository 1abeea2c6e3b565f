# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess

import pytest

from tinyq_deploy.errors import BuildError
from tinyq_deploy.toolchains import Gcc, Recipe, Source, Zig

COMMAND = ("python", "-m", "ziglang", "cc")
SOURCE = Source("model/model.c")
RECIPE = Recipe((SOURCE,))


def test_compile_argv(make_board):
    argv = Zig(COMMAND).compile_argv(SOURCE, "out/m.o", RECIPE, make_board("cortex-m4", "fpv4-sp-d16"), "speed")
    assert argv == (
        "python", "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", "-O3",
        "-std=c11", "-gline-tables-only", "-fhosted", "-fomit-frame-pointer", "-fno-sanitize=undefined",
        "-fno-stack-protector", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables",
        "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror", "-Isrc", "-Imodel",
        "-c", "model/model.c", "-o", "out/m.o",
    )  # fmt: skip


@pytest.mark.parametrize(("runtime", "own"), [(False, ("-nostdlib",)), (True, ("-nodefaultlibs", "-nostartfiles"))])
def test_link_argv(make_board, runtime, own):
    argv = Zig(COMMAND).link_argv(["a.o"], "fw.elf", RECIPE, make_board("cortex-m0"), "size", runtime=runtime)
    assert argv == (
        "python", "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0", "-Os", "-g", *own,
        "-Wl,-T,linker.ld", "-Wl,--gc-sections", "-Wl,-e,Reset_Handler", "-Wl,--print-map", "a.o", "-o", "fw.elf",
    )  # fmt: skip


def test_memory_functions_keep_their_loops(make_board):
    flags = Zig(COMMAND).compile_flags(Source("libc.c", no_builtin=True), RECIPE, make_board("cortex-m3"), "speed")
    assert flags[-2:] == ("-ffreestanding", "-fno-builtin")


def test_version_asks_zig_itself_and_refuses_an_old_one(fake_tool):
    assert Zig(COMMAND).version_argv == ("python", "-m", "ziglang", "version")
    with pytest.raises(BuildError, match=r"0\.13 or newer"):
        Zig((fake_tool("zig", "echo 0.12.1"), "cc")).version()


MACROS = {
    ("cortex-m0", ""): ({"__SOFTFP__"}, {"__ARM_FEATURE_DSP", "__ARM_FEATURE_MVE", "__ARM_FEATURE_UNALIGNED"}),
    ("cortex-m0plus", ""): ({"__SOFTFP__"}, {"__ARM_FEATURE_DSP"}),
    ("cortex-m3", ""): ({"__SOFTFP__", "__ARM_FEATURE_UNALIGNED"}, {"__ARM_FEATURE_DSP"}),
    ("cortex-m4", "fpv4-sp-d16"): ({"__ARM_FP", "__ARM_PCS_VFP", "__ARM_FEATURE_DSP"}, {"__ARM_FEATURE_MVE"}),
    ("cortex-m7", "fpv5-d16"): ({"__ARM_FP", "__ARM_PCS_VFP", "__ARM_FEATURE_DSP"}, {"__ARM_FEATURE_MVE"}),
    ("cortex-m7", "fpv5-sp-d16"): ({"__ARM_FP", "__ARM_PCS_VFP", "__ARM_FEATURE_DSP"}, {"__ARM_FEATURE_MVE"}),
    ("cortex-m33", "fpv5-sp-d16"): ({"__ARM_FP", "__ARM_PCS_VFP", "__ARM_FEATURE_DSP"}, {"__ARM_FEATURE_MVE"}),
    ("cortex-m55", ""): ({"__ARM_FP", "__ARM_PCS_VFP", "__ARM_FEATURE_DSP", "__ARM_FEATURE_MVE"}, {"__SOFTFP__"}),
}


@pytest.mark.parametrize("kind", [Gcc, Zig])
@pytest.mark.parametrize(("core", "fpu"), MACROS)
def test_the_compiler_takes_the_flags_and_knows_the_core(make_board, kind, core, fpu):
    toolchain = kind.find()
    if toolchain is None:
        pytest.skip(f"{kind.name} is not installed")
    flags = toolchain.compile_flags(SOURCE, RECIPE, make_board(core, fpu), "balanced")
    argv = [*toolchain.command, *flags, "-dM", "-E", "-x", "c", "-"]
    result = subprocess.run(argv, input="", capture_output=True, text=True, check=True, timeout=60)
    macros = {line.split()[1] for line in result.stdout.splitlines() if line.startswith("#define")}
    has, lacks = MACROS[core, fpu]
    assert has <= macros
    assert not lacks & macros
    assert "#define __STDC_HOSTED__ 1" in result.stdout
