# SPDX-License-Identifier: Apache-2.0
"""What all commands share: the application, settings from tinyq.toml, the board, where --json goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tinyq_deploy.board import Board
    from tinyq_deploy.config import Config
    from tinyq_deploy.deploy import DataKeys
    from tinyq_deploy.recipe import Recipe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="From a trained model to a microcontroller, with proof of what it does there.",
)


def config_here() -> Config:
    from tinyq_deploy.config import load

    return load(Path())


def first(*values: Any) -> Any:
    """The first value that is set."""
    return next((value for value in values if value is not None), None)


def needed(value: Any, flag: str) -> Any:
    from tinyq_deploy.errors import UsageError

    if value is None:
        raise UsageError(f"{flag} is given, as a flag or in tinyq.toml", "neither", f"add {flag}")
    return value


def board_of(name: str | None, config: Config) -> Board:
    from tinyq_deploy import board as boards
    from tinyq_deploy.report import say

    chosen = needed(first(name, config.board), "--board")
    found = boards.load(chosen)
    if chosen.lower() in found.aliases:
        others = [other for other in boards.names() if other.startswith("nucleo-") and other != found.name]
        say(f"--board {chosen} means {found.title}; others: {', '.join(others)}")
    return found


def emit(data: dict[str, Any], path: Path | None) -> None:
    """Writes a result where --json says."""
    from tinyq_deploy import files

    if path is None:
        return
    text = json.dumps(data, indent=1) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        files.write_text(path, text)


def keys(x: str | None, y: str | None, config: Config) -> DataKeys:
    from tinyq_deploy.deploy import DataKeys

    return DataKeys(first(x, config.x_key, "x"), first(y, config.y_key, "y"))


def recipe(config: Config, **flags: Any) -> Recipe:
    """How to quantise: the flags that were given, else tinyq.toml's [quantize], else what Recipe says."""
    from tinyq_deploy.recipe import Recipe

    known = config.quantize.model_dump(exclude_none=True)
    return Recipe(**known | {key: value for key, value in flags.items() if value is not None})
