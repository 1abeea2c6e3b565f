#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits firmware/kernels/costs.toml: what each kernel costs on each core, from QEMU's instruction counts.

Every candidate kernel of every layer of cost_grid.py runs on the core's QEMU board; per C function, non-negative
factors of `work` are fitted to the counts, relative errors squared. The counts are simulated instructions
(-icount), the same on every machine; they are not cycles. --cores and --optimize measure a part and keep the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cost_grid import grids
from scipy.optimize import nnls

from tinyq_deploy import board, costs, tune
from tinyq_deploy.check import check
from tinyq_deploy.deploy import BuildRequest, Compiled
from tinyq_deploy.kernels.base import KernelCall, Target
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.lower import LoweredNode, lower
from tinyq_deploy.optimize import Optimized
from tinyq_deploy.work import work

BOARDS = {
    "cortex-m0plus": "mps2-an385-m0plus",
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m55": "mps3-an547",
}
OPTIMIZE = ("speed", "balanced", "size")
FEWEST = 4  # samples that a function needs for an entry
MOST_ERROR = 1.0  # with which a prediction is still worth an entry; without one the order of the sets decides
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# What each kernel costs: instructions per unit of work (tinyq_deploy/work.py), simulated, fitted to counts of QEMU
# -icount; never cycles. error: nine of ten samples are within this share of the fit. code and shared: bytes of flash of
# one layer, and of what all layers with the function share, the medians of the samples.
# Written by benchmarks/fit_costs.py with arm-none-eabi-gcc.
"""
Rows = dict[str, dict[str, float]]


def measured(core: str, optimize: Any, folder: Path) -> list[tune.Measured]:
    """Every candidate of every layer of the grids."""
    target = Target(board.load(BOARDS[core]).core, cmsis_nn.find(None, os.environ), small=optimize == "size")
    request = BuildRequest(Path("grid.tflite"), board.load(BOARDS[core]), optimize=optimize, toolchain="gcc")
    found: list[tune.Measured] = []
    for part, graph in enumerate(grids()):
        check(graph)
        lowered = tuple(replace(item, candidates=first_of_each(item)) for item in lower(graph, target, "auto"))
        compiled = Compiled(b"", Optimized(graph), target, lowered, ())
        wanted = tune.TuneRequest(request, folder / str(part), simulator="qemu")
        found += tune.measure(wanted, compiled).calls
    return found


def first_of_each(item: LoweredNode) -> tuple[KernelCall, ...]:
    """One candidate for each C function; a later one is the same with less scratch, for which no model is made."""
    return tuple({call.function: call for call in reversed(item.candidates)}.values())[::-1]


def fit(samples: Sequence[tune.Measured]) -> dict[str, float]:
    """One line of the table. The error is that of samples that were left out of the fit which predicts them."""
    amounts = np.array([sample.amount for sample in samples], np.float64)
    done = [work(sample.view, sample.call) for sample in samples]
    names = [name for name in dict.fromkeys(name for item in done for name in item) if any(i.get(name) for i in done)]
    matrix = np.array([[item.get(name, 0) for name in names] for item in done], np.float64) / amounts[:, None]
    factors = [float(f"{factor:.4g}") for factor in solve(matrix)]
    others = ~np.eye(len(samples), dtype=bool)
    errors = np.sort([abs(row @ solve(matrix[rest]) - 1) for row, rest in zip(matrix, others, strict=True)])
    told = {
        "error": round(float(errors[int(np.ceil(0.9 * len(errors))) - 1]), 3),
        "code": int(statistics.median_high(sample.flash.code_bytes for sample in samples)),
        "shared": int(statistics.median_high(sample.flash.shared_bytes for sample in samples)),
        "samples": len(samples),
    }
    return {name: factor for name, factor in zip(names, factors, strict=True) if factor} | told


def solve(matrix: Any) -> Any:
    """Non-negative factors with which each row's sum is near 1."""
    return nnls(matrix, np.ones(len(matrix)))[0]


def section(core: str, optimize: str, folder: Path, raw: Path | None) -> Rows:
    """The lines of one core and one --optimize."""
    groups = defaultdict(list)
    found = measured(core, optimize, folder)
    for sample in found:
        groups[str(sample.call.function)].append(sample)
    if raw:
        save(raw / f"{core}-{optimize}.json", found)
    rows = {name: fit(samples) for name, samples in sorted(groups.items()) if len(samples) >= FEWEST}
    return {name: row for name, row in rows.items() if row["error"] < MOST_ERROR}


def save(path: Path, found: Iterable[tune.Measured]) -> None:
    """The counts themselves, for a look at what the model misses."""
    rows = [
        {"function": m.call.function, "params": dict(m.call.params), "work": work(m.view, m.call),
         "amount": m.amount, "code": m.flash.code_bytes, "shared": m.flash.shared_bytes}
        for m in found
    ]  # fmt: skip
    path.write_text(json.dumps(rows) + "\n", encoding="utf-8")


def to_toml(table: dict[str, dict[str, Rows]]) -> str:
    """The file's text: one line a function."""
    lines = [HEAD]
    for core in sorted(table):
        for optimize in sorted(table[core], key=OPTIMIZE.index):
            lines.append(f"[{core}.{optimize}]")
            for function, row in sorted(table[core][optimize].items()):
                inside = ", ".join(f"{name} = {value}" for name, value in row.items())
                lines.append(f"{function} = {{ {inside} }}")
            lines.append("")
    return "\n".join(lines)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", nargs="+", default=tuple(BOARDS), choices=tuple(BOARDS))
    parser.add_argument("--optimize", nargs="+", default=OPTIMIZE, choices=OPTIMIZE)
    parser.add_argument("--raw", type=Path, help="folder for the counts themselves, JSON")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Measures, fits, and writes the table after each section, so that an interrupted run keeps what it has."""
    options = parse(argv)
    path = costs.table_path()
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for core in options.cores:
        for optimize in options.optimize:
            start = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="tinyq-") as name:
                rows = section(core, optimize, Path(name), options.raw)
            table.setdefault(core, {})[optimize] = rows
            path.write_text(to_toml(table), encoding="utf-8")
            seconds = time.monotonic() - start
            print(f"{core} {optimize}: {len(rows)} functions, {seconds:.0f} s", file=sys.stderr)
            for function, row in rows.items():
                print(f"  {function}: error {row['error']:.1%} of {row['samples']} samples", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
