# SPDX-License-Identifier: Apache-2.0
"""CMakeLists.txt from the same recipe that build.py compiles, so that a project builds without this tool."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinyq_deploy import assets
from tinyq_deploy.board import Board
from tinyq_deploy.errors import UsageError
from tinyq_deploy.toolchains import Gcc, Host
from tinyq_deploy.toolchains.base import OPTIMIZE_FLAG, Optimize, Recipe, Source, Toolchain

_TARGET = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")


def program(recipe: Recipe, board: Board, optimize: Optimize) -> str:
    """CMakeLists.txt that links the firmware with arm-none-eabi-gcc, or with the PC's compiler for `host`.

    For a board the flash image equals build.py's with the same gcc, byte for byte.
    """
    compiler = "cc" if board.is_host else "arm-none-eabi-gcc"
    toolchain: Toolchain = Host((compiler,)) if board.is_host else Gcc((compiler,))
    in_template = (f"-Wl,-T,{recipe.linker_script}", "-Wl,--print-map")
    link_flags = toolchain.link_flags(recipe, board, optimize)
    return (
        _environment()
        .get_template("CMakeLists.txt.j2")
        .render(
            bare_metal=not board.is_host,
            compiler=compiler,
            sources=[source.path for source in recipe.sources],
            include_dirs=recipe.include_dirs,
            system_dirs=recipe.system_dirs,
            defines=recipe.defines,
            compile_flags=toolchain.compile_flags(Source(""), recipe, board, optimize),
            own_flags=_own_flags(toolchain, recipe, board, optimize),
            link_flags=[flag for flag in link_flags if flag not in in_template],
            libraries=[library.removeprefix("-l") for library in toolchain.libraries],
            linker_script=recipe.linker_script,
        )
    )


def library(name: str, recipe: Recipe, board: Board, optimize: Optimize) -> str:
    """CMakeLists.txt with a static library target `name` for a user's own project.

    Core, FPU and warnings are left to that project. Raises UsageError when `name` is no CMake target name.
    """
    if not _TARGET.fullmatch(name):
        raise UsageError("--name is a CMake target name", repr(name), "use letters, digits, _ and -")
    return (
        _environment()
        .get_template("library/CMakeLists.txt.j2")
        .render(
            name=name,
            core=board.core,
            fpu=board.fpu,
            sources=[source.path for source in recipe.sources],
            include_dirs=recipe.include_dirs,
            system_dirs=recipe.system_dirs,
            defines=recipe.defines,
            optimize=OPTIMIZE_FLAG[optimize],
            own_flags=[(source.path, source.flags) for source in recipe.sources if source.flags],
        )
    )


def _own_flags(
    toolchain: Toolchain, recipe: Recipe, board: Board, optimize: Optimize
) -> list[tuple[str, tuple[str, ...]]]:
    """(path, flags) of the sources that need more than the common flags. CMake puts these last, so they win."""
    common = toolchain.compile_flags(Source(""), recipe, board, optimize)
    found = []
    for source in recipe.sources:
        flags = toolchain.compile_flags(source, recipe, board, optimize)
        if flags != common:
            found.append((source.path, flags[len(common) :] if flags[: len(common)] == common else flags))
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(assets.folder("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quote"] = _quote
    environment.filters["quote_list"] = _quote_list
    return environment


def _quote_list(text: str) -> str:
    """`text`, whose ";" separate list items, as a quoted CMake argument."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", text) + '"'


def _quote(text: str) -> str:
    """`text` as one quoted CMake argument, whatever it holds."""
    return _quote_list(text).replace(";", "\\;")
