# SPDX-License-Identifier: Apache-2.0
"""A toolchain turns the sources of an emitted project into an ELF file.

To add one: 1. subclass Toolchain in a file of its own, 2. add the class to REGISTRY in toolchains/__init__.py,
3. add tests/toolchains/test_<name>.py with the exact argv lists it makes.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from tinyq_deploy import process
from tinyq_deploy.board import Board
from tinyq_deploy.errors import BuildError

Optimize = Literal["speed", "balanced", "size"]
OPTIMIZE_FLAG: dict[Optimize, str] = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
ENTRY = "Reset_Handler"


@dataclass(frozen=True)
class Source:
    """One C file. `path` is POSIX and relative to the project; `flags` follow the common ones and must be known to
    gcc and clang. `no_builtin` marks the file that implements memcpy and its kind: its loops stay loops."""

    path: str
    flags: tuple[str, ...] = ()
    no_builtin: bool = False


@dataclass(frozen=True)
class Recipe:
    """What a project is built from; all paths are POSIX and relative to the project.

    `defines` are NAME or NAME=VALUE; `system_dirs` are include folders whose headers do not warn (third party);
    `flags` go to compiler and linker alike (sanitizers on the host). An empty `linker_script` is a hosted program.
    """

    sources: tuple[Source, ...]
    include_dirs: tuple[str, ...] = ("src", "model")
    system_dirs: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ("-Wall", "-Wextra", "-Werror")
    linker_script: str = "linker.ld"
    flags: tuple[str, ...] = ()


class Toolchain(ABC):
    """One compiler. `command` is the argv prefix that starts it. Everything but `find` and `version` is pure."""

    name: ClassVar[str]
    install: ClassVar[str]
    minimum: ClassVar[tuple[int, ...]] = (0,)
    lazy_runtime: ClassVar[bool] = False
    """True where the runtime library (64-bit division, soft float) is dear: link without it first."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = tuple(command)

    @classmethod
    @abstractmethod
    def find(cls) -> Self | None:
        """This compiler as the machine has it, or None."""

    @property
    def version_argv(self) -> tuple[str, ...]:
        """The command that prints the compiler's version."""
        return (*self.command, "-dumpfullversion", "-dumpversion")

    def version(self) -> str:
        """The compiler's version, e.g. "12.2.1". Raises BuildError when it does not start or is too old."""
        try:
            result = process.run(self.version_argv, timeout=60)
        except OSError as error:
            raise BuildError("the compiler starts", f"{self.command[0]}: {error.strerror}", self.install) from error
        found = re.search(r"\d+(\.\d+)+|^\d+$", result.stdout, re.MULTILINE)
        if not result.ok or found is None:
            tail = result.output.strip().splitlines()[-1:] or ["no answer"]
            answer = f"{' '.join(self.version_argv)}: {tail[0]}"
            raise BuildError("the compiler tells its version", answer, self.install)
        if tuple(int(part) for part in found[0].split(".")) < self.minimum:
            rule = f"{self.name} is version {'.'.join(map(str, self.minimum))} or newer"
            raise BuildError(rule, f"{self.command[0]} is {found[0]}", self.install)
        return found[0]

    @abstractmethod
    def target_flags(self, board: Board) -> tuple[str, ...]:
        """Core and FPU of the board. Raises UsageError for a pair that this compiler has no flags for."""

    @abstractmethod
    def compile_flags(self, source: Source, recipe: Recipe, board: Board, optimize: Optimize) -> tuple[str, ...]:
        """Every flag that `source` is compiled with, less include folders, defines and file names."""

    @abstractmethod
    def link_flags(self, recipe: Recipe, board: Board, optimize: Optimize, runtime: bool = True) -> tuple[str, ...]:
        """Every flag of the link, less objects and libraries; `runtime`: with the compiler's runtime library."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """What follows the objects."""
        return ()

    def compile_argv(
        self, source: Source, object: str, recipe: Recipe, board: Board, optimize: Optimize
    ) -> tuple[str, ...]:
        """Compiles `source` to the file `object`; paths are relative to the project, where it must run."""
        return (
            *self.command,
            *self.compile_flags(source, recipe, board, optimize),
            *(f"-D{define}" for define in recipe.defines),
            *(f"-I{folder}" for folder in recipe.include_dirs),
            *(word for folder in recipe.system_dirs for word in ("-isystem", folder)),
            *("-c", source.path, "-o", object),
        )

    def link_argv(
        self,
        objects: Sequence[str],
        elf: str,
        recipe: Recipe,
        board: Board,
        optimize: Optimize,
        *,
        runtime: bool = True,
    ) -> tuple[str, ...]:
        """Links `objects`, in this order, to `elf` and prints the linker's map on stdout (not for hosted programs)."""
        return (*self.command, *self.link_flags(recipe, board, optimize, runtime), *objects, *self.libraries, "-o", elf)


def bare_metal_link(recipe: Recipe) -> tuple[str, ...]:
    """The linker flags that all bare-metal toolchains share. ld.lld ignores the script's ENTRY, so it is named here."""
    return (
        f"-Wl,-T,{recipe.linker_script}",
        "-Wl,--gc-sections",
        f"-Wl,-e,{ENTRY}",
        "-Wl,--print-map",
    )
