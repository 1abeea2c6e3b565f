# SPDX-License-Identifier: Apache-2.0
"""What an estimate looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from tinyq_deploy import records, report

if TYPE_CHECKING:
    from tinyq_deploy.estimate import Estimate, Spent


def estimated(found: Estimate) -> None:
    """The table of estimate, and what its numbers are."""
    about, modelled = found.manifest, found.timing is not None
    numbers = ("MACs", "instructions", *(("modelled cycles", "cycles/MAC") if modelled else ("instructions/MAC",)))
    mark = records.ESTIMATED if modelled else "instructions, not cycles"
    title = escape(f"{about.name} for {found.board.title} [{mark}]")
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("#", "operator", "kernel", *numbers):
        table.add_column(column, justify="right" if column in ("#", *numbers) else "left", overflow="fold")
    for layer in found.layers:
        entry = layer.entry
        cells = _numbers(entry.macs, layer.total, modelled)
        table.add_row(str(entry.index), entry.op, entry.function.removeprefix("tinyq_"), *cells)
    table.add_section()
    macs = sum(layer.entry.macs for layer in found.layers)
    table.add_row("", "total", "", *_numbers(macs, found.total, modelled))
    report.console.print(table)
    report.say(_time(found))
    report.say(f"outputs equal {found.oracle}, byte for byte")


def _numbers(macs: int, spent: Spent, modelled: bool) -> list[str]:
    least = spent.cycles if modelled else spent.instructions
    counts = [macs, spent.instructions, *([spent.cycles] if modelled else [])]
    return [*(f"{count:,}" for count in counts), f"{least / macs:.2f}" if macs else ""]


def _time(found: Estimate) -> str:
    clock, core = found.board.clock, found.board.core
    if found.timing is None or clock is None:
        return f"instructions only: there is no cycle model of the {core}"
    ms = found.total.cycles * 1000 / clock.hz
    return (
        f"{ms:.3f} ms at {clock.hz / 1e6:g} MHz, {records.ESTIMATED}: by the instruction timings of the {core}'s manual"
    )
