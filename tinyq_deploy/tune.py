# SPDX-License-Identifier: Apache-2.0
"""Measures every candidate kernel of every layer of a model, on a board or a virtual one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinyq_deploy import flashers, footprint, toolchains
from tinyq_deploy.connect import device_of
from tinyq_deploy.deploy import BuildRequest, BuildResult, Compiled, Progress, compile_model, link, silent
from tinyq_deploy.errors import LinkError, UsageError
from tinyq_deploy.estimate import noise
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import KernelCall
from tinyq_deploy.tuning import Tuning, call_key, slowest

RUNS = 3


@dataclass(frozen=True)
class TuneRequest:
    """What to measure: `build` says for which model, board and --optimize; its kernel set and `out`, where one folder
    for each build goes, are `tune`'s own. `port` empty: the only board connected, or with `virtual` a simulator."""

    build: BuildRequest
    out: Path
    port: str = ""
    baud: int = 0
    virtual: bool = False
    simulator: str = ""
    method: str = ""
    probe: str = ""


@dataclass(frozen=True)
class Measured:
    """One call on one node: `amount` in `unit`, the median of RUNS, and its flash in the image that was measured."""

    view: NodeView
    call: KernelCall
    amount: int
    unit: str
    flash: footprint.LayerFlash


@dataclass(frozen=True)
class Measurement:
    """All that was measured, and by what."""

    calls: tuple[Measured, ...]
    toolchain: str
    counter: str
    unit: str


def tune(request: TuneRequest, progress: Progress = silent) -> Tuning:
    """The tuning of the model's layers on the board. Raises what building, flashing and running raise."""
    found = measure(request, compile_model(replace(request.build, kernels="auto", tuning=None), progress), progress)
    board, optimize = request.build.board, request.build.optimize
    measured = slowest((call_key(item.call), item.amount) for item in found.calls)
    return Tuning(board.name, board.core, optimize, found.toolchain, found.counter, found.unit, measured)


def measure(request: TuneRequest, compiled: Compiled, progress: Progress = silent) -> Measurement:
    """Builds the model once per rank of candidates, the first of every layer, then the second, and times its layers."""
    board = request.build.board
    if board.is_host:
        raise UsageError("tune measures a microcontroller, real or virtual", board.name, "give another --board")
    base = replace(request.build, kernels="auto", export=False, strict_kernels=False, ram=None)
    toolchain = toolchains.select(board, base.toolchain or None)
    variants = list(_variants(compiled))
    calls: list[Measured] = []
    built, counter, unit = None, "", ""
    for number, variant in enumerate(variants):
        progress(f"measure candidates, build {number + 1} of {len(variants)}", 0, 0)
        built = link(replace(base, out=request.out / f"candidates-{number}"), variant, toolchain, progress)
        amounts, counter, unit = _layer_amounts(request, built)
        calls += _measured(compiled, built, number, amounts, unit)
    return Measurement(tuple(calls), built.toolchain if built else "", counter, unit)


def _variants(compiled: Compiled) -> Iterator[Compiled]:
    """The model with one candidate for each node: those of one rank, the last where a node has fewer."""
    for rank in range(max(len(item.candidates) for item in compiled.lowered)):
        one = [replace(item, candidates=(item.candidates[rank:] or item.candidates[-1:])[:1])
               for item in compiled.lowered]  # fmt: skip
        yield replace(compiled, lowered=tuple(one), banding=None)


def _layer_amounts(request: TuneRequest, built: BuildResult) -> tuple[list[int], str, str]:
    """(amount for each layer that runs code, what counted, unit) on the device, whose firmware becomes `built`."""
    board, elf = request.build.board, built.folder / "out" / "firmware.elf"
    virtual = is_virtual(request)
    if not virtual:
        flashers.flash(elf, board, request.method or None, request.probe or None, False)
    reached = device_of(elf, board, port=request.port, baud=request.baud, virtual=virtual, simulator=request.simulator)
    inputs = [noise(tensor).tobytes() for tensor in built.plan.graph.input_tensors()]
    with reached as (device, running):
        hello = device.hello()
        device.require(sha256=bytes.fromhex(built.manifest.model_sha256), build_id=built.manifest.build_id)
        rows = []
        for _ in range(1 if running else RUNS):
            if device.run(inputs, layers=True).cycles is None:
                raise LinkError("the board has a cycle counter", f"{board.name} has none", "tune on another board")
            rows.append(device.layers())
    ticks = [int(statistics.median(column)) for column in zip(*rows, strict=True)]
    if running is None:
        return ticks, f"hardware {hello.counter.name.lower()}", "cycles"
    counted = [running.instructions(count, hello.counter_hz) for count in ticks]
    amounts = [count for count in counted if count is not None]
    unit = "instructions" if len(amounts) == len(ticks) else "cycles"
    return amounts if unit == "instructions" else ticks, running.time_source, unit


def is_virtual(request: TuneRequest) -> bool:
    """Whether a simulator stands for the board."""
    return request.virtual or (request.build.board.always_virtual and not request.port)


def _measured(
    compiled: Compiled, built: BuildResult, rank: int, amounts: Sequence[int], unit: str
) -> Iterator[Measured]:
    """The calls whose turn it was in this build."""
    count = {item.node.index: len(item.candidates) for item in compiled.lowered}
    layers = built.plan.code_layers()
    for layer, amount, flash in zip(layers, amounts, built.layer_flash, strict=True):
        if rank < count[layer.node.index]:
            yield Measured(NodeView(built.plan.graph, layer.nodes[0]), layer.call, amount, unit, flash)
