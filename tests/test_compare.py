# SPDX-License-Identifier: Apache-2.0
"""Comparing results: what is a regression, what cannot be compared, what is no result."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tinyq_deploy.cli import run as cli
from tinyq_deploy.compare import TOLERANCE, compare, require_no_worse, tolerances
from tinyq_deploy.errors import DataError, ThresholdError, UsageError

ROW = {"model": "m", "board": "b", "kernels": "own", "optimize": "speed", "toolchain": "gcc 12", "keep_layers": False,
       "instructions": 1000, "arena_bytes": 400, "flash_model_bytes": None, "exact": True}  # fmt: skip
RUN: dict[str, Any] = {
    "schema": "tinyq-deploy/run/1", "model": {"name": "m", "sha256": "ab" * 32}, "board": {"name": "b"},
    "virtual": True, "time_source": "instructions", "clock_hz": 180_000_000, "cycles": {"median": 500},
    "accuracy": 0.9, "exact": 50, "total": 50, "arena_bytes": 400,
}  # fmt: skip


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def benchmark(path: Path, *changed: dict[str, Any]) -> Path:
    return write(path, {"schema": "tinyq-deploy/benchmark/1", "rows": [{**ROW, **change} for change in changed]})


def measured(path: Path, **changed: Any) -> Path:
    return write(path, {**copy.deepcopy(RUN), **changed})


def worse(old: Path, new: Path, **tolerance: float) -> list[tuple[str, float, float]]:
    found = compare(old, new, {**TOLERANCE, **tolerance})
    return [(change.figure, change.old, change.new) for change in found.worse]


@pytest.mark.parametrize(
    ("new", "expected"), [(990, []), (1000, []), (1010, []), (1011, [("instructions", 1000, 1011)])]
)
def test_one_percent_more_instructions_is_the_limit(tmp_path: Path, new: int, expected: list[Any]) -> None:
    old = benchmark(tmp_path / "old", {})
    assert worse(old, benchmark(tmp_path / "new", {"instructions": new})) == expected


def test_each_figure_has_its_tolerance(tmp_path: Path) -> None:
    old, new = benchmark(tmp_path / "old", {}), benchmark(tmp_path / "new", {"arena_bytes": 420})
    assert worse(old, new) == [("arena_bytes", 400, 420)]
    assert worse(old, new, arena_bytes=5) == []


def test_losing_exactness_or_accuracy_is_a_regression(tmp_path: Path) -> None:
    old = benchmark(tmp_path / "old", {})
    assert worse(old, benchmark(tmp_path / "new", {"exact": False})) == [("exact", 1, 0)]
    run = measured(tmp_path / "run")
    assert worse(run, measured(tmp_path / "inexact", exact=49)) == [("exact", 1.0, 0.98)]
    assert worse(run, measured(tmp_path / "wrong", accuracy=0.88)) == [("accuracy", 0.9, 0.88)]
    assert worse(run, measured(tmp_path / "better", accuracy=0.95)) == []
    assert worse(run, measured(tmp_path / "slower", cycles={"median": 510})) == [("cycles", 500, 510)]


def test_what_only_one_side_has_is_told(tmp_path: Path) -> None:
    found = compare(benchmark(tmp_path / "old", {}, {"board": "c"}), benchmark(tmp_path / "new", {}, {"board": "d"}))
    assert found.only_old == ("m, c, own, speed, gcc 12",)
    assert found.only_new == ("m, d, own, speed, gcc 12",)


@pytest.mark.parametrize(
    "changed",
    [{"model": {"name": "m", "sha256": "cd" * 32}}, {"board": {"name": "c"}}, {"clock_hz": 1}, {"virtual": False},
     {"time_source": "hardware dwt"}],
)  # fmt: skip
def test_unlike_runs_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="same model"):
        compare(measured(tmp_path / "old"), measured(tmp_path / "new", **changed))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "x"}', '{"schema": "tinyq-deploy/run/1"}', '{"schema": "tinyq-deploy/benchmark/1"}',
     '{"schema": "tinyq-deploy/benchmark/1", "rows": [1]}', '{"schema": "tinyq-deploy/run/1", "accuracy": NaN}',
     "[" * 100_000],
)  # fmt: skip
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match="schema"):
        compare(path, path)


@pytest.mark.parametrize("text", ["instructions", "nothing=1", "instructions=-1", "instructions=nan", "=2"])
def test_a_tolerance_names_a_figure_and_a_percentage(text: str) -> None:
    with pytest.raises(UsageError, match="tolerance"):
        tolerances([text])


def test_every_regression_is_named_at_once(tmp_path: Path) -> None:
    new = benchmark(tmp_path / "new", {"instructions": 2000, "arena_bytes": 800})
    with pytest.raises(ThresholdError) as error:
        require_no_worse(compare(benchmark(tmp_path / "old", {}), new))
    assert len(error.value.faults) == 2


def test_the_command_exits_with_1_and_writes_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = benchmark(tmp_path / "old", {}), benchmark(tmp_path / "new", {"instructions": 1015})
    argv = ["compare", str(old), str(new), "--markdown", str(tmp_path / "table.md")]
    assert cli(argv) == 1
    assert "1,000 | 1,015 | +1.50 % **regression**" in (tmp_path / "table.md").read_text()
    assert "instructions gets no worse" in capsys.readouterr().err
    assert cli([*argv, "--tolerance", "instructions=2%"]) == 0
    assert cli(["compare", str(old), str(tmp_path / "absent.json")]) == 2
