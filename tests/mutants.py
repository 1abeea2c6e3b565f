# SPDX-License-Identifier: Apache-2.0
"""Damaged models: a sound .tflite changed byte by byte where the reader looks, or number by number where it means
something."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode
from models import pack

from tinyq_deploy.errors import ModelError
from tinyq_deploy.read import read

NUMBERS = (
    0, 1, -1, 2, -2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 31, 32, 127, 128, -128, -129, 255, 256, 1000, 4096, 32767, 32768,
    65535, 65536, 1 << 20, 1 << 24, (1 << 24) + 1, 1 << 30, (1 << 31) - 1, -(1 << 31), (1 << 32) - 1, (1 << 63) - 1,
)  # fmt: skip
FLOATS = (
    0.0, -0.0, 1e-45, 1e-38, 1e-30, 1e-9, 2.0**-31, 1 / 256, 0.1, 0.5, 1.0, 3.0, 255.0, 2.0**22, 2.0**31, 1e30, 3e38,
    -1.0, float("inf"), -float("inf"), float("nan"),
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A number of a flatbuffer that the reader looks at: an offset, a length, a vtable's entry or a value."""

    at: int
    format: str

    @property
    def size(self) -> int:
        return struct.calcsize(self.format)


def fields(data: bytes) -> list[Field]:
    """The numbers that `read` looks at in `data`, whether it takes it or not."""
    seen: dict[Field, None] = {}

    def watched(packer: struct.Struct, buffer: bytes, at: int) -> Any:
        seen[Field(at, packer.format)] = None
        return packer.unpack_from(memoryview(buffer), at)[0]

    with mock.patch.object(encode, "Get", watched), suppress(ModelError):
        read(data, "seed")
    return [field for field in seen if 0 <= field.at <= len(data) - field.size]


# Bytes --------------------------------------------------------------------------------------------------------------

Bytes = bytearray
Edit = Callable[[random.Random, Bytes, list[Field]], None]


def _flip(rng: random.Random, data: Bytes, _: list[Field]) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(rng: random.Random, data: Bytes, _: list[Field]) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _field(rng: random.Random, data: Bytes, known: list[Field]) -> None:
    """A number becomes one at an edge."""
    field = rng.choice(known)
    if field.at + field.size <= len(data):
        value = rng.choice((*NUMBERS, len(data), len(data) - field.at))
        _store(data, field, value)


def _nudge(rng: random.Random, data: Bytes, known: list[Field]) -> None:
    """An offset or a length becomes a little larger or smaller."""
    field = rng.choice(known)
    if field.at + field.size <= len(data):
        by = rng.choice((-64, -16, -8, -4, -2, -1, 1, 2, 4, 8, 16, 64))
        _store(data, field, int.from_bytes(data[field.at : field.at + field.size], "little") + by)


def _store(data: Bytes, field: Field, value: int) -> None:
    data[field.at : field.at + field.size] = (value & (1 << 8 * field.size) - 1).to_bytes(field.size, "little")


def _swap(rng: random.Random, data: Bytes, known: list[Field]) -> None:
    """A number takes the place of another of its size: a table of one type where one of another is wanted."""
    field = rng.choice(known)
    other = rng.choice([one for one in known if one.size == field.size])
    if max(field.at, other.at) + field.size <= len(data):
        data[field.at : field.at + field.size] = data[other.at : other.at + field.size]


def _redirect(rng: random.Random, data: Bytes, known: list[Field]) -> None:
    """An offset leads to where another one leads."""
    offsets = [field for field in known if field.format.endswith("I") and field.at + 4 <= len(data)]
    if offsets:
        field, other = rng.choice(offsets), rng.choice(offsets)
        _store(data, field, other.at + int.from_bytes(data[other.at : other.at + 4], "little") - field.at)


def _cut(rng: random.Random, data: Bytes, _: list[Field]) -> None:
    del data[rng.randrange(8, max(9, len(data))) :]


def _remove(rng: random.Random, data: Bytes, _: list[Field]) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 4, 8, 64))]


def _insert(rng: random.Random, data: Bytes, _: list[Field]) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 64)))


_BLIND_EDITS: tuple[Edit, ...] = (_flip, _byte, _cut, _remove, _insert)
_BYTE_EDITS = (*_BLIND_EDITS, _field, _field, _field, _field, _nudge, _nudge, _swap, _swap, _redirect)


def of_bytes(rng: random.Random, seed: bytes, known: list[Field]) -> bytes:
    """`seed` with one to four edits of its bytes; `known` are its fields."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if len(data) > 8:
            rng.choice(_BYTE_EDITS if known else _BLIND_EDITS)(rng, data, known)
    return bytes(data)


# Values -------------------------------------------------------------------------------------------------------------


def of_values(rng: random.Random, seed: bytes) -> bytes | None:
    """`seed` with one to four changed numbers, lists or tables, written anew as a file; None where the schema's own
    reader or writer takes no such thing."""
    try:
        tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(seed, 0))
        places = list(_places(tree))
        for _ in range(rng.choice((1, 1, 2, 4))):
            owner, name = rng.choice(places)
            setattr(owner, name, _changed(rng, name, getattr(owner, name), places))
        return pack(tree)
    except Exception:
        return None


def _places(owner: Any) -> Iterator[tuple[Any, str]]:
    """Every attribute of the tree that is set: (its table, its name)."""
    for name, value in vars(owner).items():
        if value is None:
            continue
        yield owner, name
        for entry in value if isinstance(value, list) else (value,):
            if hasattr(entry, "Pack"):
                yield from _places(entry)


def _changed(rng: random.Random, name: str, value: Any, places: list[tuple[Any, str]]) -> Any:
    for kind, change in _CHANGES:
        if isinstance(value, kind):
            return change(rng, value)
    alike = [getattr(owner, other) for owner, other in places if other == name]
    return rng.choice((None, rng.choice(alike)))


def _float(rng: random.Random, value: float) -> float:
    return rng.choice((*FLOATS, value * 2, value / 2, rng.uniform(-1, 1)))


def _name(rng: random.Random, _: Any) -> bytes:
    return rng.choice((b"", b"*/ {{ 7*7 }}\n", rng.randbytes(9), b"x" * 5000))


def _number(rng: random.Random, value: int) -> int:
    # Most values are small numbers of an enumeration, an axis or an extent; a few are at the edges.
    return rng.choice((rng.choice(NUMBERS), value + rng.choice((-1, 1)), rng.randrange(160), rng.randrange(8)))


def _array(rng: random.Random, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    how = rng.choice(("entry", "entry", "shorter", "longer", "fill", "shuffle"))
    changed = value.copy()
    if how == "shorter" or not changed.size:
        return changed[:-1] if changed.size else np.ones(1, changed.dtype)
    if how == "longer":
        return np.append(changed, changed[-1:])
    if how == "shuffle":
        return np.array(rng.sample(list(changed), changed.size), changed.dtype)
    if changed.dtype.kind == "f":
        entry: Any = rng.choice(FLOATS)
    else:
        entry = _number(rng, int(rng.choice(changed))) & (1 << 8 * changed.itemsize) - 1
    whole = np.array([entry], changed.dtype if changed.dtype.kind == "f" else f"u{changed.itemsize}").view(
        changed.dtype
    )
    if how == "fill":
        changed[:] = whole[0]
    else:
        changed[rng.randrange(changed.size)] = whole[0]
    return changed


def _list(rng: random.Random, value: list[Any]) -> list[Any]:
    changed = list(value)
    if not changed:
        return [0]
    at, how = rng.randrange(len(changed)), rng.choice(("drop", "twice", "swap", "entry", "entry"))
    if how == "drop":
        del changed[at]
    elif how == "twice":
        changed.append(changed[at])
    elif how == "entry" and isinstance(changed[at], int):
        changed[at] = _number(rng, changed[at])
    else:
        other = rng.randrange(len(changed))
        changed[at], changed[other] = changed[other], changed[at]
    return changed


_CHANGES: tuple[tuple[Any, Callable[[random.Random, Any], Any]], ...] = (
    (bool, lambda _, value: not value), (float, _float), (int, _number), ((bytes, str), _name), (np.ndarray, _array),
    (list, _list),
)  # fmt: skip
