# SPDX-License-Identifier: Apache-2.0
"""The command line. Each command parses, calls the library function of the same name, and prints what it returns."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyq_deploy import __version__
from tinyq_deploy.cli_options import (
    Baud,
    BoardName,
    Calibrate,
    CmsisNn,
    Data,
    DryRun,
    Export,
    Folder,
    Json,
    Jsonl,
    KeepInput,
    Kernels,
    Limit,
    Method,
    MinAccuracy,
    Model,
    Name,
    Optimized,
    Out,
    PortName,
    Precision,
    Probe,
    Representative,
    RequireExact,
    SaveOutputs,
    SimulatorName,
    Strict,
    ToolchainName,
    Trust,
    Virtual,
    XKey,
    YKey,
)

if TYPE_CHECKING:
    from tinyq_deploy.config import Config
    from tinyq_deploy.deploy import BenchResult, BuildRequest, BuildResult

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="From a trained model to a microcontroller, with proof of what it does there.",
)

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


def _config() -> Config:
    from tinyq_deploy.config import load

    return load(Path())


def _first(*values: Any) -> Any:
    """The first value that is set."""
    return next((value for value in values if value is not None), None)


def _needed(value: Any, flag: str) -> Any:
    from tinyq_deploy.errors import UsageError

    if value is None:
        raise UsageError(f"{flag} is given, as a flag or in tinyq.toml", "neither", f"add {flag}")
    return value


def _board(name: str | None, config: Config) -> Any:
    from tinyq_deploy import board as boards
    from tinyq_deploy.report import say

    chosen = _needed(_first(name, config.board), "--board")
    found = boards.load(chosen)
    if chosen.lower() in found.aliases:
        others = [other for other in boards.names() if other.startswith("nucleo-") and other != found.name]
        say(f"--board {chosen} means {found.title}; others: {', '.join(others)}")
    return found


def _emit(data: dict[str, Any], path: Path | None) -> None:
    """Writes a result where --json says."""
    from tinyq_deploy import files

    if path is None:
        return
    text = json.dumps(data, indent=1) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        files.write_text(path, text)


def _keys(x: str | None, y: str | None, config: Config) -> Any:
    from tinyq_deploy.deploy import DataKeys

    return DataKeys(_first(x, config.x_key, "x"), _first(y, config.y_key, "y"))


@app.command()
def demo(json_out: Json = None, simulator: SimulatorName = None, limit: Limit = 0) -> None:
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
def init(model: Model = None, board: BoardName = "nucleo") -> None:
    """Write a tinyq.toml for this folder."""
    from tinyq_deploy import config, files
    from tinyq_deploy.errors import UsageError
    from tinyq_deploy.report import say

    place = Path(config.FILE)
    if place.exists():
        raise UsageError("init writes a new file", f"{place} exists", "edit it")
    text = config.TEMPLATE.format(model=json.dumps(str(model or "model.tflite")), board=json.dumps(board))
    files.write_text(place, text)
    say(f"wrote {place}: next `tinyq-deploy run`")


@app.command()
def quantize(
    model: Model = None, representative_data: Representative = None, out: Out = None, trust_model: Trust = False,
    calibrate: Calibrate = None, precision: Precision = None, x_key: XKey = None, y_key: YKey = None,
    json_out: Json = None,
) -> None:  # fmt: skip
    """Make a full-integer .tflite from a float model and representative data."""
    from tinyq_deploy import deploy, files, records, report

    config = _config()
    source = _needed(_first(model, config.model), "MODEL")
    target = out or source.with_name(f"{source.stem}_int8.tflite")
    with report.progress() as progress:
        result = deploy.quantize(
            source, _first(representative_data, config.representative_data, ""), keys=_keys(x_key, y_key, config),
            calibrate=_first(calibrate, config.calibrate, "minmax"),
            precision=_first(precision, config.precision, "int8"), trust_model=trust_model, progress=progress,
        )  # fmt: skip
    files.write_bytes(target, result.tflite)
    report.quantized(result, source, target)
    _emit(records.quantize_json(result, source, target), json_out)


def _build_request(config: Config, model: Path | None, board: Any, flags: dict[str, Any]) -> BuildRequest:
    from tinyq_deploy.deploy import BuildRequest

    return BuildRequest(
        model=_needed(_first(model, config.model), "MODEL"),
        board=board,
        name=_first(flags["name"], config.name, ""),
        representative=_first(flags["representative_data"], config.representative_data, ""),
        keys=_keys(flags["x_key"], flags["y_key"], config),
        calibrate=_first(flags["calibrate"], config.calibrate, "minmax"),
        precision=_first(flags["precision"], config.precision, "int8"),
        trust_model=flags["trust_model"],
        kernels=_first(flags["kernels"], config.kernels, "auto"),
        cmsis_nn=_first(flags["cmsis_nn"], config.cmsis_nn),
        strict_kernels=flags["strict_kernels"],
        optimize=_optimize(_first(flags["optimize"], config.optimize, "speed")),
        toolchain=_first(flags["toolchain"], config.toolchain, ""),
        out=flags["out"],
        export=flags.get("export", False),
        keep_input=flags["keep_input"],
    )


def _optimize(value: str) -> Any:
    from tinyq_deploy.errors import UsageError

    if value not in ("speed", "balanced", "size"):
        raise UsageError("--optimize is speed, balanced or size", value)
    return value


def _build(request: BuildRequest, json_out: Path | None) -> BuildResult:
    from tinyq_deploy import deploy, records, report

    with report.progress() as progress:
        result = deploy.build(request, progress)
    report.built(result)
    _emit(records.build_json(result), json_out)
    return result


@app.command()
def build(
    model: Model = None, board: BoardName = None, representative_data: Representative = None, kernels: Kernels = None,
    optimize: Optimized = None, toolchain: ToolchainName = None, cmsis_nn: CmsisNn = None,
    strict_kernels: Strict = False, out: Out = None, export: Export = False, keep_input: KeepInput = False,
    name: Name = None, trust_model: Trust = False,
    calibrate: Calibrate = None, precision: Precision = None, x_key: XKey = None, y_key: YKey = None,
    json_out: Json = None,
) -> None:  # fmt: skip
    """Compile a model to C and build the firmware for a board."""
    flags = dict(locals())
    config = _config()
    _build(_build_request(config, model, _board(board, config), flags), json_out)


@app.command()
def flash(
    folder: Folder = None, board: BoardName = None, method: Method = None, probe: Probe = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Program a board with the firmware of a built project."""
    from tinyq_deploy import deploy, report

    found = _board(board, _config())
    result = deploy.flash(
        deploy.project_folder(folder, found), found, method=method or "", probe=probe or "", dry_run=dry_run
    )
    report.flashed(result)


def _bench(
    request: Any, json_out: Path | None, save: Path | None, jsonl: bool, accuracy: float | None, exact: bool
) -> BenchResult:
    from tinyq_deploy import deploy, records, report

    with report.live(jsonl) as watch:
        result = deploy.bench(request, watch.row, watch.progress)
    report.benched(result, quiet=jsonl)
    if save is not None:
        deploy.save_outputs(result, save)
    _emit(records.bench_json(result), json_out)
    deploy.gate(result, accuracy=accuracy, exact=exact)
    return result


@app.command()
def bench(
    folder: Folder = None, board: BoardName = None, data: Data = None, port: PortName = None, baud: Baud = None,
    virtual: Virtual = False, simulator: SimulatorName = None, limit: Limit = 0, save_outputs: SaveOutputs = None,
    x_key: XKey = None, y_key: YKey = None, json_out: Json = None, jsonl: Jsonl = False,
    min_accuracy: MinAccuracy = None, require_exact: RequireExact = False,
) -> None:  # fmt: skip
    """Stream a data set through the firmware: accuracy, agreement with the oracle, latency, memory."""
    from tinyq_deploy import deploy

    config = _config()
    found = _board(board, config)
    request = deploy.BenchRequest(
        deploy.project_folder(folder, found), found, str(_needed(_first(data, config.data), "--data")),
        _keys(x_key, y_key, config), port or "", baud or 0, virtual, simulator or "", limit,
    )  # fmt: skip
    accuracy, exact = _first(min_accuracy, config.gates.accuracy), require_exact or config.gates.exact
    _bench(request, json_out, save_outputs, jsonl, accuracy, exact)


@app.command("run")
def run_command(
    model: Model = None, board: BoardName = None, data: Data = None, representative_data: Representative = None,
    kernels: Kernels = None, optimize: Optimized = None, toolchain: ToolchainName = None, cmsis_nn: CmsisNn = None,
    strict_kernels: Strict = False, out: Out = None, keep_input: KeepInput = False, name: Name = None,
    trust_model: Trust = False, calibrate: Calibrate = None, precision: Precision = None, method: Method = None,
    probe: Probe = None, port: PortName = None, baud: Baud = None, virtual: Virtual = False,
    simulator: SimulatorName = None, limit: Limit = 0, save_outputs: SaveOutputs = None, x_key: XKey = None,
    y_key: YKey = None, json_out: Json = None, jsonl: Jsonl = False, min_accuracy: MinAccuracy = None,
    require_exact: RequireExact = False,
) -> None:  # fmt: skip
    """Build, then flash or start a virtual board, then bench."""
    from tinyq_deploy import deploy, report

    flags = dict(locals())
    config = _config()
    found = _board(board, config)
    wanted = str(_needed(_first(data, config.data), "--data"))
    result = _build(_build_request(config, model, found, flags), None)
    if not (virtual or found.always_virtual):
        report.flashed(deploy.flash(result.folder, found, method=method or "", probe=probe or ""))
    request = deploy.BenchRequest(
        result.folder,
        found,
        wanted,
        _keys(x_key, y_key, config),
        port or "",
        baud or 0,
        virtual,
        simulator or "",
        limit,
    )
    accuracy, exact = _first(min_accuracy, config.gates.accuracy), require_exact or config.gates.exact
    _bench(request, json_out, save_outputs, jsonl, accuracy, exact)


@app.command()
def inspect(model: Model = None, json_out: Json = None) -> None:
    """Show a .tflite: layers, shapes, MACs, weights, arena, and everything that does not compile."""
    from tinyq_deploy import inspect_model, report

    found = inspect_model.inspect(_needed(_first(model, _config().model), "MODEL"))
    report.inspected(found)
    _emit(found.to_json(), json_out)


@app.command()
def boards(json_out: Json = None) -> None:
    """List the boards that ship."""
    from tinyq_deploy import board, records, report

    found = [board.load(name) for name in board.names()]
    report.boards(found)
    _emit(records.boards_json(found), json_out)


@app.command()
def ops(json_out: Json = None) -> None:
    """List the operators that compile, with their rules and kernels."""
    from tinyq_deploy import records, report

    report.operators()
    _emit(records.operators_json(), json_out)


@app.command()
def doctor(json_out: Json = None) -> None:
    """Check what is installed and say what is missing for which step."""
    from dataclasses import asdict

    from tinyq_deploy import doctor as stage
    from tinyq_deploy import report

    checks = stage.examine()
    report.doctor(checks)
    _emit({"checks": [asdict(check) for check in checks]}, json_out)


@app.command("ports")
def ports_command(json_out: Json = None) -> None:
    """List serial ports that may be a board, and why."""
    from dataclasses import asdict

    from tinyq_deploy import ports, report

    found = ports.list_ports()
    report.ports(found)
    _emit({"ports": [asdict(item) for item in found]}, json_out)


@app.command()
def monitor(port: PortName = None, baud: Baud = None) -> None:
    """Show the text that a board sends, until Ctrl-C."""
    from tinyq_deploy import ports

    name = port or ports.choose_port(ports.list_ports()).device
    opened = ports.open_port(name, baud or 115200)
    try:
        while True:
            sys.stdout.write(opened.read(max(1, opened.in_waiting)).decode("utf-8", "replace"))
            sys.stdout.flush()
    finally:
        opened.close()
