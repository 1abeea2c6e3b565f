# SPDX-License-Identifier: Apache-2.0
"""The whole flow, one call per stage: load -> quantize -> read -> check -> optimize -> lower -> plan -> render -> build
-> flash or simulate -> stream -> report. The first file to read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinyq_deploy import audit as audit_stage
from tinyq_deploy import bench as bench_stage
from tinyq_deploy import build as build_stage
from tinyq_deploy import c_text, costs, files, flashers, footprint, manifest, render, sizes, toolchains, tuning
from tinyq_deploy import estimate as estimate_stage
from tinyq_deploy import quantize as quantize_stage
from tinyq_deploy.bands import Banding
from tinyq_deploy.board import Board
from tinyq_deploy.check import check
from tinyq_deploy.connect import device_of, verify_flashed
from tinyq_deploy.data import load_data
from tinyq_deploy.data_check import check_data
from tinyq_deploy.errors import Fault, ModelError, ThresholdError, UsageError
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.load import Kind, identify, read_model
from tinyq_deploy.lower import LoweredNode, lower
from tinyq_deploy.optimize import Optimized, optimize
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.passes.base import Report
from tinyq_deploy.plan import Plan, check_fit, plan
from tinyq_deploy.project import write as write_project
from tinyq_deploy.read import read
from tinyq_deploy.recipe import DEFAULT, Recipe
from tinyq_deploy.sequences import sequences
from tinyq_deploy.toolchains.base import Optimize, Toolchain

# Told what is being done, how much of it is done, and how much there is (0: unknown).
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class DataKeys:
    """Names of the arrays in an .npz."""

    x: str = "x"
    y: str = "y"


@dataclass(frozen=True)
class BuildRequest:
    """What to build and for which board. `representative` is the data a float model is calibrated with; `keep_layers`
    leaves out graph passes, fused layers and bands of rows, so that every tensor of the model has its counterpart in
    the firmware; `ram` is the most bytes that the arena may need, for which speed is given up where it must be.
    `tuning` is the file that tinyq.toml names."""

    model: Path
    board: Board
    name: str = ""
    representative: str = ""
    keys: DataKeys = DataKeys()
    recipe: Recipe = DEFAULT
    trust_model: bool = False
    kernels: str = "auto"
    cmsis_nn: Path | None = None
    strict_kernels: bool = False
    optimize: Optimize = "speed"
    toolchain: str = ""
    out: Path | None = None
    export: bool = False
    keep_input: bool = False
    keep_layers: bool = False
    ram: int | None = None
    tuning: Path | None = None


@dataclass(frozen=True)
class BuildResult:
    """A written project and, unless it was exported, the image built from it. `passes` has the report of every graph
    pass that ran, `layer_flash` what each layer that runs code takes in the image, empty on the host."""

    folder: Path
    board: Board
    manifest: manifest.Manifest
    plan: Plan
    toolchain: str
    built: build_stage.Built | None
    audit: tuple[audit_stage.LayerAudit, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    passes: tuple[Report, ...] = ()
    layer_flash: tuple[footprint.LayerFlash, ...] = ()


def quantize(
    model: Path, representative: str, recipe: Recipe, *, keys: DataKeys, trust_model: bool, progress: Progress = silent
) -> quantize_stage.QuantizeResult:
    """A full-integer .tflite from any model; one that is int8 already passes through untouched."""
    progress("quantize", 0, 0)
    data = load_data(representative, x_key=keys.x, y_key=keys.y) if representative else None
    return quantize_stage.quantize(model, data, recipe, trust_model=trust_model)


@dataclass(frozen=True)
class Compiled:
    """A model before the plan: its bytes, its graph after the passes, the candidates for every node, and what makes
    chains of them, if that is wanted."""

    model: bytes
    graph: Optimized
    target: Target
    lowered: tuple[LoweredNode, ...]
    warnings: tuple[str, ...]
    banding: Banding | None = None


def build(request: BuildRequest, progress: Progress = silent) -> BuildResult:
    """From a model file to a firmware image, or with `export` to a library project. Writes nothing before every check
    has passed."""
    toolchain = None if request.export else toolchains.select(request.board, request.toolchain or None)
    return link(request, compile_model(request, progress), toolchain, progress)


def compile_model(request: BuildRequest, progress: Progress = silent) -> Compiled:
    """The stages up to the candidates, in the order in which the plan takes them. Writes nothing."""
    model, warnings = _integer_model(request, progress)
    progress("compile the model", 0, 0)
    graph = read(model, request.model.name)
    check(graph)
    library = cmsis_nn.find(request.cmsis_nn, os.environ)
    target = Target(request.board.core, library, small=request.optimize == "size")
    smaller = Optimized(graph) if request.keep_layers else optimize(graph)
    tuned = tuning.load(request.tuning) if request.tuning else None
    known = costs.load(request.board.core, request.optimize, tuned)
    lowered = lower(smaller.graph, target, request.kernels, known, fuse=not request.keep_layers)
    # Bands cost code and some instructions, so builds for speed have them only to meet --ram.
    bands = not request.keep_layers and (target.small or request.ram is not None)
    banding = Banding(smaller.graph, target, request.kernels, known) if bands else None
    return Compiled(model, smaller, target, lowered, warnings, banding)


def link(
    request: BuildRequest, compiled: Compiled, toolchain: Toolchain | None, progress: Progress = silent
) -> BuildResult:
    """The stages from the plan on: a project, and with a `toolchain` its image and what that holds."""
    smaller, target = compiled.graph, compiled.target
    program = plan(
        smaller.graph, compiled.lowered, keep_input=request.keep_input, banding=compiled.banding, ram=request.ram
    )
    check_fit(program, request.board)
    name = c_text.identifier(request.name or request.model.stem)
    settings = render.Settings(
        name, request.kernels, request.optimize, request.export, request.keep_input, smaller.lines
    )
    project = render.render(program, request.board, target, settings, compiled.model)
    folder = request.out or Path("build") / f"{name}-{request.board.name}"
    write_project(project, folder)
    result = BuildResult(
        folder, request.board, project.manifest, program, "", None, (), compiled.warnings, smaller.reports
    )
    if toolchain is None:
        return result

    def told(done: int, total: int, path: str) -> None:
        progress("compile the firmware", done, total)

    built = build_stage.build(folder, project.recipe, toolchain, request.board, request.optimize, progress=told)
    layers = () if request.board.is_host else audit_stage.layer_infos(program, request.kernels)
    audited = audit_stage.audit(built.elf, layers, request.board.core, strict=request.strict_kernels) if layers else ()
    flash = footprint.layer_flash(built.elf, program) if layers else ()
    return replace(result, toolchain=built.compiler, built=built, audit=audited, layer_flash=flash)


def _integer_model(request: BuildRequest, progress: Progress) -> tuple[bytes, tuple[str, ...]]:
    """The int8 .tflite to compile, quantised here if the model is not integer yet, and what the quantiser warned of."""
    kind = identify(request.model)
    if kind is Kind.INTEGER_TFLITE:
        return read_model(request.model), ()
    quantize_stage.require_trust(kind, request.model, request.trust_model)
    if not request.representative:
        raise ModelError(
            "a model is full int8, or comes with representative data to make it so",
            f"{request.model}: {kind.value}{_boundary(request.model) if kind is Kind.FLOAT_TFLITE else ''}",
            "give --representative-data DATA: a few hundred inputs as the model sees them in use",
        )
    result = quantize(
        request.model, request.representative, request.recipe, keys=request.keys,
        trust_model=request.trust_model, progress=progress,
    )  # fmt: skip
    return result.tflite, tuple(str(warning) for warning in result.report.warnings)


def _boundary(model: Path) -> str:
    """The inputs and outputs of a float .tflite, as messages name them."""
    graph = read(read_model(model), model.name)
    return "".join(f", {t.label} is {t.dtype}" for t in (*graph.input_tensors(), *graph.output_tensors())[:4])


def project_folder(given: Path | None, board: Board | None) -> Path:
    """`given`, or the newest project under build/ (for `board`, if one is named)."""
    if given is not None:
        return given
    found = [path.parent for path in Path("build").glob(f"*/{manifest.MANIFEST}")]
    found = [path for path in found if board is None or manifest.load(path).board == board.name]
    if not found:
        wanted = f" for {board.name}" if board else ""
        raise UsageError("DIR is a built project", f"none under build/{wanted}", "run `tinyq-deploy build` first")
    return max(found, key=lambda path: (path / manifest.MANIFEST).stat().st_mtime)


@dataclass(frozen=True)
class Flashed:
    """What flashing did. `unverified` says why the board was not asked for its build id afterwards, empty if it was."""

    result: flashers.FlashResult
    unverified: str


def flash(
    folder: Path, board: Board, *, method: str = "", probe: str = "", port: str = "", dry_run: bool = False
) -> Flashed:
    """Programs the image in `folder` and asks the board over the link whether it runs it. Raises FlashError."""
    about = _manifest(folder, board)
    result = flashers.flash(_image(folder), board, method or None, probe or None, dry_run)
    return Flashed(result, "a dry run" if dry_run else verify_flashed(about, board, probe, port))


def _image(folder: Path) -> Path:
    if not (image := folder / "out" / "firmware.elf").is_file():
        raise UsageError("the project is built", f"no {image}", "run `tinyq-deploy build` first")
    return image


def _manifest(folder: Path, board: Board) -> manifest.Manifest:
    about = manifest.load(folder)
    if about.board != board.name:
        found = f"{folder} was built for {about.board}, --board says {board.name}"
        raise UsageError("the project is built for this board", found, "build it for this board")
    return about


@dataclass(frozen=True)
class BenchRequest:
    """What to stream to which device. `port` empty: the only board connected, or with `virtual` a simulator."""

    folder: Path
    board: Board
    data: str
    keys: DataKeys = DataKeys()
    port: str = ""
    baud: int = 0
    virtual: bool = False
    simulator: str = ""
    limit: int = 0


@dataclass(frozen=True)
class BenchResult:
    """A measurement with what it was taken on. `time_source` says what its counter counts."""

    manifest: manifest.Manifest
    board: Board
    virtual: bool
    time_source: str
    measurement: bench_stage.Measurement
    instructions: int | None
    outputs: tuple[np.ndarray, ...]
    sizes: sizes.Sizes | None
    warnings: tuple[str, ...]


def bench(request: BenchRequest, on_row: Callable[[bench_stage.Row], None] | None = None,
          progress: Progress = silent) -> BenchResult:  # fmt: skip
    """Streams a data set through the firmware of `request.folder` and measures it."""
    about = _manifest(request.folder, request.board)
    model = manifest.model_of(request.folder, about)
    graph = read(model, about.model)
    inputs = graph.input_tensors()
    data = load_data(request.data, x_key=request.keys.x, y_key=request.keys.y, inputs=inputs)
    split = sequences(data, graph)
    warnings = tuple(str(warning) for warning in check_data(split.data, inputs))
    samples = split.samples(inputs, request.limit)
    progress("connect", 0, len(samples))
    elf, board = request.folder / "out" / "firmware.elf", request.board
    reached = device_of(
        elf, board, port=request.port, baud=request.baud, virtual=request.virtual, simulator=request.simulator
    )
    with open_oracle(model) as oracle, reached as (device, running):
        hello = device.hello()
        device.require(sha256=bytes.fromhex(about.model_sha256), build_id=about.build_id)
        found = bench_stage.measure(device, samples, split.labels, about.outputs, oracle, on_row, split.length)
        median = found.cycles.median if found.cycles else None
        count = running.instructions(median, hello.counter_hz) if running and median is not None else None
    outputs = tuple(
        np.stack([np.frombuffer(row.outputs[i], tensor.dtype).reshape(_of_one(tensor.shape)) for row in found.rows])
        for i, tensor in enumerate(about.outputs)
    )
    source = running.time_source if running else f"hardware {hello.counter.name.lower()}"
    return BenchResult(
        about,
        request.board,
        running is not None,
        source,
        found,
        count,
        outputs,
        sizes.of_project(request.folder, board.memory.stack_bytes) if board.memory else None,
        (*warnings, *found.warnings),
    )


def _of_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one sample's output: without a batch of 1."""
    return shape[1:] if shape[:1] == (1,) else shape


def save_outputs(result: BenchResult, path: Path) -> None:
    """Writes `outputs` [N, ...] (several: outputs_0 ...) to an .npz, in the model's own output dtype."""
    buffer = io.BytesIO()
    several = len(result.outputs) > 1
    names = [f"outputs_{i}" if several else "outputs" for i in range(len(result.outputs))]
    arrays: dict[str, Any] = dict(zip(names, result.outputs, strict=True))
    np.savez(buffer, **arrays)
    files.write_bytes(path, buffer.getvalue())


def gate(result: BenchResult, *, accuracy: float | None, exact: bool) -> None:
    """Raises ThresholdError where the result misses what the user demands."""
    found, faults = result.measurement, []
    if accuracy is not None and (found.accuracy is None or found.accuracy.value < accuracy):
        value = "no labels" if found.accuracy is None else f"{found.accuracy.value:.2%} of {found.accuracy.total}"
        faults.append(Fault(f"accuracy is at least {accuracy:.2%}", value, "see the report"))
    if exact and found.exact != found.total:
        faults.append(Fault(f"every output equals {found.oracle}", f"{found.exact} of {found.total}", "see the report"))
    if faults:
        raise ThresholdError.of(faults)


def estimate(folder: Path, board: Board, data: str = "", keys: DataKeys = DataKeys()) -> estimate_stage.Estimate:
    """Instructions per layer of the image in `folder`, and modelled cycles on Cortex-M0+, M3 and M4. The input is the
    first sample of `data`, else the reference noise. Raises FirmwareFault when the outputs are not the oracle's."""
    about = _manifest(folder, board)
    model = manifest.model_of(folder, about)
    graph = read(model, about.model)
    tensors = graph.input_tensors()
    sample = tuple(estimate_stage.noise(tensor) for tensor in tensors)
    if data:
        loaded = load_data(data, x_key=keys.x, y_key=keys.y, inputs=tensors)
        sample = sequences(loaded, graph).samples(tensors, 1)[0]
    found = estimate_stage.estimate(_image(folder), about, board, [array.tobytes() for array in sample])
    with open_oracle(model) as oracle:
        return estimate_stage.checked(found, oracle.run(sample), oracle.name)
