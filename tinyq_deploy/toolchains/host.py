# SPDX-License-Identifier: Apache-2.0
"""The PC's own compiler, for the board `host`."""

from __future__ import annotations

import shutil
from typing import Self

from tinyq_deploy.board import Board
from tinyq_deploy.toolchains.base import OPTIMIZE_FLAG, Optimize, Recipe, Source, Toolchain
from tinyq_deploy.toolchains.zig import zig_command

_PROGRAMS = ("cc", "gcc", "clang")


class Host(Toolchain):
    """cc, gcc or clang on PATH, else zig cc for this machine."""

    name = "host"
    install = "`sudo apt install gcc`, `xcode-select --install`, or on any system `pip install 'tinyq-deploy[virtual]'`"

    @classmethod
    def find(cls) -> Self | None:
        paths = (shutil.which(program) for program in _PROGRAMS)
        command = next(((path,) for path in paths if path), None) or zig_command()
        return cls(command) if command else None

    @property
    def _is_zig(self) -> bool:
        return self.command[-1] == "cc" and len(self.command) > 1

    @property
    def version_argv(self) -> tuple[str, ...]:
        return (*self.command[:-1], "version") if self._is_zig else super().version_argv

    def target_flags(self, board: Board) -> tuple[str, ...]:
        return ()

    def compile_flags(self, source: Source, recipe: Recipe, board: Board, optimize: Optimize) -> tuple[str, ...]:
        return (
            OPTIMIZE_FLAG[optimize],
            "-std=c11",
            "-g",
            *(("-fno-sanitize=undefined",) if self._is_zig else ()),
            *recipe.warnings,
            *recipe.flags,
            *source.flags,
        )

    def link_flags(self, recipe: Recipe, board: Board, optimize: Optimize, runtime: bool = True) -> tuple[str, ...]:
        return (OPTIMIZE_FLAG[optimize], *recipe.flags)

    @property
    def libraries(self) -> tuple[str, ...]:
        return ("-lm",)
