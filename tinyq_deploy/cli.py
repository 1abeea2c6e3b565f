# SPDX-License-Identifier: Apache-2.0
"""The command line. Each command parses, calls the library function of the same name, and prints what it returns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyq_deploy import __version__, cli_show
from tinyq_deploy import cli_options as o
from tinyq_deploy.cli_base import app, board_of, config_here, emit, first, keys, needed, recipe

if TYPE_CHECKING:
    from tinyq_deploy.config import Config
    from tinyq_deploy.deploy import BenchResult, BuildRequest, BuildResult

INTERRUPTED = 130
INTERNAL = 70
DEBUG = False


def run(argv: Sequence[str]) -> int:
    """Runs one command and returns its exit code. The one place that catches TinyqError."""
    from tinyq_deploy.errors import TinyqError

    try:
        result = app(list(argv), standalone_mode=False, prog_name="tinyq-deploy")
        return result if isinstance(result, int) else 0
    except TinyqError as error:
        if DEBUG:
            raise
        _print_error(error)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        usage = _usage_error(error)
        if usage is not None:
            return usage
        if DEBUG:
            raise
        print(
            f"internal error: {type(error).__name__}: {error}\nRun again with --debug and report it.", file=sys.stderr
        )
        return INTERNAL


def _usage_error(error: Exception) -> int | None:
    """The exit code of a parser's own error, which it shows itself; None for any other exception."""
    show = getattr(error, "show", None)
    if show is None or not hasattr(error, "exit_code"):
        return None
    show()
    return int(error.exit_code)


def _print_error(error: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for fault in error.faults:
        console.print(Text("error: ", "bold red") + Text(fault.rule, "bold"))
        console.print(Text(f"  found: {fault.found}"))
        if fault.hint:
            console.print(Text(f"  next:  {fault.hint}"))


def _version(value: bool) -> None:
    if value:
        print(f"tinyq-deploy {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback on errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    global DEBUG  # noqa: PLW0603
    DEBUG = debug


@app.command()
def demo(json_out: o.Json = None, simulator: o.SimulatorName = None, limit: o.Limit = 0) -> None:
    """Digits, end to end: quantise, compile, run on a virtual NUCLEO-F446RE, measure accuracy and latency."""
    from tinyq_deploy import assets, board, deploy
    from tinyq_deploy.report import say

    digits = assets.folder("examples") / "digits"
    say("A float digits model becomes int8 firmware and runs on a virtual NUCLEO-F446RE.")
    nucleo = board.load("nucleo")
    request = deploy.BuildRequest(
        digits / "digits_float.tflite", nucleo, name="digits", representative=str(digits / "representative.npz")
    )
    built = _build(request, None)
    bench_request = deploy.BenchRequest(
        built.folder, nucleo, str(digits / "test.npz"), virtual=True, simulator=simulator or "", limit=limit
    )
    _bench(bench_request, json_out, None, False, 0.9, True)


@app.command()
def quantize(
    model: o.Model = None, representative_data: o.Representative = None, out: o.Out = None,
    trust_model: o.Trust = False, calibrate: o.Calibrate = None, equalize: o.Equalize = None,
    precision: o.Precision = None, x_key: o.XKey = None, y_key: o.YKey = None, json_out: o.Json = None,
) -> None:  # fmt: skip
    """Make a full-integer .tflite from a float model and representative data."""
    from tinyq_deploy import deploy, files, records, report, report_quantize

    config = config_here()
    source = needed(first(model, config.model), "MODEL")
    target = out or source.with_name(f"{source.stem}_int8.tflite")
    with report.progress() as progress:
        result = deploy.quantize(
            source, first(representative_data, config.representative_data, ""),
            recipe(config, calibrate=calibrate, precision=precision, equalize=equalize),
            keys=keys(x_key, y_key, config), trust_model=trust_model, progress=progress,
        )  # fmt: skip
    files.write_bytes(target, result.tflite)
    report_quantize.quantized(result, source, target)
    emit(records.quantize_json(result, source, target), json_out)


def _build_request(config: Config, model: Path | None, board: Any, flags: dict[str, Any]) -> BuildRequest:
    from tinyq_deploy.config import bytes_of
    from tinyq_deploy.deploy import BuildRequest

    ram = first(flags["ram"], config.ram)
    return BuildRequest(
        model=needed(first(model, config.model), "MODEL"),
        board=board,
        name=first(flags["name"], config.name, ""),
        representative=first(flags["representative_data"], config.representative_data, ""),
        keys=keys(flags["x_key"], flags["y_key"], config),
        recipe=recipe(config, **{key: flags[key] for key in ("calibrate", "precision", "equalize")}),
        trust_model=flags["trust_model"],
        kernels=first(flags["kernels"], config.kernels, "auto"),
        cmsis_nn=first(flags["cmsis_nn"], config.cmsis_nn),
        strict_kernels=flags["strict_kernels"],
        optimize=_optimize(first(flags["optimize"], config.optimize, "speed")),
        toolchain=first(flags["toolchain"], config.toolchain, ""),
        out=flags["out"],
        export=flags.get("export", False),
        keep_input=flags["keep_input"],
        keep_layers=flags["keep_layers"],
        ram=None if ram is None else bytes_of(ram),
        tuning=config.tuning,
    )


def _optimize(value: str) -> Any:
    from tinyq_deploy.errors import UsageError

    if value not in ("speed", "balanced", "size"):
        raise UsageError("--optimize is speed, balanced or size", value)
    return value


def _build(request: BuildRequest, json_out: Path | None) -> BuildResult:
    from tinyq_deploy import deploy, records, report, report_build

    with report.progress() as progress:
        result = deploy.build(request, progress)
    report_build.built(result)
    emit(records.build_json(result), json_out)
    return result


@app.command()
def build(
    model: o.Model = None, board: o.BoardName = None, representative_data: o.Representative = None,
    kernels: o.Kernels = None, optimize: o.Optimized = None, toolchain: o.ToolchainName = None,
    cmsis_nn: o.CmsisNn = None, strict_kernels: o.Strict = False, out: o.Out = None, export: o.Export = False,
    keep_input: o.KeepInput = False, keep_layers: o.KeepLayers = False, ram: o.Ram = None, name: o.Name = None,
    trust_model: o.Trust = False, calibrate: o.Calibrate = None, equalize: o.Equalize = None,
    precision: o.Precision = None, x_key: o.XKey = None, y_key: o.YKey = None, json_out: o.Json = None,
) -> None:  # fmt: skip
    """Compile a model to C and build the firmware for a board."""
    flags = dict(locals())
    config = config_here()
    _build(_build_request(config, model, board_of(board, config), flags), json_out)


@app.command()
def flash(
    folder: o.Folder = None, board: o.BoardName = None, method: o.Method = None, probe: o.Probe = None,
    port: o.PortName = None, dry_run: o.DryRun = False, json_out: o.Json = None,
) -> None:  # fmt: skip
    """Program a board with the firmware of a built project."""
    from tinyq_deploy import deploy, records, report

    found = board_of(board, config_here())
    result = deploy.flash(
        deploy.project_folder(folder, found),
        found,
        method=method or "",
        probe=probe or "",
        port=port or "",
        dry_run=dry_run,
    )
    report.flashed(result)
    emit(records.flash_json(result), json_out)


def _bench(
    request: Any, json_out: Path | None, save: Path | None, jsonl: bool, accuracy: float | None, exact: bool
) -> BenchResult:
    from tinyq_deploy import deploy, records, report

    with report.live(jsonl) as watch:
        result = deploy.bench(request, watch.row, watch.stage)
    report.benched(result, quiet=jsonl)
    if save is not None:
        deploy.save_outputs(result, save)
    emit(records.bench_json(result), json_out)
    deploy.gate(result, accuracy=accuracy, exact=exact)
    return result


@app.command()
def bench(
    folder: o.Folder = None, board: o.BoardName = None, data: o.Data = None, port: o.PortName = None,
    baud: o.Baud = None, virtual: o.Virtual = False, simulator: o.SimulatorName = None, limit: o.Limit = 0,
    save_outputs: o.SaveOutputs = None, x_key: o.XKey = None, y_key: o.YKey = None, json_out: o.Json = None,
    jsonl: o.Jsonl = False, min_accuracy: o.MinAccuracy = None, require_exact: o.RequireExact = False,
) -> None:  # fmt: skip
    """Stream a data set through the firmware: accuracy, agreement with the oracle, latency, memory."""
    from tinyq_deploy import deploy

    config = config_here()
    found = board_of(board, config)
    request = deploy.BenchRequest(
        deploy.project_folder(folder, found), found, str(needed(first(data, config.data), "--data")),
        keys(x_key, y_key, config), port or "", baud or 0, virtual, simulator or "", limit,
    )  # fmt: skip
    accuracy, exact = first(min_accuracy, config.gates.accuracy), require_exact or config.gates.exact
    _bench(request, json_out, save_outputs, jsonl, accuracy, exact)


@app.command("run")
def run_command(
    model: o.Model = None, board: o.BoardName = None, data: o.Data = None,
    representative_data: o.Representative = None, kernels: o.Kernels = None, optimize: o.Optimized = None,
    toolchain: o.ToolchainName = None, cmsis_nn: o.CmsisNn = None, strict_kernels: o.Strict = False, out: o.Out = None,
    keep_input: o.KeepInput = False, keep_layers: o.KeepLayers = False, ram: o.Ram = None, name: o.Name = None,
    trust_model: o.Trust = False, calibrate: o.Calibrate = None, equalize: o.Equalize = None,
    precision: o.Precision = None, method: o.Method = None, probe: o.Probe = None, port: o.PortName = None,
    baud: o.Baud = None, virtual: o.Virtual = False, simulator: o.SimulatorName = None, limit: o.Limit = 0,
    save_outputs: o.SaveOutputs = None, x_key: o.XKey = None, y_key: o.YKey = None, json_out: o.Json = None,
    jsonl: o.Jsonl = False, min_accuracy: o.MinAccuracy = None, require_exact: o.RequireExact = False,
) -> None:  # fmt: skip
    """Build, then flash or start a virtual board, then bench."""
    from tinyq_deploy import deploy, report

    flags = dict(locals())
    config = config_here()
    found = board_of(board, config)
    wanted = str(needed(first(data, config.data), "--data"))
    result = _build(_build_request(config, model, found, flags), None)
    if not (virtual or found.always_virtual):
        report.flashed(deploy.flash(result.folder, found, method=method or "", probe=probe or "", port=port or ""))
    request = deploy.BenchRequest(
        result.folder,
        found,
        wanted,
        keys(x_key, y_key, config),
        port or "",
        baud or 0,
        virtual,
        simulator or "",
        limit,
    )
    accuracy, exact = first(min_accuracy, config.gates.accuracy), require_exact or config.gates.exact
    _bench(request, json_out, save_outputs, jsonl, accuracy, exact)


@app.command()
def tune(
    model: o.Model = None, board: o.BoardName = None, representative_data: o.Representative = None,
    optimize: o.Optimized = None, toolchain: o.ToolchainName = None, cmsis_nn: o.CmsisNn = None,
    keep_layers: o.KeepLayers = False, trust_model: o.Trust = False, calibrate: o.Calibrate = None,
    equalize: o.Equalize = None, precision: o.Precision = None, x_key: o.XKey = None, y_key: o.YKey = None,
    method: o.Method = None, probe: o.Probe = None, port: o.PortName = None, baud: o.Baud = None,
    virtual: o.Virtual = False, simulator: o.SimulatorName = None, out: o.TuningOut = Path("tuning.toml"),
    json_out: o.Json = None,
) -> None:  # fmt: skip
    """Measure every kernel that could run each layer, on a board or a virtual one, into a file for tinyq.toml."""
    from tinyq_deploy import files, records, report
    from tinyq_deploy import tune as stage

    flags = dict(locals())
    fixed = {"name": None, "kernels": "auto", "strict_kernels": False, "keep_input": False, "ram": None}
    flags |= {**fixed, "out": None}
    config = config_here()
    found = board_of(board, config)
    request = stage.TuneRequest(
        _build_request(config, model, found, flags), Path("build") / f"tune-{found.name}", port or "", baud or 0,
        virtual, simulator or "", method or "", probe or "",
    )  # fmt: skip
    with report.progress() as progress:
        result = stage.tune(request, progress)
    files.write_text(out, result.to_toml())
    report.tuned(result, out, virtual=stage.is_virtual(request))
    emit(records.tune_json(result, out), json_out)


for _name, _command in cli_show.COMMANDS.items():
    app.command(_name)(_command)
