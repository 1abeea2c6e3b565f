# SPDX-License-Identifier: Apache-2.0
"""A tuning file: what each kernel call of a model was measured to take on a board. Only a tinyq.toml makes it count."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinyq_deploy.errors import Fault, UsageError
from tinyq_deploy.kernels.base import KernelCall

SCHEMA = "tinyq-deploy/tuning/1"
_HINT = "run `tinyq-deploy tune` for this board and --optimize, or take the line out of tinyq.toml"

# A C function with all its parameters: the shape, strides, offsets and forms of one layer.
CallKey = tuple[str, str]


@dataclass(frozen=True)
class Tuning:
    """Measured costs of kernel calls, `unit` per inference, and what they were measured on. `counter` is the source of
    the counts as the measuring device names it."""

    board: str
    core: str
    optimize: str
    toolchain: str
    counter: str
    unit: str
    measured: Mapping[CallKey, int]
    place: str = ""

    def require(self, core: str, optimize: str) -> None:
        """Raises UsageError where this was measured for another core or --optimize."""
        pairs = (("core", self.core, core), ("optimize", self.optimize, optimize))
        faults = [
            Fault(f"the tuning file was measured for this build's {what}", f"{self.place}: {has}, not {wanted}", _HINT)
            for what, has, wanted in pairs
            if has != wanted
        ]
        if faults:
            raise UsageError.of(faults)

    def to_toml(self) -> str:
        """The file's text; equal measurements give equal bytes."""
        return "\n".join([*self._head(), *self._calls()]) + "\n"

    def _head(self) -> Iterator[str]:
        yield "# SPDX-License-Identifier: Apache-2.0"
        yield '# Measured by `tinyq-deploy tune`. It counts where tinyq.toml has a line `tuning = "<this file>"`.'
        yield f"schema = {json.dumps(SCHEMA)}"
        for name in ("board", "core", "optimize", "toolchain", "counter", "unit"):
            yield f"{name} = {json.dumps(getattr(self, name))}"

    def _calls(self) -> Iterator[str]:
        for (function, params), amount in sorted(self.measured.items()):
            yield f'\n[[call]]\nfunction = "{function}"\nparams = "{params}"\namount = {amount}'


def call_key(call: KernelCall) -> CallKey:
    """What a measurement is filed under."""
    numbers = (*call.params, *((("batches", call.batches),) if call.batches > 1 else ()))
    return call.function or "", " ".join(f"{name}={value}" for name, value in numbers)


def slowest(measured: Iterable[tuple[CallKey, int]]) -> dict[CallKey, int]:
    """The largest amount for each call: layers of one shape may hold different weights."""
    found: dict[CallKey, int] = {}
    for key, amount in measured:
        found[key] = max(amount, found.get(key, 0))
    return found


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Call(_Data):
    function: Annotated[str, Field(pattern=r"^\w+$")]
    params: Annotated[str, Field(pattern=r"^[\w= -]*$")]
    amount: Annotated[int, Field(ge=0)]


class _File(_Data):
    schema_: Annotated[Literal["tinyq-deploy/tuning/1"], Field(alias="schema")]
    board: str
    core: str
    optimize: Literal["speed", "balanced", "size"]
    toolchain: str
    counter: str
    unit: Literal["instructions", "cycles"]
    call: tuple[_Call, ...]


def load(path: Path) -> Tuning:
    """The tuning file at `path`. Raises UsageError where it cannot be read or is malformed, with every fault."""
    try:
        data = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the tuning file that tinyq.toml names can be read", f"{path}: {error}", _HINT) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError("a tuning file is TOML", f"{path}: {error}", _HINT) from error
    except ValidationError as error:
        faults = [
            Fault("a tuning file is as `tinyq-deploy tune` wrote it", _found(path, item["loc"], item["msg"]), _HINT)
            for item in error.errors()
        ]
        raise UsageError.of(faults) from error
    measured = slowest(((call.function, call.params), call.amount) for call in data.call)
    return Tuning(
        data.board, data.core, data.optimize, data.toolchain, data.counter, data.unit, measured, str(path)
    )  # fmt: skip


def _found(path: Path, where: tuple[int | str, ...], message: str) -> str:
    return f"{path}: {'.'.join(map(str, where))}: {message}"
