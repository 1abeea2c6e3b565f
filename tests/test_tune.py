# SPDX-License-Identifier: Apache-2.0
"""tune: all candidates of all layers measured on a virtual board, into a file that counts where tinyq.toml names it."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nets
import pytest

from tinyq_deploy import board, deploy, tune, tuning
from tinyq_deploy.cli import run
from tinyq_deploy.errors import LinkError, UsageError
from tinyq_deploy.footprint import LayerFlash
from tinyq_deploy.link_ids import CounterKind
from tinyq_deploy.stream import SampleResult

needs_qemu = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("qemu-system-arm") is None,
    reason="arm-none-eabi-gcc and qemu-system-arm are not both installed",
)
BOARD = "mps2-an385"
POOL = "tinyq_portable_max_pool_2d"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model of every kind of layer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.tflite").write_bytes(nets.small())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def built(name: str, *, exit_code: int = 0) -> dict[str, Any]:
    """The manifest of an exported project, by the command line in this folder."""
    assert run(["build", "net.tflite", "--board", BOARD, "--export", "-o", name]) == exit_code
    return {} if exit_code else json.loads((Path(name) / "manifest.json").read_text(encoding="utf-8"))


def kernel(manifest: dict[str, Any], op: str) -> str:
    return next(layer["function"] for layer in manifest["layers"] if layer["op"] == op)


def doctored(folder: Path, **changes: str) -> Path:
    """A tuning file by which the portable pool is nearly free."""
    found = deploy.compile_model(deploy.BuildRequest(folder / "net.tflite", board.load(BOARD)))
    calls = [c for item in found.lowered if item.node.op == "MAX_POOL_2D" for c in item.candidates]
    assert len(calls) > 1
    amounts = {tuning.call_key(c): 1 if c.function == POOL else 500 for c in calls}
    given = {"board": BOARD, "core": "cortex-m3", "optimize": "speed", **changes}
    table = tuning.Tuning(toolchain="gcc 12.2.1", counter="by hand", unit="cycles", measured=amounts, **given)
    path = folder / "tuning.toml"
    path.write_text(table.to_toml(), encoding="utf-8")
    return path


def test_a_tuning_file_counts_only_where_tinyq_toml_names_it(folder: Path) -> None:
    plain = built("plain")
    before = files(folder / "plain")
    path = doctored(folder)
    assert built("beside") == plain
    assert files(folder / "beside") == before
    (folder / "tinyq.toml").write_text(f'tuning = "{path.name}"\n', encoding="utf-8")
    tuned = built("tuned")
    assert kernel(plain, "MAX_POOL_2D") != POOL
    assert kernel(tuned, "MAX_POOL_2D") == POOL
    pool = next(layer for layer in tuned["layers"] if layer["op"] == "MAX_POOL_2D")
    assert (pool["predicted"], pool["predicted_unit"], pool["predicted_by"]) == (1, "cycles", "measured")
    assert "1 cycles, measured" in (folder / "tuned" / "README.md").read_text(encoding="utf-8")
    others = [(a, b) for a, b in zip(plain["layers"], tuned["layers"], strict=True) if a["op"] != "MAX_POOL_2D"]
    assert all(a == b for a, b in others)


@pytest.mark.parametrize(("changes", "found"), [({"core": "cortex-m4"}, "cortex-m4"), ({"optimize": "size"}, "size")])
def test_a_file_for_another_core_or_optimize_is_refused(
    folder: Path, changes: dict[str, str], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    doctored(folder, **changes)
    (folder / "tinyq.toml").write_text('tuning = "tuning.toml"\n', encoding="utf-8")
    built("refused", exit_code=2)
    told = " ".join(capsys.readouterr().err.split())
    assert "the tuning file was measured for this build's" in told
    assert f"tuning.toml: {found}, not" in told
    assert not (folder / "refused").exists()


def test_the_host_is_no_board_to_tune(folder: Path) -> None:
    request = deploy.BuildRequest(folder / "net.tflite", board.load("host"))
    with pytest.raises(UsageError, match="microcontroller"):
        tune.tune(tune.TuneRequest(request, folder / "out"))


@needs_qemu
def test_tune_measures_every_candidate_and_builds_go_by_it(folder: Path) -> None:
    assert run(["tune", "net.tflite", "--board", BOARD, "--toolchain", "gcc", "--json", "tune.json"]) == 0
    found = tuning.load(folder / "tuning.toml")
    assert (found.board, found.core, found.optimize, found.unit) == (BOARD, "cortex-m3", "speed", "instructions")
    assert (found.counter, found.toolchain.split()[0]) == ("instructions, QEMU -icount", "gcc")
    request = deploy.BuildRequest(folder / "net.tflite", board.load(BOARD))
    candidates = [c for item in deploy.compile_model(request).lowered for c in item.candidates if c.function]
    assert found.measured.keys() == {tuning.call_key(c) for c in candidates}
    assert min(found.measured.values()) > 10
    told = json.loads((folder / "tune.json").read_text(encoding="utf-8"))
    assert len(told["calls"]) == len(found.measured)
    tuned = deploy.compile_model(replace(request, tuning=folder / "tuning.toml")).lowered
    for item in tuned:
        amounts = [c.cost.amount for c in item.candidates if c.cost and c.cost.measured]
        assert amounts == sorted(amounts)
        assert len(amounts) == len([c for c in item.candidates if c.function])


class Board:
    """What tune asks of a device, with a cycle counter whose first run is slow, or without one."""

    def __init__(self, counts: bool) -> None:
        self.counts, self.runs = counts, 0

    def hello(self) -> SimpleNamespace:
        return SimpleNamespace(counter=CounterKind.DWT, counter_hz=1)

    def require(self, **_: object) -> None:
        """Any firmware will do."""

    def run(self, inputs: list[bytes], layers: bool) -> SampleResult:
        assert layers
        self.runs += 1
        return SampleResult(0, (), 1000 if self.counts else None)

    def layers(self) -> tuple[int, ...]:
        return (900 if self.runs % tune.RUNS == 1 else 700 + self.runs,)


def at_a_board(folder: Path, device: Board, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Path], tune.TuneRequest]:
    """Images that were flashed, and a request for a board that is not virtual."""
    flashed: list[Path] = []
    monkeypatch.setattr(tune.flashers, "flash", lambda elf, *_: flashed.append(elf))
    monkeypatch.setattr(tune, "device_of", lambda *_, **__: nullcontext((device, None)))
    (folder / "pool.tflite").write_bytes(nets.chain(1))
    request = deploy.BuildRequest(folder / "pool.tflite", board.load("nucleo"), toolchain="gcc")
    return flashed, tune.TuneRequest(request, folder / "out", port="/dev/board")


@needs_qemu
def test_a_real_board_is_flashed_for_each_build_and_gives_the_median_of_its_cycles(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flashed, request = at_a_board(folder, Board(counts=True), monkeypatch)
    found = tune.tune(request)
    assert len(flashed) == len(set(flashed)) == len(found.measured) > 1
    assert (found.unit, found.counter, found.core) == ("cycles", "hardware dwt", "cortex-m4")
    assert sorted(found.measured.values())[0] == 700 + tune.RUNS


@needs_qemu
def test_a_board_without_a_counter_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, request = at_a_board(folder, Board(counts=False), monkeypatch)
    with pytest.raises(LinkError, match="cycle counter"):
        tune.tune(request)


@needs_qemu
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_the_report_tells_what_each_layer_takes(
    folder: Path, optimize: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two layers of one kernel share its code with --optimize size, and have their own with speed."""
    (folder / "pools.tflite").write_bytes(nets.chain(2))
    argv = ["build", "pools.tflite", "--board", BOARD, "--toolchain", "gcc", "--kernels", "portable"]
    assert run([*argv, "--optimize", optimize, "--json", "build.json"]) == 0
    result = json.loads((folder / "build.json").read_text(encoding="utf-8"))
    flash = [LayerFlash(**item) for item in result["layer_flash"]]
    assert [item.symbol for item in flash] == ["layer_00_max_pool_2d", "layer_01_max_pool_2d"]
    assert all(item.code_bytes > 10 and item.constant_bytes == 0 for item in flash)
    assert (flash[0].shared_bytes, flash[1].shared_bytes) == (flash[0].shared_bytes,) * 2
    assert bool(flash[0].shared_bytes) == (optimize == "size")
    text = capsys.readouterr().err
    assert "predicted cost" in text
    assert ("shared" in text) == (optimize == "size")
    assert "instructions (modelled)" in text
