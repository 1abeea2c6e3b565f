# SPDX-License-Identifier: Apache-2.0
"""The command line from outside: what a user types, sees, and gets as exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nets
import numpy as np
import pytest
from models import pack

from tinyq_deploy import assets, board, connect, deploy, manifest
from tinyq_deploy.cli import run
from tinyq_deploy.data import load_data
from tinyq_deploy.errors import FlashError
from tinyq_deploy.quantize import quantize
from tinyq_deploy.read import read
from tinyq_deploy.simulators.spawn import spawn_url

DIGITS = assets.folder("examples") / "digits"

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler on this machine")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits model, int8."""
    path = tmp_path_factory.mktemp("model") / "digits.tflite"
    path.write_bytes(quantize(DIGITS / "digits_float.tflite", load_data(DIGITS / "representative.npz")).tflite)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    """What the user saw, on one line."""
    return " ".join(capsys.readouterr().err.split())


def test_run_on_the_host_measures_and_saves(model: Path, folder: Path) -> None:
    code = run(
        ["run", str(model), "--board", "host", "--data", str(DIGITS / "test.npz"), "--limit", "50",
         "--json", "out.json", "--save-outputs", "out.npz"]
    )  # fmt: skip
    assert code == 0
    result = json.loads((folder / "out.json").read_text())
    assert (result["exact"], result["total"]) == (50, 50)
    assert result["accuracy"] >= 0.9
    assert result["interval"][0] < result["accuracy"] < result["interval"][1]
    assert result["virtual"] is True
    assert {"arena_bytes", "latency_ms", "cycles", "time_source", "oracle", "layers"} <= result.keys()
    assert {layer["op"] for layer in result["layers"]} >= {"CONV_2D", "SOFTMAX"}
    outputs = np.load(folder / "out.npz")["outputs"]
    assert (outputs.dtype, outputs.shape) == (np.int8, (50, 10))


def test_settings_come_from_tinyq_toml_and_flags_win(model: Path, folder: Path) -> None:
    data = (DIGITS / "test.npz").as_posix()
    text = f'model = "{model.as_posix()}"\nboard = "host"\ndata = "{data}"\nname = "mine"\nkernels = "none"\n'
    (folder / "tinyq.toml").write_text(text)
    assert run(["build"]) == 2
    assert run(["build", "--kernels", "portable"]) == 0
    assert manifest.load(folder / "build" / "mine-host").kernels == "portable"
    assert run(["bench", "--limit", "5"]) == 0


def test_ram_trades_speed_for_memory(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wide.tflite").write_bytes(nets.wide())
    np.savez(folder / "data.npz", x=np.random.default_rng(0).integers(-128, 128, (5, 16, 16, 4), np.int8))
    command = ["build", "wide.tflite", "--board", "host", "--kernels", "portable", "-o", "b"]
    assert run([*command, "--ram", "64K"]) == 0
    assert manifest.load(folder / "b").savings == ()
    (folder / "tinyq.toml").write_text('ram = "2K"\n')
    assert run([*command, "--json", "made.json"]) == 0
    about = manifest.load(folder / "b")
    assert about.arena_bytes <= 2048 == about.ram
    assert json.loads((folder / "made.json").read_text())["manifest"]["savings"] == list(about.savings)
    said = errors(capsys)
    assert f"arena {about.arena_bytes:,} of 2,048 bytes (at least {about.arena_lower_bound:,}" in said
    assert about.savings
    assert all(line in said and line in (folder / "b" / "README.md").read_text() for line in about.savings)
    bench = ["bench", "b", "--board", "host", "--virtual", "--data", "data.npz", "--require-exact"]
    assert run([*bench, "--json", "bench.json"]) == 0
    assert [layer["op"] for layer in json.loads((folder / "bench.json").read_text())["layers"]] == [
        "CONV_2D + DEPTHWISE_CONV_2D"
    ]
    assert run([*command, "--ram", "100"]) == 4
    assert "give --ram" in errors(capsys)
    assert run([*command, "--ram", "much"]) == 2


def test_an_unknown_setting_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tinyq.toml").write_text('bord = "host"\n')
    assert run(["build", "x.tflite"]) == 2
    assert "did you mean 'board'" in errors(capsys)


def test_a_missed_gate_exits_with_one_and_still_reports(model: Path, folder: Path) -> None:
    np.savez(folder / "wrong.npz", x=np.load(DIGITS / "test.npz")["x"][:20], y=np.full(20, 9))
    arguments = [
        "run",
        str(model),
        "--board",
        "host",
        "--data",
        "wrong.npz",
        "--min-accuracy",
        "0.9",
        "--json",
        "r.json",
    ]
    assert run(arguments) == 1
    assert json.loads((folder / "r.json").read_text())["accuracy"] < 0.9


def test_without_labels_accuracy_is_null(model: Path, folder: Path) -> None:
    np.savez(folder / "x.npz", x=np.load(DIGITS / "test.npz")["x"][:5])
    assert run(["run", str(model), "--board", "host", "--data", "x.npz", "--json", "r.json"]) == 0
    result = json.loads((folder / "r.json").read_text())
    assert result["accuracy"] is None
    assert result["exact"] == 5


def test_jsonl_prints_one_line_per_sample(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(DIGITS / "test.npz")
    assert run(["run", str(model), "--board", "host", "--data", data, "--limit", "3", "--jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert all(row["exact"] for row in rows)


def test_export_writes_a_library_that_cmake_builds(model: Path, folder: Path) -> None:
    assert run(["build", str(model), "--board", "host", "--export", "-o", "lib", "--name", "digits"]) == 0
    assert not (folder / "lib" / "src").exists()
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    subprocess.run(["cmake", "-S", "lib", "-B", "b"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", "b"], check=True, capture_output=True)
    assert list((folder / "b").glob("*digits*"))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", 3, "empty"),
        (b"\x18\x00\x00\x00TFL3" + bytes(8), 3, ""),
        (b"version https://git-lfs.github.com/spec/v1\n" + b"oid sha256:0\n" * 3, 3, "git lfs pull"),
    ],
)
def test_files_that_are_no_model(
    content: bytes, code: int, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "m.tflite").write_bytes(content)
    assert run(["build", "m.tflite", "--board", "host"]) == code
    assert words in errors(capsys)
    assert not (folder / "build").exists()


def test_a_truncated_model_writes_nothing(model: Path, folder: Path) -> None:
    (folder / "m.tflite").write_bytes(model.read_bytes()[:-2000])
    assert run(["build", "m.tflite", "--board", "host"]) == 3
    assert not (folder / "build").exists()


def test_a_float_model_says_how_to_quantise(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(DIGITS / "digits_float.tflite"), "--board", "host"]) == 3
    assert "--representative-data" in errors(capsys)


def test_a_float_model_with_data_is_quantised_on_the_way(folder: Path) -> None:
    arguments = ["--board", "host", "--representative-data", str(DIGITS / "representative.npz")]
    assert run(["build", str(DIGITS / "digits_float.tflite"), *arguments]) == 0


def test_a_model_that_does_not_fit_names_bytes_and_tensors(
    folder: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (assets.folder("boards") / "nucleo-f103rb.toml").read_text()
    small = text.replace("bytes = 20480", "bytes = 4096").replace("bytes = 0x5000", "bytes = 0x1000")
    assert small != text
    (folder / "small.toml").write_text(small)
    assert run(["build", str(model), "--board", "small.toml", "--toolchain", "zig"]) == 4
    said = errors(capsys)
    assert "3,504" in said
    assert "[1, " in said
    assert not (folder / "build").exists()


def test_a_missing_toolchain_says_what_to_install(
    model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert run(["build", str(model), "--board", "nucleo", "--toolchain", "gcc"]) == 4
    assert "install" in errors(capsys)


def test_nucleo_means_the_f446_and_says_so(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["flash", str(folder), "--board", "nucleo"]) == 2
    said = errors(capsys)
    assert "NUCLEO-F446RE" in said
    assert "nucleo-l4r5zi" in said


def test_an_unknown_board_lists_the_nearest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "m.tflite", "--board", "nucleo-f466re"]) == 2
    assert "nucleo-f446re" in errors(capsys)


def test_bench_refuses_another_build_of_the_model(
    model: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", str(model), "--board", "host", "-o", "a", "--kernels", "portable"]) == 0
    assert run(["build", str(model), "--board", "host", "-o", "b", "--kernels", "portable", "--keep-input"]) == 0
    shutil.copy(folder / "a" / "out" / "firmware.elf", folder / "b" / "out" / "firmware.elf")
    assert run(["bench", "b", "--board", "host", "--data", str(DIGITS / "test.npz"), "--limit", "2"]) == 6
    assert "expected build" in errors(capsys)


def test_bench_refuses_firmware_of_another_model_file(
    model: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.tflite").write_bytes(nets.small())
    assert run(["build", str(model), "--board", "host", "-o", "a", "--kernels", "portable"]) == 0
    assert run(["build", "other.tflite", "--board", "host", "-o", "b", "--kernels", "portable"]) == 0
    shutil.copy(folder / "b" / "out" / "firmware.elf", folder / "a" / "out" / "firmware.elf")
    assert run(["bench", "a", "--board", "host", "--data", str(DIGITS / "test.npz"), "--limit", "2"]) == 6
    assert "the board runs the expected model" in errors(capsys)


def test_an_unsupported_operator_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = nets.small_tree()
    tree.operatorCodes[0].builtinCode = tree.operatorCodes[0].deprecatedBuiltinCode = 10  # HASHTABLE_LOOKUP
    (folder / "m.tflite").write_bytes(pack(tree))
    assert run(["build", "m.tflite", "--board", "host"]) == 3
    assert "HASHTABLE_LOOKUP in layers" in errors(capsys)
    assert not (folder / "build").exists()


def test_a_port_that_is_not_there(model: Path, folder: Path) -> None:
    assert run(["build", str(model), "--board", "host"]) == 0
    data = ["--data", str(DIGITS / "test.npz"), "--limit", "2"]
    assert run(["bench", "--board", "host", "--port", "/dev/ttyNOTHERE", *data]) == 6


def test_a_dry_run_of_flash_says_what_it_would_do(model: Path, folder: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    assert run(["build", str(model), "--board", "nucleo", "-o", "p"]) == 0
    assert run(["flash", "p", "--board", "nucleo", "--method", "openocd", "--dry-run", "--json", "f.json"]) == 0
    told = json.loads((folder / "f.json").read_text())
    assert told["dry_run"] is True
    assert told["steps"][0][0].endswith("openocd")
    assert told["unverified"] == "a dry run"


def test_flash_asks_the_board_for_its_build_id(model: Path, folder: Path) -> None:
    assert run(["build", str(model), "--board", "host", "-o", "a", "--kernels", "portable"]) == 0
    assert run(["build", str(model), "--board", "host", "-o", "b", "--kernels", "portable", "--keep-input"]) == 0
    port, host = spawn_url(str(folder / "a" / "out" / "firmware.elf")), board.load("host")
    assert connect.verify_flashed(manifest.load(folder / "a"), host, "", port) == ""
    with pytest.raises(FlashError, match=r"expected build|instead of"):
        connect.verify_flashed(manifest.load(folder / "b"), host, "", port)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals on this system")
def test_a_silent_device_and_a_busy_port(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import serial

    assert run(["build", str(model), "--board", "host"]) == 0
    master, slave = os.openpty()
    name = os.ttyname(slave)
    arguments = ["bench", "--board", "host", "--port", name, "--data", str(DIGITS / "test.npz"), "--limit", "2"]
    assert run(arguments) == 6
    assert "silence" in errors(capsys)
    with serial.Serial(name, exclusive=True):
        assert run(arguments) == 6
    assert "busy" in errors(capsys)
    os.close(master)
    os.close(slave)


def test_help_answers_quickly() -> None:
    """The promise is 0.3 s on a quiet machine: processor time is counted, which other work disturbs little."""
    best = 9.0
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "tinyq_deploy", "--help"], check=True, capture_output=True)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        best = min(best, used)
    assert best < 0.4


@pytest.mark.parametrize("command", ["boards", "ops", "doctor", "ports"])
def test_reports_come_as_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--json", "-"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_inspect_shows_layers(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(model), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["faults"] == []
    assert 0 < found["arena_lower_bound"] <= found["arena_bytes"] <= 4608


def test_init_writes_settings_once(folder: Path) -> None:
    assert run(["init", "m.tflite"]) == 0
    assert 'model = "m.tflite"' in (folder / "tinyq.toml").read_text()
    assert run(["init", "m.tflite"]) == 2


def test_quantize_writes_an_int8_model(folder: Path, model: Path) -> None:
    arguments = ["--representative-data", str(DIGITS / "representative.npz"), "-o", "q.tflite", "--json", "q.json"]
    assert run(["quantize", str(DIGITS / "digits_float.tflite"), *arguments]) == 0
    assert (folder / "q.tflite").read_bytes() == model.read_bytes()
    assert json.loads((folder / "q.json").read_text())["samples"] == 100
    assert run(["quantize", "q.tflite", "-o", "same.tflite"]) == 0
    assert (folder / "same.tflite").read_bytes() == model.read_bytes()


def test_usage_errors_exit_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--no-such-flag"]) == 2
    assert run(["no-such-command"]) == 2


def test_our_own_bug_is_seventy_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(deploy, "build", broken)
    assert run(["build", "m.tflite", "--board", "host"]) == 70
    said = capsys.readouterr().err
    assert "internal error" in said
    assert "Traceback" not in said


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploy, "build", interrupted)
    assert run(["build", "m.tflite", "--board", "host"]) == 130


def test_damaged_weights_are_a_firmware_fault(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(model), "--board", "host", "-o", "p", "--kernels", "portable"]) == 0
    elf = folder / "p" / "out" / "firmware.elf"
    graph = read(model.read_bytes(), "digits")
    weights = max((t.data for t in graph.tensors if t.data is not None), key=lambda data: data.nbytes).tobytes()
    image = elf.read_bytes()
    assert image.count(weights) == 1
    place = image.index(weights)
    elf.write_bytes(image[:place] + bytes((image[place] ^ 1,)) + image[place + 1 :])
    elf.chmod(0o755)
    assert run(["bench", "p", "--board", "host", "--data", str(DIGITS / "test.npz"), "--limit", "2"]) == 7
    assert "CRC" in errors(capsys)
