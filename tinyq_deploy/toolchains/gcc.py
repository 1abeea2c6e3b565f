# SPDX-License-Identifier: Apache-2.0
"""GNU Arm Embedded: arm-none-eabi-gcc on PATH."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import Self

from tinyq_deploy.board import Board
from tinyq_deploy.errors import UsageError
from tinyq_deploy.toolchains.base import OPTIMIZE_FLAG, Optimize, Recipe, Source, Toolchain, bare_metal_link

_PROGRAM = "arm-none-eabi-gcc"

# (core, fpu) of a board file -> flags. The M55's FPU and MVE come with its -mcpu.
_SOFT = "-mfloat-abi=soft"
_HARD = "-mfloat-abi=hard"
_TARGETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("cortex-m0", ""): ("-mcpu=cortex-m0", _SOFT),
    ("cortex-m0plus", ""): ("-mcpu=cortex-m0plus", _SOFT),
    ("cortex-m3", ""): ("-mcpu=cortex-m3", _SOFT),
    ("cortex-m4", ""): ("-mcpu=cortex-m4", _SOFT),
    ("cortex-m4", "fpv4-sp-d16"): ("-mcpu=cortex-m4", _HARD, "-mfpu=fpv4-sp-d16"),
    ("cortex-m7", ""): ("-mcpu=cortex-m7", _SOFT),
    ("cortex-m7", "fpv5-sp-d16"): ("-mcpu=cortex-m7", _HARD, "-mfpu=fpv5-sp-d16"),
    ("cortex-m7", "fpv5-d16"): ("-mcpu=cortex-m7", _HARD, "-mfpu=fpv5-d16"),
    ("cortex-m33", ""): ("-mcpu=cortex-m33", _SOFT),
    ("cortex-m33", "fpv5-sp-d16"): ("-mcpu=cortex-m33", _HARD, "-mfpu=fpv5-sp-d16"),
    ("cortex-m55", ""): ("-mcpu=cortex-m55", _HARD),
    ("cortex-m55", "fpv5-d16"): ("-mcpu=cortex-m55", _HARD),
}

# gcc 12.2 -Os on the M55: "asm operand has impossible constraints" in these files; -O2 and -O3 compile them.
_NOT_FOR_SIZE = {("cortex-m55", "arm_nn_mat_mult_nt_t_s8.c")}

_CODE = (
    "-std=c11",
    "-g1",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)
# Without these gcc turns the loop inside memset into a call of memset.
_NO_BUILTIN = ("-fno-builtin", "-fno-tree-loop-distribute-patterns")


class Gcc(Toolchain):
    """arm-none-eabi-gcc with libgcc; no C library is needed."""

    name = "gcc"
    minimum = (10,)
    install = (
        "install arm-none-eabi-gcc 10 or newer: `sudo apt install gcc-arm-none-eabi`, `brew install --cask "
        "gcc-arm-embedded` or `winget install Arm.GnuArmEmbeddedToolchain`; or `pip install 'tinyq-deploy[virtual]'`"
    )

    @classmethod
    def find(cls) -> Self | None:
        path = shutil.which(_PROGRAM)
        return cls((path,)) if path else None

    def target_flags(self, board: Board) -> tuple[str, ...]:
        flags = _TARGETS.get((board.core, board.fpu))
        if flags is None:
            raise no_target(board, self.name, tuple(_TARGETS))
        return ("-mthumb", *flags)

    def compile_flags(self, source: Source, recipe: Recipe, board: Board, optimize: Optimize) -> tuple[str, ...]:
        known_bad = (board.core, PurePosixPath(source.path).name) in _NOT_FOR_SIZE
        return (
            *self.target_flags(board),
            OPTIMIZE_FLAG["balanced" if known_bad and optimize == "size" else optimize],
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
            "-nostdlib",
            "-nostartfiles",
            *recipe.flags,
            *bare_metal_link(recipe),
        )

    @property
    def libraries(self) -> tuple[str, ...]:
        return ("-lgcc",)


def no_target(board: Board, compiler: str, known: tuple[tuple[str, str], ...]) -> UsageError:
    """The error for a core and FPU that a compiler has no flags for."""
    fitting = ", ".join(repr(fpu) for core, fpu in known if core == board.core) or "none: the core is unknown"
    return UsageError(
        "a board names a core and an FPU that the compiler knows",
        f"board {board.name}: core {board.core!r}, fpu {board.fpu!r} with {compiler}",
        f"fpu values for this core: {fitting}",
    )
