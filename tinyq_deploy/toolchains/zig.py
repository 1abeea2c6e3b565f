# SPDX-License-Identifier: Apache-2.0
"""zig cc from the Python package ziglang: clang and ld.lld for every core, installed by pip alone."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from typing import Self

from tinyq_deploy.board import Board
from tinyq_deploy.toolchains.base import OPTIMIZE_FLAG, Optimize, Recipe, Source, Toolchain, bare_metal_link
from tinyq_deploy.toolchains.gcc import no_target

# (core, fpu) of a board file -> ABI, CPU. A bare cortex_m4, m7 or m33 has no FPU here and a bare cortex_m55 no MVE.
_TARGETS: dict[tuple[str, str], tuple[str, str]] = {
    ("cortex-m0", ""): ("eabi", "cortex_m0"),
    ("cortex-m0plus", ""): ("eabi", "cortex_m0plus"),
    ("cortex-m3", ""): ("eabi", "cortex_m3"),
    ("cortex-m4", ""): ("eabi", "cortex_m4"),
    ("cortex-m4", "fpv4-sp-d16"): ("eabihf", "cortex_m4+vfp4d16sp"),
    ("cortex-m7", ""): ("eabi", "cortex_m7"),
    ("cortex-m7", "fpv5-sp-d16"): ("eabihf", "cortex_m7+fp_armv8d16sp"),
    ("cortex-m7", "fpv5-d16"): ("eabihf", "cortex_m7+fp_armv8d16"),
    ("cortex-m33", ""): ("eabi", "cortex_m33+dsp"),
    ("cortex-m33", "fpv5-sp-d16"): ("eabihf", "cortex_m33+dsp+fp_armv8d16sp"),
    ("cortex-m55", ""): ("eabihf", "cortex_m55+mve_fp+fp_armv8d16"),
    ("cortex-m55", "fpv5-d16"): ("eabihf", "cortex_m55+mve_fp+fp_armv8d16"),
}

# -fhosted undoes the -ffreestanding of the target, which would make every 4-byte memcpy a call. Frame pointers and
# the undefined-behaviour sanitizer are on by default. -gline-tables-only: no path of the compiler's own headers.
_CODE = (
    "-std=c11",
    "-gline-tables-only",
    "-fhosted",
    "-fomit-frame-pointer",
    "-fno-sanitize=undefined",
    "-fno-stack-protector",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)
# -nostdlib drops compiler-rt too. Its debug information, ten times the image, names the folder of zig's cache:
# linker.ld discards it.
_RUNTIME = ("-nodefaultlibs", "-nostartfiles")
_NO_BUILTIN = ("-ffreestanding", "-fno-builtin")


def zig_command() -> tuple[str, ...] | None:
    """The argv prefix of zig's C compiler: this Python's ziglang package, else zig on PATH, else None."""
    if find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    path = shutil.which("zig")
    return (path, "cc") if path else None


class Zig(Toolchain):
    """zig cc, without a C library. An image that needs 64-bit division or soft float gets compiler-rt, which zig builds
    once for each core (3 to 5 s, 50 MB in its cache)."""

    name = "zig"
    minimum = (0, 13)
    lazy_runtime = True
    install = "`pip install 'tinyq-deploy[virtual]'`, or put zig 0.13 or newer on PATH"

    @classmethod
    def find(cls) -> Self | None:
        command = zig_command()
        return cls(command) if command else None

    @property
    def version_argv(self) -> tuple[str, ...]:
        return (*self.command[:-1], "version")

    def target_flags(self, board: Board) -> tuple[str, ...]:
        target = _TARGETS.get((board.core, board.fpu))
        if target is None:
            raise no_target(board, self.name, tuple(_TARGETS))
        return ("-target", f"thumb-freestanding-{target[0]}", f"-mcpu={target[1]}")

    def compile_flags(self, source: Source, recipe: Recipe, board: Board, optimize: Optimize) -> tuple[str, ...]:
        return (
            *self.target_flags(board),
            OPTIMIZE_FLAG[optimize],
            *_CODE,
            *recipe.warnings,
            *recipe.flags,
            *(_NO_BUILTIN if source.no_builtin else ()),
            *source.flags,
        )

    def link_flags(self, recipe: Recipe, board: Board, optimize: Optimize, runtime: bool = True) -> tuple[str, ...]:
        return (
            *self.target_flags(board),
            OPTIMIZE_FLAG[optimize],
            "-g",  # or zig strips the symbols as well
            *(_RUNTIME if runtime else ("-nostdlib",)),
            *recipe.flags,
            *bare_metal_link(recipe),
        )
