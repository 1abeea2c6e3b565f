#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions per inference, flash, arena and RAM for models x kernel sets x boards, all built and run in one go.

The counts are QEMU's (-icount), so they are the same on every machine; they are instructions, not cycles or time. The
modelled cycles (Cortex-M0+, M3, M4) are those of `tinyq-deploy estimate`: 0 wait states, by the manuals. The
input is the byte sequence x >> 24 of x = x * 1664525 + 1013904223 from x = 12345, one inference each, and the output
is compared with the oracle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyq_deploy import assets, board, deploy, simulators
from tinyq_deploy.cycles import TIMINGS
from tinyq_deploy.data import load_data
from tinyq_deploy.errors import TinyqError
from tinyq_deploy.estimate import noise
from tinyq_deploy.load import read_model
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.ports import open_port
from tinyq_deploy.quantize import quantize
from tinyq_deploy.read import read
from tinyq_deploy.records import BENCHMARK_SCHEMA
from tinyq_deploy.stream import Device

BOARDS = ("mps2-an385-m0plus", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547")
COLUMNS = ("model", "board", "kernels", "optimize", "toolchain", "instructions", "predicted", "modelled_cycles",
           "arena_bytes", "flash_model_bytes", "flash_total_bytes", "ram_bytes", "exact")  # fmt: skip


def digits(folder: Path) -> Path:
    """The example that ships, quantised into `folder`."""
    source, target = assets.folder("examples") / "digits", folder / "digits_int8.tflite"
    target.write_bytes(quantize(source / "digits_float.tflite", load_data(source / "representative.npz")).tflite)
    return target


def shared_models(folder: str | None) -> list[Path]:
    """Every .tflite file in --models, else the int8 ones in TINYQ_MODELS or in ../shared/models."""
    if folder:
        return sorted(Path(folder).glob("*.tflite"))
    beside = Path(__file__).resolve().parents[2] / "shared" / "models"
    return sorted(Path(os.environ.get("TINYQ_MODELS") or beside).glob("*int8.tflite"))


def row(
    model: Path, board_name: str, kernels: str, optimize: Any, toolchain: str, folder: Path, keep_layers: bool = False
) -> dict[str, Any]:
    """One build and one inference."""
    target = board.load(board_name)
    request = deploy.BuildRequest(
        model,
        target,
        kernels=kernels,
        optimize=optimize,
        toolchain=toolchain,
        keep_layers=keep_layers,
        out=folder / f"{model.stem}-{board_name}-{kernels}-{optimize}-{toolchain}",
    )
    built = deploy.build(request)
    sizes = built.built.sizes if built.built else None
    data = read_model(model)
    inputs = [noise(tensor) for tensor in read(data, model.name).input_tensors()]
    with open_oracle(data) as oracle:
        expected = tuple(oracle.run(inputs))
    simulator = simulators.pick(target, "qemu")
    with (
        simulator.start(built.folder / "out" / "firmware.elf", target) as running,
        Device(open_port(running.url), margin=20.0) as device,
    ):
        hello = device.hello()
        result = device.run([array.tobytes() for array in inputs])
        instructions = running.instructions(result.cycles, hello.counter_hz) if result.cycles is not None else None
    estimate = deploy.estimate(built.folder, target) if target.core in TIMINGS else None
    return {
        "model": model.stem, "board": board_name, "core": target.core, "kernels": kernels, "optimize": optimize,
        "toolchain": built.toolchain, "keep_layers": keep_layers, "instructions": instructions,
        "modelled_cycles": estimate.total.cycles if estimate else None,
        "predicted": sum(layer.predicted or 0 for layer in built.manifest.layers) or None,
        "arena_bytes": built.manifest.arena_bytes,
        "flash_model_bytes": sizes.flash_model if sizes else None,
        "flash_total_bytes": sizes.flash_total if sizes else None,
        "ram_bytes": sizes.ram_total if sizes else None, "static_ram_bytes": sizes.ram_static if sizes else None,
        "exact": result.outputs == expected,
    }  # fmt: skip


def rows(options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Every combination that exists; one that does not is named on standard error and left out."""
    models = [digits(folder), *shared_models(options.models)]
    if len(models) == 1:
        print("no model besides digits: give --models DIR or set TINYQ_MODELS", file=sys.stderr)
    for model in models:
        for board_name in options.boards:
            for kernels in options.kernels:
                for optimize in options.optimize:
                    for toolchain in options.toolchain:
                        try:
                            yield row(model, board_name, kernels, optimize, toolchain, folder, options.keep_layers)
                        except TinyqError as error:
                            print(
                                f"{model.stem} {board_name} {kernels} {optimize} {toolchain}: {error}", file=sys.stderr
                            )


def gains(found: list[dict[str, Any]]) -> Iterator[str]:
    """How many times fewer instructions `own` needs than `cmsis-nn`, wherever both were measured: the least and the
    median for each board, optimisation and toolchain."""
    places: dict[tuple[str, ...], dict[str, dict[str, int]]] = {}
    for item in found:
        place = (item["board"], item["optimize"], item["toolchain"])
        places.setdefault(place, {}).setdefault(item["model"], {})[item["kernels"]] = item["instructions"]
    for place, models in places.items():
        ratios = {m: n["cmsis-nn"] / n["own"] for m, n in models.items() if {"own", "cmsis-nn"} <= n.keys()}
        if ratios:
            least = min(ratios, key=lambda model: ratios[model])
            median = statistics.median(ratios.values())
            yield (
                f"{', '.join(place)}: cmsis-nn / own, median {median:.2f} over {len(ratios)} models, "
                f"least {ratios[least]:.2f} ({least})"
            )


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", help="folder with .tflite files")
    parser.add_argument("--boards", nargs="+", default=BOARDS, help="QEMU boards")
    parser.add_argument("--kernels", nargs="+", default=("portable", "cmsis-nn", "own"))
    parser.add_argument("--optimize", nargs="+", default=("speed",), choices=("speed", "balanced", "size"))
    parser.add_argument("--toolchain", nargs="+", default=("gcc",), choices=("gcc", "zig"))
    parser.add_argument("--keep-layers", action="store_true", help="no graph passes")
    parser.add_argument("--json", type=Path, help="write the rows here")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Prints the table; exit code 1 when an output differs from the oracle's."""
    options = parse(argv)
    found = []
    with tempfile.TemporaryDirectory(prefix="tinyq-") as name:
        for item in rows(options, Path(name)):
            found.append(item)
            print(f"{item['model']} {item['board']} {item['kernels']}: {item['instructions']:,}", file=sys.stderr)
    table = Table(title="one inference, QEMU -icount: instructions, not cycles")
    for column in COLUMNS:
        table.add_column(column.replace("_", " "), justify="left" if column in COLUMNS[:5] else "right")
    for item in found:
        table.add_row(
            *(
                f"{item[c]:,}" if isinstance(item[c], int) and not isinstance(item[c], bool) else str(item[c])
                for c in COLUMNS
            )
        )
    Console(width=170).print(table)
    for line in gains(found):
        print(line)
    if options.json:
        options.json.write_text(
            json.dumps({"schema": BENCHMARK_SCHEMA, "rows": found}, indent=1) + "\n", encoding="utf-8"
        )
    return 0 if found and all(item["exact"] for item in found) else 1


if __name__ == "__main__":
    sys.exit(main())
