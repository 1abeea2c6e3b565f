# SPDX-License-Identifier: Apache-2.0
"""Two results, each of a run or of a benchmark, held against each other: what grew, what shrank, what is worse.

Reads what `bench --json`, `run --json` and benchmarks/instructions.py --json write.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tinyq_deploy.errors import DataError, Fault, ThresholdError, UsageError
from tinyq_deploy.records import BENCHMARK_SCHEMA, RUN_SCHEMA

MOST_BYTES = 64 << 20
# Percent by which a figure may get worse. Instruction counts repeat exactly; code sizes move with the compiler.
TOLERANCE: Mapping[str, float] = MappingProxyType({
    "instructions": 1.0, "cycles": 1.0, "modelled_cycles": 1.0, "arena_bytes": 1.0, "flash_model_bytes": 1.0,
    "flash_total_bytes": 1.0, "ram_bytes": 1.0, "stack_bytes": 1.0, "accuracy": 0.0, "exact": 0.0,
})  # fmt: skip
# Figures of which more is better.
RISING = frozenset({"accuracy", "exact"})
# What one measurement is of: two that differ in any of these cannot be compared.
_RUN = ("model", "board", "virtual", "time_source", "clock_hz")
_ROW = ("model", "board", "kernels", "optimize", "toolchain", "keep_layers")

Figures = dict[str, float]


@dataclass(frozen=True)
class Change:
    """One figure of one measurement. `percent` is how much worse the new one is, negative where it is better, None
    where the old one is 0; `worse` says that it is beyond the tolerance."""

    of: str
    figure: str
    old: float
    new: float
    percent: float | None
    worse: bool

    def __str__(self) -> str:
        return f"{self.old:,} -> {self.new:,}, worse by {self.share}"

    @property
    def share(self) -> str:
        """How much worse the new figure is, as text."""
        return "" if self.percent is None else f"{self.percent:+.2f} %"


@dataclass(frozen=True)
class Comparison:
    """All figures that both sides have, and the measurements that only one of them has."""

    changes: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """The changes beyond their tolerance."""
        return tuple(change for change in self.changes if change.worse)

    def to_json(self) -> dict[str, Any]:
        """compare --json."""
        return {"schema": "tinyq-deploy/compare/1", **asdict(self)}

    def markdown(self) -> str:
        """A table of what changed, for a pull request."""
        moved = [change for change in self.changes if change.old != change.new]
        lines = ["| measurement | figure | old | new | worse by |", "|---|---|---:|---:|---:|"]
        marks = {True: " **regression**", False: ""}
        lines += [f"| {c.of} | {c.figure} | {c.old:,} | {c.new:,} | {c.share}{marks[c.worse]} |" for c in moved]
        return "\n".join(lines if moved else ["No figure changed."]) + "\n"


def compare(old: Path, new: Path, tolerance: Mapping[str, float] = TOLERANCE) -> Comparison:
    """Every figure of `old` beside that of `new`. `tolerance`: percent per figure. Raises DataError for a file that is
    no result, and UsageError where the two have no measurement in common."""
    before, after = _read(old), _read(new)
    common = [name for name in before if name in after]
    if not common:
        raise UsageError(
            "both results measure the same model on the same board and clock",
            f"{old}: {', '.join(before)}; {new}: {', '.join(after)}", "compare results that have one in common",
        )  # fmt: skip
    found = tuple(change for name in common for change in _changes(name, before[name], after[name], tolerance))
    only = [tuple(sorted(a.keys() - b.keys())) for a, b in ((before, after), (after, before))]
    return Comparison(found, *only)


def tolerances(texts: Sequence[str]) -> dict[str, float]:
    """TOLERANCE with settings such as "instructions=2" or "arena_bytes=0.5%" laid over it. Raises UsageError."""
    chosen = dict(TOLERANCE)
    for text in texts:
        figure, _, percent = text.partition("=")
        try:
            value = float(percent.removesuffix("%"))
        except ValueError:
            value = math.nan
        if figure not in TOLERANCE or not 0 <= value < math.inf:
            raise UsageError("--tolerance is FIGURE=PERCENT", text, f"a figure is one of {', '.join(TOLERANCE)}")
        chosen[figure] = value
    return chosen


def require_no_worse(found: Comparison) -> None:
    """Raises ThresholdError naming every figure that got worse beyond its tolerance."""
    if found.worse:
        raise ThresholdError.of([Fault(f"{c.figure} gets no worse", f"{c.of}: {c}") for c in found.worse])


def _changes(of: str, old: Figures, new: Figures, tolerance: Mapping[str, float]) -> Iterator[Change]:
    for figure in (name for name in TOLERANCE if name in old and name in new):
        loss = old[figure] - new[figure] if figure in RISING else new[figure] - old[figure]
        worse = loss * 100 > abs(old[figure]) * tolerance[figure]
        percent = loss * 100 / abs(old[figure]) if old[figure] else None
        yield Change(of, figure, old[figure], new[figure], percent, worse)


def _read(path: Path) -> dict[str, Figures]:
    """The measurements in a file by what they are of."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
        document = json.loads(text, parse_constant=_refuse) if len(text) <= MOST_BYTES else None
    except OSError as error:
        raise UsageError("the result can be read", f"{path}: {error.strerror}", "check the path") from error
    except (ValueError, RecursionError):
        document = None
    document = document if isinstance(document, dict) else {}
    schema = document.get("schema")
    try:
        if schema == RUN_SCHEMA:
            return _run(document)
        if schema == BENCHMARK_SCHEMA:
            return {_name(row, _ROW): _figures(row) for row in document["rows"]}
    except (TypeError, KeyError, AttributeError):
        schema = f"{schema} with other fields"
    raise DataError(
        f"a result has the schema {RUN_SCHEMA} or {BENCHMARK_SCHEMA}", f"{path}: {str(schema)[:80]}",
        "make it with `tinyq-deploy bench --json` or `run --json`",
    )  # fmt: skip


def _refuse(constant: str) -> float:
    """NaN and infinities, which JSON does not have, compare with nothing."""
    raise ValueError(constant)


def _run(run: dict[str, Any]) -> dict[str, Figures]:
    of = {**run, "model": f"{run['model']['name']} {run['model']['sha256'][:8]}", "board": run["board"]["name"]}
    cycles = run["cycles"]["median"] if run["cycles"] else None
    return {_name(of, _RUN): _figures({**run, "cycles": cycles, "exact": run["exact"] / max(run["total"], 1)})}


def _name(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    """What a measurement is of, from the fields it has; what is switched off is not said."""
    told = ((name, fields[name]) for name in names if name in fields)
    return ", ".join(
        name if value is True else f"{value} Hz" if name == "clock_hz" else str(value)[:80]
        for name, value in told if value not in (False, None, "")
    )  # fmt: skip


def _figures(fields: dict[str, Any]) -> Figures:
    return {name: fields[name] + 0 for name in TOLERANCE if isinstance(fields.get(name), int | float)}
