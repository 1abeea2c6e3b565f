# SPDX-License-Identifier: Apache-2.0
"""Emits and builds the echo application for a board, as an emitted project would be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinyq_deploy import assets, port, protocol
from tinyq_deploy.board import Board
from tinyq_deploy.toolchains import Recipe, Source, Toolchain

_HERE = Path(__file__).parent
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes")


def emit(board: Board, folder: Path) -> Recipe:
    """Writes the project to `folder` and says what it is built from."""
    env = Environment(
        loader=FileSystemLoader(assets.folder("templates")),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    context = {**port.board_context(board), "constants": protocol.c_constants()}
    names = ["src/board_config.h", "src/protocol_ids.h"] + ([] if board.is_host else ["linker.ld"])
    (folder / "src" / "port" / "libc").mkdir(parents=True)
    for name in names:
        (folder / name).write_text(env.get_template(f"{name}.j2").render(context), encoding="utf-8")
    for name in (*port.port_sources(board), *port.port_headers(board)):
        shutil.copy(assets.folder("firmware") / name, folder / "src" / name)
    shutil.copy(_HERE / "echo" / "main.c", folder / "src" / "main.c")
    files = ("main.c", *port.port_sources(board))
    sources = tuple(Source(f"src/{file}", no_builtin=file == port.NO_BUILTIN) for file in files)
    folders = ("src", *(f"src/{name}" for name in port.include_dirs(board)))
    return Recipe(sources, folders, warnings=_WARNINGS, linker_script="" if board.is_host else "linker.ld")


def build(board: Board, toolchain: Toolchain, folder: Path, optimize: str = "balanced") -> Path:
    """The ELF file of the echo application. Raises AssertionError with the compiler's words."""
    recipe = emit(board, folder)
    objects = []
    for number, source in enumerate(recipe.sources):
        objects.append(f"{number}.o")
        _run(toolchain.compile_argv(source, objects[-1], recipe, board, optimize), folder)  # type: ignore[arg-type]
    _run(toolchain.link_argv(objects, "echo.elf", recipe, board, optimize), folder)  # type: ignore[arg-type]
    return folder / "echo.elf"


def _run(argv: tuple[str, ...], folder: Path) -> None:
    result = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, f"{' '.join(argv)}\n{result.stdout[-2000:]}{result.stderr}"
