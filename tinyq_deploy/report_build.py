# SPDX-License-Identifier: Apache-2.0
"""What a build looks like: layers with their kernels, costs and flash, and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from tinyq_deploy import report, report_states

if TYPE_CHECKING:
    from tinyq_deploy.audit import LayerAudit
    from tinyq_deploy.deploy import BuildResult
    from tinyq_deploy.footprint import LayerFlash

# Layers that fell back, up to which each is told with its reason.
_NAMED_ONE_BY_ONE = 3


def built(result: BuildResult) -> None:
    """What build made: layers with their kernels, costs and flash, memory, and layers that fell back."""
    for warning in result.warnings:
        report.warn(warning)
    report.console.print(_built_table(result))
    report.say(_cost_line(result))
    _fallen([item for item in result.audit if item.fell_back])
    for line in (*result.manifest.passes, *result.manifest.savings):
        report.say(line)
    for line in report_states.lines(result.manifest.states):
        report.say(line)
    report.say(_memory_line(result))
    report.say(f"project: {result.folder}")


def _built_table(result: BuildResult) -> Table:
    about, audits = result.manifest, {item.symbol: item for item in result.audit}
    flash = {item.symbol: item for item in result.layer_flash}
    columns = ("#", "operator", "kernel really called", "MACs", "predicted cost", "flash: code", "constants", "uses")
    table = report.titled_table(f"{about.name} for {result.board.title}", *columns,
                   right=("#", "MACs", "predicted cost", "constants"))  # fmt: skip
    for entry in about.layers:
        audit = audits.get(entry.symbol)
        called = ", ".join(audit.called) if audit and audit.called else entry.function or "none: a view"
        cost = "" if entry.predicted is None else f"{entry.predicted:,}"
        table.add_row(
            str(entry.index), entry.op, called, f"{entry.macs:,}", cost, _code(flash.get(entry.symbol)),
            f"{entry.constant_bytes:,}", audit.instructions if audit else "",
        )  # fmt: skip
    return table


def _code(flash: LayerFlash | None) -> str:
    """Bytes of a layer's code after linking, and of code that it shares with other layers."""
    if flash is None:
        return ""
    return f"{flash.code_bytes:,}" + (f" + {flash.shared_bytes:,} shared" if flash.shared_bytes else "")


def _cost_line(result: BuildResult) -> str:
    """The sum of the predicted costs, by what they are and where they come from."""
    sums: dict[str, int] = {}
    layers = [entry for entry in result.manifest.layers if entry.symbol]
    for entry in layers:
        if entry.predicted is not None:
            name = f"{entry.predicted_unit} ({entry.predicted_by})"
            sums[name] = sums.get(name, 0) + entry.predicted
    known = sum(entry.predicted is not None for entry in layers)
    text = ", ".join(f"{amount:,} {name}" for name, amount in sums.items()) or "unknown"
    note = "" if known == len(layers) else f" for {known} of {len(layers)} layers"
    return f"predicted cost: {text}{note}; simulated counts are not time"


def _fallen(items: Sequence[LayerAudit]) -> None:
    """Layers that run no fast kernel: each with its reason, or where they are many, all names and the first reason."""
    if len(items) <= _NAMED_ONE_BY_ONE:
        for item in items:
            report.warn(f"{item.symbol}: {item.reason}")
        return
    names = ", ".join(item.symbol for item in items)
    report.warn(
        f"{len(items)} layers run no fast kernel: {names}. The first: {items[0].reason}. Is CMSIS-NN installed?"
    )


def _memory_line(result: BuildResult) -> str:
    about, board = result.manifest, result.board
    peak = about.layers[about.peak_layer]
    limit = f" of {about.ram:,}" if about.ram else ""
    arena = f"arena {about.arena_bytes:,}{limit} bytes (at least {about.arena_lower_bound:,} with these kernels)"
    text = f"{arena}, peak at layer {peak.index} {peak.op}"
    sizes = result.built.sizes if result.built else None
    if sizes is None or board.memory is None:
        return text
    return (
        f"{text}\nflash {sizes.flash_total:,} of {board.memory.flash.bytes:,} bytes, model and kernels "
        f"{sizes.flash_model:,}\nRAM {sizes.ram_total:,} of {board.memory.ram.bytes:,} bytes: static "
        f"{sizes.ram_static:,}, stack {sizes.stack:,}"
    )
