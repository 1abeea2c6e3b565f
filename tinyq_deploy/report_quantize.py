# SPDX-License-Identifier: Apache-2.0
"""What a quantisation looks like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from tinyq_deploy import report

if TYPE_CHECKING:
    from tinyq_deploy.autocalibrate import Tried
    from tinyq_deploy.quantize import QuantizeResult


def quantized(result: QuantizeResult, source: Path, target: Path) -> None:
    """What quantize did, and how the calibration methods compared where it tried several."""
    found = result.report
    for warning in found.warnings:
        report.warn(str(warning))
    for entry in found.equalized:
        report.say(f"equalised: {entry.channels} channels of {entry.tensor}, by up to {entry.largest:g}")
    if found.tried:
        report.console.print(_methods(found.tried, found.method))
    report.say(f"{source} -> {target}, {len(result.tflite):,} bytes")


def _methods(tried: tuple[Tried, ...], taken: str) -> Table:
    samples = tried[0].held_out.samples
    report.say(f"calibration methods on {samples} samples held out, against the float model (LiteRT, no delegates):")
    table = Table()
    for column in ("method", "SQNR dB", "agree", ""):
        table.add_column(column, justify="right" if column in ("SQNR dB", "agree") else "left")
    for entry in tried:
        same = entry.held_out.same
        agree = "" if same is None else f"{same}/{samples}"
        table.add_row(entry.method, f"{entry.held_out.sqnr:.1f}", agree, "taken" if entry.method == taken else "")
    return table
