# SPDX-License-Identifier: Apache-2.0
"""tinyq.toml: a project's settings. Flags win over it; paths are relative to the file."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinyq_deploy.errors import Fault, UsageError

FILE = "tinyq.toml"

TEMPLATE = """\
# Settings of this project for tinyq-deploy. Flags win over them; paths are relative to this file.
model = {model}
board = {board}
# representative_data = "representative.npz"   # x [N, ...]: what the model sees in use; needed for float models
# data = "test.npz"                            # x [N, ...] and labels y [N], for bench and run
# kernels = "auto"                             # auto, own, cmsis-nn, portable
# optimize = "speed"                           # speed, balanced, size
# ram = "64K"                                  # most bytes of the arena; speed is given up for it where it must be
# tuning = "tuning.toml"                       # what `tinyq-deploy tune` measured; kernels "auto" go by it

# [quantize]                                   # how a float model becomes an integer one
# calibrate = "auto"                           # minmax, percentile, percentile-99.9, mse, entropy, average, auto
# precision = "int8"                           # int8, int16x8
# equalize = true                              # balance channels of unlike size between layers first

# [gates]                                      # bench and run exit with 1 where one is not met
# accuracy = 0.90
# exact = true
"""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gates(_Data):
    """What bench and run demand: least accuracy (share of 1), and byte-exact agreement with the oracle."""

    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    exact: bool = False


class Quantize(_Data):
    """How a float model is quantised; recipe.Recipe has the meaning of the keys and the defaults."""

    calibrate: str | None = None
    equalize: bool | None = None
    precision: Literal["int8", "int16x8"] | None = None


class Config(_Data):
    """Everything tinyq.toml may hold; None where it says nothing."""

    model: Path | None = None
    name: str | None = None
    board: str | None = None
    representative_data: str | None = None
    data: str | None = None
    x_key: str | None = None
    y_key: str | None = None
    kernels: str | None = None
    cmsis_nn: Path | None = None
    optimize: Literal["speed", "balanced", "size"] | None = None
    toolchain: str | None = None
    ram: int | str | None = None
    tuning: Path | None = None
    quantize: Quantize = Quantize()
    gates: Gates = Gates()


def load(folder: Path) -> Config:
    """tinyq.toml in `folder`, or an empty Config where there is none. Raises UsageError with every fault found."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE} can be read", f"{path}: {error}", "check the file") from error
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{FILE} is TOML", f"{path}: {error}", "correct the line") from error
    except ValidationError as error:
        faults = [_fault(".".join(map(str, item["loc"])), item["msg"], item["type"]) for item in error.errors()]
        raise UsageError.of(faults) from error


def bytes_of(value: int | str) -> int:
    """A number of bytes as users write it: 65536, "65536" or "64K". Raises UsageError for anything else."""
    found = re.fullmatch(r"(\d+)\s*([KM]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
    size = int(found[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20}[found[2].upper()] if found else 0
    if size <= 0:
        raise UsageError("--ram is a number of bytes above 0", str(value), "give bytes, or K for 1024 of them: 64K")
    return size


_TABLES: dict[str, type[_Data]] = {"": Config, "quantize": Quantize, "gates": Gates}


def _fault(where: str, message: str, kind: str) -> Fault:
    name = where.rsplit(".", 1)[-1]
    known = list(dict.fromkeys(key for table in _TABLES.values() for key in table.model_fields))
    near = get_close_matches(name, known, n=1) if kind == "extra_forbidden" else []
    hint = f"did you mean {_place(near[0])}?" if near else f"known: {', '.join(known)}"
    return Fault(f"{FILE} holds known keys with valid values", f"{where}: {message}", hint)


def _place(key: str) -> str:
    table = next(table for table, holds in _TABLES.items() if key in holds.model_fields)
    return f"{key!r} in [{table}]" if table else repr(key)
