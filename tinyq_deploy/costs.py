# SPDX-License-Identifier: Apache-2.0
"""What kernel calls cost: a shipped table of linear models, and a tuning file with what a board was measured to take.

firmware/kernels/costs.toml holds per core, `--optimize` and C function: coefficients of `work`, in instructions, and
code bytes. benchmarks/fit_costs.py fits it to QEMU's instruction counts. A tuning file is `tinyq-deploy tune`'s.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tinyq_deploy import assets
from tinyq_deploy.board import Core
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Cost, KernelCall
from tinyq_deploy.tuning import Tuning, call_key
from tinyq_deploy.work import work

# Cores whose instruction counts are those of another: measured within 3 % of it.
COUNTED_AS: Mapping[Core, Core] = {"cortex-m7": "cortex-m4", "cortex-m33": "cortex-m4"}
_WORD = 4


@dataclass(frozen=True)
class Entry:
    """The model of one C function: instructions for each unit of `work`, the error that nine of ten of the `samples`
    stay within, a share of the amount, and the code bytes of one layer and of what all layers share."""

    instructions: Mapping[str, float]
    error: float
    code_bytes: int
    shared_bytes: int
    samples: int

    def predict(self, amounts: Mapping[str, int]) -> int:
        """Instructions for this much work."""
        return round(sum(factor * amounts.get(name, 0) for name, factor in self.instructions.items()))


@dataclass(frozen=True)
class Costs:
    """What is known for one core and one --optimize; `tuning` wins where it measured the very call."""

    optimize: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    tuning: Tuning | None = None

    def of(self, view: NodeView, call: KernelCall) -> Cost | None:
        """The cost of computing the node of `view` by `call`; None where nothing is known of it."""
        entry, known = self.entries.get(call.function or ""), self.measured(call)
        if known is not None or entry is None:
            return known
        code = entry.code_bytes + self._parameter_bytes(call)
        amount = entry.predict(work(view, call))
        return Cost(amount, "instructions", False, entry.error, code, entry.shared_bytes)

    def measured(self, call: KernelCall) -> Cost | None:
        """The cost of `call` where this very call was measured."""
        ticks = self.tuning.measured.get(call_key(call)) if self.tuning and call.function else None
        if ticks is None or self.tuning is None:
            return None
        entry = self.entries.get(call.function or "")
        code = entry.code_bytes + self._parameter_bytes(call) if entry else None
        return Cost(ticks, self.tuning.unit, True, 0.0, code, entry.shared_bytes if entry else None)

    def _parameter_bytes(self, call: KernelCall) -> int:
        """Parameters are literals that disappear in specialised code, and lie in flash where a function is shared."""
        return _WORD * len(call.params) if self.optimize == "size" else 0


def load(core: Core, optimize: str, tuning: Tuning | None = None) -> Costs:
    """The shipped models for `core` and `optimize` with what `tuning` measured. Raises UsageError where that was
    measured for another core or --optimize."""
    if tuning is not None:
        tuning.require(core, optimize)
    found = _table().get(COUNTED_AS.get(core, core), {}).get(optimize, {})
    return Costs(optimize, {name: _entry(row) for name, row in found.items()}, tuning)


def _entry(row: Mapping[str, float]) -> Entry:
    told = ("error", "code", "shared", "samples")
    instructions = {name: value for name, value in row.items() if name not in told}
    return Entry(instructions, row["error"], int(row["code"]), int(row["shared"]), int(row["samples"]))


def table_path() -> Path:
    """The shipped table."""
    return assets.folder("firmware") / "kernels" / "costs.toml"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(table_path().read_text(encoding="utf-8"))
