# SPDX-License-Identifier: Apache-2.0
"""The constants of all layers as one object in flash: equal arrays once, whole words, one CRC-32."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.kernels.base import Constant
from tinyq_deploy.plan import Plan

WORD = 4
# The function that sets states to their initial values, as a user of arrays.
RESET = "reset_state"


@dataclass(frozen=True, eq=False)
class Array:
    """One member of the weights struct, zero-padded to whole words. `users` are the C functions that read it."""

    name: str
    values: npt.NDArray[Any]
    shape: tuple[int, ...]
    users: tuple[str, ...]


@dataclass(frozen=True)
class Weights:
    """All arrays in the order of the struct. `member` names the array of (C function, constant name)."""

    arrays: tuple[Array, ...]
    member: Mapping[tuple[str, str], str]

    @property
    def image(self) -> bytes:
        """The struct's bytes, little-endian."""
        return b"".join(array.values.astype(array.values.dtype.newbyteorder("<")).tobytes() for array in self.arrays)

    @property
    def crc32(self) -> int:
        """zlib.crc32 of the image."""
        return zlib.crc32(self.image)


def collect(plan: Plan) -> Weights:
    """The constants of every layer of `plan`, and what states hold after a reset where that is no byte repeated; equal
    ones (same type, same bytes) share one array."""
    users: dict[tuple[str, bytes], list[tuple[str, Constant]]] = {}
    for part in (part for layer in plan.code_layers() for part in layer.parts):
        for constant in part.call.constants:
            key = (constant.values.dtype.name, constant.values.tobytes())
            users.setdefault(key, []).append((part.symbol, constant))
    arrays, member = [], {}
    for position, values in enumerate(patterns(plan)):
        if values is not None:
            constant = Constant(f"{position}", values)
            users.setdefault((values.dtype.name, values.tobytes()), []).append((RESET, constant))
    for shared in users.values():
        symbol, first = shared[0]
        name = f"{symbol}_{first.name}"
        names = tuple(dict.fromkeys(user for user, _ in shared))
        arrays.append(Array(name, _padded(first.values), first.values.shape, names))
        member.update({(user, constant.name): name for user, constant in shared})
    return Weights(_aligned(arrays), MappingProxyType(member))


def _aligned(arrays: list[Array]) -> tuple[Array, ...]:
    """The arrays in an order and of sizes that leave the struct no hidden padding: those of 8 bytes an element first,
    and then whole pairs of words in all."""
    ordered = sorted(arrays, key=lambda array: array.values.itemsize < 8)
    if ordered and ordered[0].values.itemsize == 2 * WORD and sum(array.values.nbytes for array in ordered) % 8:
        last = ordered[-1]
        zeros = np.zeros(WORD // last.values.itemsize, last.values.dtype)
        ordered[-1] = replace(last, values=np.concatenate([last.values, zeros]))
    return tuple(ordered)


def patterns(plan: Plan) -> list[npt.NDArray[np.int8] | None]:
    """For each state of `plan` the bytes that it holds after a reset; None where they are all equal, for `uniform`."""
    found: list[npt.NDArray[np.int8] | None] = []
    for state in plan.graph.states:
        values = np.frombuffer(state.initial.tobytes(), np.int8)
        found.append(None if (values == values[0]).all() else values)
    return found


def _padded(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    flat = np.ascontiguousarray(values).reshape(-1)
    short = -flat.nbytes % WORD // flat.itemsize
    return np.concatenate([flat, np.zeros(short, flat.dtype)])
