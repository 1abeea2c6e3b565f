# SPDX-License-Identifier: Apache-2.0
"""What each layer takes in a linked image: code of its own, code that it shares with other layers, constants."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tinyq_deploy.audit import Code, read_code
from tinyq_deploy.plan import Plan

# Layers and kernels; memcpy, division and their kind belong to the whole image.
_COUNTED = re.compile(r"(layers?|arm|tinyq)_\w+")


@dataclass(frozen=True)
class LayerFlash:
    """Bytes of flash, after linking: functions that only this layer (`symbol`) reaches, functions that other layers
    reach too, and the constants it reads, shared or not."""

    symbol: str
    code_bytes: int
    shared_bytes: int
    constant_bytes: int


def layer_flash(elf: Path, plan: Plan) -> tuple[LayerFlash, ...]:
    """The flash of every layer that runs code, in order. Raises BuildError where `elf` is no ELF file."""
    code = read_code(elf)
    layers = plan.code_layers()
    reached = [_functions(code, layer.symbol) for layer in layers]
    users = Counter(start for starts in reached for start in starts)
    return tuple(
        LayerFlash(
            layer.symbol,
            sum(code.bytes(start) for start in starts if users[start] == 1),
            sum(code.bytes(start) for start in starts if users[start] > 1),
            layer.constant_bytes,
        )
        for layer, starts in zip(layers, reached, strict=True)
    )


def _functions(code: Code, symbol: str) -> list[int]:
    """Addresses of the layers and kernels in the reach of `symbol`."""
    starts = code.reach(code.named(symbol))
    return [start for start in starts if any(_COUNTED.fullmatch(name) for name in code.names(start))]
