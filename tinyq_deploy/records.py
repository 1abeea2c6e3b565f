# SPDX-License-Identifier: Apache-2.0
"""Results as plain data for --json and --jsonl. Every document names its schema."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyq_deploy import __version__

if TYPE_CHECKING:
    from tinyq_deploy import bench as bench_stage
    from tinyq_deploy.board import Board
    from tinyq_deploy.deploy import BenchResult, BuildResult, Flashed
    from tinyq_deploy.estimate import Estimate
    from tinyq_deploy.quantize import QuantizeResult
    from tinyq_deploy.tuning import Tuning

ESTIMATED = "modelled, 0 wait states"
RUN_SCHEMA = "tinyq-deploy/run/1"
BENCHMARK_SCHEMA = "tinyq-deploy/benchmark/1"
BOARD_FIELDS = {"name", "title", "aliases", "core", "verified", "memory", "clock"}


def tune_json(result: Tuning, path: Path) -> dict[str, Any]:
    """tune --json."""
    calls = [{"function": f, "params": params, "amount": n} for (f, params), n in sorted(result.measured.items())]
    told = {key: getattr(result, key) for key in ("board", "core", "optimize", "toolchain", "counter", "unit")}
    return {"schema": "tinyq-deploy/tune/1", "file": path.as_posix(), **told, "calls": calls}


def boards_json(found: list[Board]) -> dict[str, Any]:
    """boards --json."""
    return {"boards": [board.model_dump(mode="json", include=BOARD_FIELDS) for board in found]}


def flash_json(done: Flashed) -> dict[str, Any]:
    """flash --json."""
    return {"schema": "tinyq-deploy/flash/1", **dataclasses.asdict(done.result), "unverified": done.unverified}


def row_json(row: bench_stage.Row) -> dict[str, Any]:
    """One sample for --jsonl; outputs as hexadecimal bytes."""
    return {**dataclasses.asdict(row), "outputs": [output.hex() for output in row.outputs]}


def quantize_json(result: QuantizeResult, source: Path, target: Path) -> dict[str, Any]:
    """quantize --json."""
    report = dataclasses.asdict(result.report)
    return {
        "schema": "tinyq-deploy/quantize/1", "source_file": str(source), "target_file": str(target),
        "bytes": len(result.tflite), **report, "source": result.report.source.value,
    }  # fmt: skip


def build_json(result: BuildResult) -> dict[str, Any]:
    """build --json."""
    about = result.manifest.to_json()
    sizes = result.built.sizes if result.built else None
    return {
        "schema": "tinyq-deploy/build/1", "folder": result.folder.as_posix(), "toolchain": result.toolchain,
        "manifest": about, "sizes": dataclasses.asdict(sizes) if sizes else None,
        "audit": [dataclasses.asdict(item) for item in result.audit], "warnings": list(result.warnings),
        "passes": [item.to_json() for item in result.passes],
        "layer_flash": [dataclasses.asdict(item) for item in result.layer_flash],
    }  # fmt: skip


def bench_json(result: BenchResult) -> dict[str, Any]:
    """bench --json and run --json."""
    found, about = result.measurement, result.manifest
    hz = found.hello.counter_hz
    ms = {k: v * 1000 / hz for k, v in dataclasses.asdict(found.cycles).items()} if found.cycles and hz else None
    code = [entry for entry in about.layers if entry.symbol]
    cycles = found.layer_cycles or (None,) * len(code)
    accuracy, sizes = found.accuracy, result.sizes
    return {
        "schema": RUN_SCHEMA,
        "tool": f"tinyq-deploy {__version__}",
        "model": {"name": about.name, "file": about.model, "sha256": about.model_sha256},
        "board": {"name": about.board, "core": about.core, "verified": result.board.verified},
        "virtual": result.virtual,
        "firmware": {"build_id": about.build_id, "kernels": about.kernels, "cmsis_nn": about.cmsis_nn,
                     "optimize": about.optimize},
        "samples": found.total,
        "accuracy": accuracy.value if accuracy else None,
        "interval": [accuracy.low, accuracy.high] if accuracy else None,
        "exact": found.exact,
        "total": found.total,
        "oracle": found.oracle,
        "oracle_note": found.oracle_note,
        "latency_ms": ms,
        "cycles": dataclasses.asdict(found.cycles) if found.cycles else None,
        "instructions": result.instructions,
        "time_source": result.time_source,
        "clock_hz": found.hello.clock_hz,
        "counter_hz": hz,
        "arena_bytes": about.arena_bytes,
        "flash_model_bytes": sizes.flash_model if sizes else None,
        "flash_total_bytes": sizes.flash_total if sizes else None,
        "ram_bytes": sizes.ram_total if sizes else None,
        "stack_bytes": found.stats.stack_high_water,
        "layers": [
            {"index": e.index, "op": e.op, "kernel": e.function, "kernel_set": e.kernel_set, "macs": e.macs,
             "cycles": c}
            for e, c in zip(code, cycles, strict=True)
        ],
        "link": {"resends": found.resends, "device": dataclasses.asdict(found.stats)},
        "warnings": list(result.warnings),
    }  # fmt: skip


def estimate_json(found: Estimate) -> dict[str, Any]:
    """estimate --json. Cycles are null where the core has no model."""
    about, board = found.manifest, found.board
    modelled = found.timing is not None
    return {
        "schema": "tinyq-deploy/estimate/1",
        "tool": f"tinyq-deploy {__version__}",
        "model": {"name": about.name, "file": about.model, "sha256": about.model_sha256},
        "board": {"name": about.board, "core": about.core, "clock_hz": board.clock.hz if board.clock else None},
        "firmware": {"build_id": about.build_id, "kernels": about.kernels, "cmsis_nn": about.cmsis_nn,
                     "optimize": about.optimize},
        "cycles_source": ESTIMATED if modelled else None,
        "oracle": found.oracle,
        "instructions": found.total.instructions,
        "cycles": found.total.cycles if modelled else None,
        "layers": [
            {"index": layer.entry.index, "op": layer.entry.op, "kernel": layer.entry.function,
             "kernel_set": layer.entry.kernel_set, "macs": layer.entry.macs,
             "instructions": layer.total.instructions, "cycles": layer.total.cycles if modelled else None,
             "kinds": {kind: dataclasses.asdict(spent) for kind, spent in layer.kinds.items()}}
            for layer in found.layers
        ],
    }  # fmt: skip
