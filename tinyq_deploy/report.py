# SPDX-License-Identifier: Apache-2.0
"""What results look like: rich tables for people on standard error, plain data for --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tinyq_deploy import records

if TYPE_CHECKING:
    from tinyq_deploy import bench as bench_stage
    from tinyq_deploy.board import Board
    from tinyq_deploy.compare import Comparison
    from tinyq_deploy.deploy import BenchResult, Flashed
    from tinyq_deploy.doctor import Check
    from tinyq_deploy.ports import Candidate
    from tinyq_deploy.tuning import Tuning

VIRTUAL = "VIRTUAL"

# Columns where nobody's terminal says how many: in a pipe or a log.
_PIPED_WIDTH = 110

# Reports go to standard error, so that --json - and --jsonl leave standard output to programs.
console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPED_WIDTH)


def say(text: str) -> None:
    """One line for the user."""
    console.print(escape(text), soft_wrap=True)


def warn(text: str) -> None:
    """One warning."""
    console.print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


class _Progress:
    """The progress call of deploy.py as a rich bar; silent when standard error is no terminal."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task: Any = None
        self.what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.task, self.what = self.bar.add_task(what, total=total or None), what
        self.bar.update(self.task, completed=done, total=total or None)


def _bar(*columns: Any) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30), *columns, TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


@contextmanager
def progress() -> Iterator[_Progress]:
    """A progress bar for the time of the block."""
    with _bar() as bar:
        yield _Progress(bar)


class _Live:
    """Watches a benchmark: a bar with running figures, and JSON lines on standard output where asked for."""

    def __init__(self, bar: Progress, jsonl: bool) -> None:
        self.progress = _Progress(bar)
        self.jsonl = jsonl
        self.right = self.labelled = self.exact = self.count = self.total = 0

    def row(self, row: bench_stage.Row) -> None:
        """One sample has come back."""
        self.count += 1
        self.exact += row.exact
        if row.right is not None:
            self.labelled += 1
            self.right += row.right
        if self.jsonl:
            print(json.dumps(records.row_json(row)), flush=True)
        self.progress("run", self.count, self.total)
        self.progress.bar.update(self.progress.task, description=self._line(row))

    def _line(self, row: bench_stage.Row) -> str:
        share = f", {self.right / self.labelled:.1%} right" if self.labelled else ""
        ticks = f", {row.cycles:,} ticks" if row.cycles is not None else ""
        return f"sample {self.count} of {self.total}: {self.exact} exact{share}{ticks}"

    def stage(self, what: str, done: int, total: int) -> None:
        """The progress call of deploy.bench; "connect" tells how many samples there will be."""
        self.total = max(self.total, total)
        self.progress(what, done, 0)


@contextmanager
def live(jsonl: bool) -> Iterator[_Live]:
    """A live view for the time of the block."""
    with _bar(TimeRemainingColumn()) as bar:
        yield _Live(bar, jsonl)


def titled_table(title: str, *columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """A table; columns in `right` are right-aligned, those in `whole` never wrap."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in (*right, *whole))
    return table


def _short(function: str) -> str:
    """tinyq_portable_conv_2d -> portable conv_2d; those of a chain with + between them."""
    if " + " in function:
        return " + ".join(map(_short, function.split(" + ")))
    for kernel_set in ("portable", "cmsis_nn", "own"):
        prefix = f"tinyq_{kernel_set}_"
        if function.startswith(prefix):
            return f"{kernel_set.replace('_', '-')} {function.removeprefix(prefix)}"
    return function


def tuned(result: Tuning, path: Path, *, virtual: bool) -> None:
    """What tune measured, and how to make it count."""
    mark = f"{VIRTUAL} " if virtual else ""
    say(f"{len(result.measured)} kernel calls measured: {mark}{result.unit}, by {result.counter}, {result.toolchain}")
    say(f'{path}: builds go by it once tinyq.toml says tuning = "{path.as_posix()}"')


def flashed(done: Flashed) -> None:
    """What flash did, or would do."""
    for step in done.result.steps:
        say(" ".join(step))
    if done.result.dry_run:
        return
    say(f"flashed with {done.result.method}")
    if done.unverified:
        warn(f"the build id was not checked: {done.unverified}")
    else:
        say("the board answers with the build id of this image")


def benched(result: BenchResult, quiet: bool = False) -> None:
    """The final table of bench."""
    for warning in result.warnings:
        warn(warning)
    if quiet:
        return
    found, about = result.measurement, result.manifest
    mark = f" [{VIRTUAL}]" if result.virtual else ""
    table = titled_table(escape(f"{about.name} on {result.board.title}{mark}"), "figure", "value")
    for name, value in _figures(result):
        table.add_row(name, escape(value))
    console.print(table)
    if found.layer_cycles:
        console.print(_layer_table(result))
    if result.virtual:
        say(f"{VIRTUAL}: counts are {result.time_source}, not time on hardware.")


def _figures(result: BenchResult) -> Iterator[tuple[str, str]]:
    found = result.measurement
    yield "samples", f"{found.total}"
    if found.accuracy:
        a = found.accuracy
        yield "accuracy", f"{a.value:.2%} ({a.correct} of {a.total}; 95 % interval {a.low:.2%} to {a.high:.2%})"
    else:
        yield "accuracy", "no labels"
    yield "exact", f"{found.exact} of {found.total} outputs equal the oracle, byte for byte"
    yield "oracle", found.oracle + (f" ({found.oracle_note})" if found.oracle_note else "")
    if found.cycles and found.hello.counter_hz:
        ms = 1000 / found.hello.counter_hz
        c, label = found.cycles, VIRTUAL.lower() + " " if result.virtual else ""
        yield f"{label}latency", f"median {c.median * ms:.3f} ms, p95 {c.p95 * ms:.3f}, max {c.most * ms:.3f}"
        yield (
            f"{label}count",
            f"median {c.median:,} ticks at {found.hello.counter_hz / 1e6:g} MHz, {result.time_source}",
        )
    if result.instructions is not None:
        yield "virtual instructions", f"{result.instructions:,} per inference"
    yield "core clock", f"{found.hello.clock_hz / 1e6:g} MHz reached"
    yield "arena", f"{result.manifest.arena_bytes:,} bytes"
    if result.sizes:
        yield "flash", f"{result.sizes.flash_total:,} bytes, model and kernels {result.sizes.flash_model:,}"
        yield "RAM", f"{result.sizes.ram_total:,} bytes with the stack"
    yield "stack used", f"{found.stats.stack_high_water:,} bytes"
    yield "kernels", f"{result.manifest.kernels}, {result.manifest.optimize}"
    stats = found.stats
    device = f"{stats.rx_overruns} overruns and {stats.crc_errors} bad frames seen by the board"
    yield "link", f"{found.resends} resends, {device}"


def _layer_table(result: BenchResult) -> Table:
    found = result.measurement
    total = sum(found.layer_cycles) or 1
    unit = "ticks" if not result.virtual else "virtual ticks"
    table = titled_table(
        "layers, one run", "#", "operator", "kernel", "MACs", unit, "%", right=("#", "MACs", unit, "%")
    )
    code = [entry for entry in result.manifest.layers if entry.symbol]
    for entry, cycles in zip(code, found.layer_cycles, strict=True):
        table.add_row(
            str(entry.index),
            entry.op,
            _short(entry.function),
            f"{entry.macs:,}",
            f"{cycles:,}",
            f"{cycles / total:.1%}",
        )
    return table


def compared(found: Comparison) -> None:
    """What changed between two results."""
    moved = [change for change in found.changes if change.old != change.new]
    if moved:
        table = titled_table(
            "changes", "measurement", "figure", "old", "new", "worse by", right=("old", "new", "worse by")
        )
        for change in moved:
            row = (change.of, change.figure, f"{change.old:,}", f"{change.new:,}", change.share)
            table.add_row(*row, style="red" if change.worse else None)
        console.print(table)
    say(f"{len(found.changes)} figures compared, {len(moved)} changed, {len(found.worse)} got worse")
    for name in found.only_old:
        warn(f"only in the old result: {name}")
    for name in found.only_new:
        say(f"only in the new result: {name}")


def boards(found: Sequence[Board]) -> None:
    """The table of boards."""
    columns = ("name", "core", "MHz", "flash", "RAM", "verified", "without hardware")
    table = titled_table("boards", *columns, right=("MHz", "flash", "RAM"), whole=("name", "core"))
    for item in found:
        memory, clock = item.memory, item.clock
        virtual = [item.emulate.unicorn and "unicorn", item.emulate.qemu and "QEMU", item.is_host and "this PC"]
        table.add_row(
            ", ".join((item.name, *item.aliases)), item.core, f"{clock.hz / 1e6:g}" if clock else "",
            f"{memory.flash.bytes // 1024} K" if memory else "", f"{memory.ram.bytes // 1024} K" if memory else "",
            item.verified, ", ".join(name for name in virtual if name),
        )  # fmt: skip
    console.print(table)


def doctor(checks: Sequence[Check]) -> None:
    """The table of doctor."""
    table = titled_table("this installation", "", "what", "found", "next")
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[red]missing[/]" if check.required else "[yellow]absent[/]"
        table.add_row(mark, check.name, escape(check.found), escape(check.next))
    console.print(table)


def ports(found: Sequence[Candidate]) -> None:
    """The table of ports."""
    if not found:
        say("no serial port of a known board, probe or adapter")
        return
    table = titled_table("ports", "port", "why", "serial number")
    for item in found:
        table.add_row(item.device, escape(item.why), item.serial_number)
    console.print(table)
