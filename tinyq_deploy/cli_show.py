# SPDX-License-Identifier: Apache-2.0
"""The commands that look and tell: settings, models, built images, boards, operators, the installation, ports."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tinyq_deploy import cli_options as o
from tinyq_deploy.cli_base import board_of, config_here, emit, first, keys, needed


def init(model: o.Model = None, board: o.BoardName = "nucleo") -> None:
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


def inspect(model: o.Model = None, json_out: o.Json = None) -> None:
    """Show a .tflite: layers, shapes, MACs, scales, who lives how long, and what does not compile and why."""
    from tinyq_deploy import inspect_model, report_model

    found = inspect_model.inspect(needed(first(model, config_here().model), "MODEL"))
    report_model.inspected(found)
    emit(found.to_json(), json_out)


def compare(
    old: o.OldResult, new: o.NewResult, tolerance: o.Tolerance = None, markdown: o.Markdown = None,
    json_out: o.Json = None,
) -> None:  # fmt: skip
    """Hold two results of bench, run or the benchmark against each other; exit with 1 where a figure got worse."""
    from tinyq_deploy import compare as stage
    from tinyq_deploy import files, report

    found = stage.compare(old, new, stage.tolerances(tolerance or ()))
    report.compared(found)
    emit(found.to_json(), json_out)
    if markdown is not None:
        files.write_text(markdown, found.markdown())
    stage.require_no_worse(found)


def boards(json_out: o.Json = None) -> None:
    """List the boards that ship."""
    from tinyq_deploy import board, records, report

    found = [board.load(name) for name in board.names()]
    report.boards(found)
    emit(records.boards_json(found), json_out)


def ops(json_out: o.Json = None, markdown: o.MarkdownPage = None) -> None:
    """List the operators that compile, with their rules and kernels."""
    from tinyq_deploy import files, operator_table, report_model

    found = operator_table.rows()
    report_model.operators(found)
    emit(operator_table.to_json(found), json_out)
    if markdown is not None:
        files.write_text(markdown, operator_table.page(found))


def doctor(json_out: o.Json = None) -> None:
    """Check what is installed and say what is missing for which step."""
    from dataclasses import asdict

    from tinyq_deploy import doctor as stage
    from tinyq_deploy import report

    checks = stage.examine()
    report.doctor(checks)
    emit({"checks": [asdict(check) for check in checks]}, json_out)


def estimate(
    folder: o.Folder = None, board: o.BoardName = None, data: o.Data = None, x_key: o.XKey = None,
    y_key: o.YKey = None, json_out: o.Json = None,
) -> None:  # fmt: skip
    """Instructions per layer of a built model, and modelled cycles on Cortex-M0+, M3 and M4; needs no board."""
    from tinyq_deploy import deploy, records, report_estimate

    config = config_here()
    found = board_of(board, config)
    result = deploy.estimate(deploy.project_folder(folder, found), found, data or "", keys(x_key, y_key, config))
    report_estimate.estimated(result)
    emit(records.estimate_json(result), json_out)


def ports_command(json_out: o.Json = None) -> None:
    """List serial ports that may be a board, and why."""
    from dataclasses import asdict

    from tinyq_deploy import ports, report

    found = ports.list_ports()
    report.ports(found)
    emit({"ports": [asdict(item) for item in found]}, json_out)


def monitor(port: o.PortName = None, baud: o.Baud = None) -> None:
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


# Name on the command line -> function.
COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "inspect": inspect,
    "compare": compare,
    "boards": boards,
    "ops": ops,
    "estimate": estimate,
    "doctor": doctor,
    "ports": ports_command,
    "monitor": monitor,
}
