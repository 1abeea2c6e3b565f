# SPDX-License-Identifier: Apache-2.0
"""Malformed and hostile models, A1 to A39: what the user of `tinyq-deploy build` is told, and that nothing is written.

The numbers are those of the catalogue of faults that this project holds itself to. Rules of single operators are broken
one by one in tests/ops; here are those that files in the field break.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nets
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from models import Op, T, model, pack

from tinyq_deploy import assets, board, deploy, manifest
from tinyq_deploy.cli import run
from tinyq_deploy.errors import FitError
from tinyq_deploy.load import MAX_MODEL_BYTES
from tinyq_deploy.read import MOST_OPERATORS

SMALL = nets.small()
DAMAGED = "truncated or damaged"
Edit = Callable[[Any, Any], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder: Path, capsys: pytest.CaptureFixture[str], name: str = "m.tflite", code: int = 3,
            *options: str) -> str:  # fmt: skip
    """What the user of `build` reads, on one line; fails where the exit code is another, where a fault lacks its rule,
    what was found or what to do next, or where something was written."""
    before = sorted(folder.iterdir())
    assert run(["build", name, "--board", "host", *options]) == code
    captured = capsys.readouterr()
    faults = re.findall(r"error: (.+)\n  found: (.+)\n  next:  (.+)\n", captured.err)
    assert captured.err.count("error: ") == len(faults) >= 1, captured.err
    assert "Traceback" not in captured.err
    assert sorted(folder.iterdir()) == before
    return " ".join(captured.err.split())


# One wrong thing in the file ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Bytes that are no model, or an edit of the small model's object tree (model, subgraph), and what is told."""

    id: str
    made: bytes | Edit
    words: tuple[str, ...]


def _set(path: str, value: Any) -> Edit:
    """Sets an attribute of the model `m` or its subgraph `g`, such as "g.tensors[1].shape"."""

    def edit(m: Any, g: Any) -> None:
        owner, _, name = path.rpartition(".")
        setattr(eval(owner, {"m": m, "g": g}), name, value)

    return edit


def _weights(size: int) -> Edit:
    return lambda m, g: setattr(m.buffers[g.tensors[1].buffer], "data", np.zeros(size, np.uint8))


def _operator(at: int, code: int, custom: str | None = None) -> Edit:
    def edit(m: Any, _: Any) -> None:
        entry = m.operatorCodes[at]
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.customCode = code, min(code, 127), custom

    return edit


def _both(*edits: Edit) -> Edit:
    return lambda m, g: [edit(m, g) for edit in edits]


def _weights_as_input(_: Any, g: Any) -> None:
    g.tensors[1].buffer, g.inputs = 0, [0, 1]
    g.tensors[1].quantization.scale, g.tensors[1].quantization.zeroPoint = [0.5], [0]


def _compressed(m: Any, _: Any) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = "COMPRESSION_METADATA", 0
    m.metadata = [entry]


def _types(name: str, *tensors: int) -> Edit:
    return lambda _, g: [setattr(g.tensors[i], "type", getattr(schema.TensorType, name)) for i in tensors]


def _hybrid() -> bytes:
    weights = T((3, 4), 0.5, 0, data=np.ones((3, 4), np.int8), name="packed")
    tensors = [T((1, 4), dtype="float32"), weights, T((1, 3), dtype="float32")]
    return model(tensors, [Op("FULLY_CONNECTED", [0, 1], [2])], [0], [2])


def _mixed() -> bytes:
    tensors = [T((1, 4), 0.5), T((1, 4), 0.5), T((1, 4), dtype="float32", name="real"), T((1, 4), dtype="float32")]
    return model(tensors, [Op("RESHAPE", [0], [1]), Op("ADD", [2, 2], [3])], [0, 2], [1, 3])


def _tiny() -> bytes:
    return model([T((1, 4), 0.5), T((1, 4), 1e-40, name="tiny")], [Op("SQRT", [0], [1])], [0], [1])


_WINDOW, _POOL, _Q = "g.operators[0].builtinOptions.", "g.operators[3].builtinOptions.", "g.tensors[3].quantization."
CASES = (
    Case("A2-empty", b"", ("is not empty", "0 bytes")),
    Case("A3-7-bytes", SMALL[:7], ("7 bytes",)),
    Case("A3-identifier-alone", b"\x18\0\0\0TFL3", (DAMAGED, "8 bytes")),
    Case("A4-onnx", b"\x08\x07\x12\x07pytorch", ("an ONNX model", "onnx2tf")),
    Case("A4-zip", b"PK\x03\x04" + bytes(40), ("a zip archive", "convert")),
    Case("A4-lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ("Git LFS", "git lfs pull")),
    Case("A4-html", b"<!DOCTYPE html><html>", ("an HTML page", "raw")),
    Case("A4-other", b"something else entirely", ("starts with 73 6f 6d", "convert")),
    Case("A6-root", b"\xff\xff\xff\x7f" + SMALL[4:], (DAMAGED,)),
    Case("A7-version", _set("m.version", 2), ("schema version is 3", "version 2")),
    Case("A8-no-subgraph", _set("m.subgraphs", []), ("has a subgraph", "0 subgraphs")),
    Case("A8-subgraphs", lambda m, g: m.subgraphs.append(g), ("one subgraph", "2 subgraphs")),
    Case("A9-no-operators", _set("g.operators", []), ("at least one operator", "0 operators")),
    Case("A10-no-inputs", _set("g.inputs", []), ("has inputs", "0 inputs")),
    Case("A10-no-outputs", _set("g.outputs", []), ("has outputs", "0 outputs")),
    Case("A11-buffer", _set("g.tensors[1].buffer", 999), ("tensor 1 't1': buffer 999 of 8", DAMAGED)),
    Case("A12-tensor", _set("g.operators[0].inputs", [0, 99, -2]), ("layer 0 CONV_2D: tensor 99 of 15", "tensor -2")),
    Case("A12-output", _set("g.operators[2].outputs", [-1]), ("layer 2 ADD: tensor -1 of 15",)),
    Case("A13-code", _set("g.operators[3].opcodeIndex", 77), ("layer 3: code 77 of 7", DAMAGED)),
    Case(
        "A14-operators",
        _both(_operator(2, 10), _operator(5, 32, "Mine"), _operator(6, 5000)),
        ("HASHTABLE_LOOKUP in layers 2", "CUSTOM:Mine in layers 5", "BUILTIN_5000 in layers 6"),
    ),
    Case("A15-dynamic-range", _hybrid(), ("dynamic-range", "int8 tensor 1 'packed' of FULLY_CONNECTED", "export it")),
    Case("A15-uint8", _types("UINT8", 0, 3), ("uint8 arithmetic", "tensor 0 'image'", "quantise the float model")),
    Case("A15-mixed", _mixed(), ("float or integer throughout", "tensor 2 'real'", "export it again")),
    Case("A16-dynamic", _set("g.tensors[0].shape", [-1, 6, 4, 1]), ("[-1, 6, 4, 1]", "fix the batch size")),
    Case("A17-zero", _set("g.tensors[0].shape", [1, 0, 4, 1]), ("tensor 0 'image': shape [1, 0, 4, 1]", "fix the")),
    Case("A17-negative", _set("g.tensors[6].shape", [1, 6, -4, 2]), ("tensor 6 'net/depthwise': shape [1, 6, -4, 2]",)),
    Case("A18-product", _set("g.tensors[3].shape", [1, 50000, 40000, 1]), ("2,000,000,000 elements", "at most")),
    Case("A18-overflow", _set("g.tensors[3].shape", [65536] * 4), ("elements", "no microcontroller")),
    Case("A19-short", _weights(17), ("17 bytes for int8 [2, 3, 3, 1]", DAMAGED)),
    Case("A19-long", _weights(19), ("19 bytes for int8 [2, 3, 3, 1]", DAMAGED)),
    Case(
        "A20-bias", _set("g.operators[0].inputs", [0, 1, 12]), ("layer 0 CONV_2D: 't12' is int32 [3] for 2 channels",)
    ),
    Case("A21-stride", _set(_WINDOW + "strideH", 0), ("layer 0 CONV_2D: stride_h 0", "at least 1")),
    Case("A22-dilation", _set(_WINDOW + "dilationWFactor", 0), ("layer 0 CONV_2D: dilation_w_factor 0", "at least 1")),
    Case("A23-pool", _set(_POOL + "filterHeight", 0), ("layer 3 MAX_POOL_2D: window [0, 2]", "is 1 to 32767")),
    Case(
        "A24-depth-multiplier",
        _set("g.operators[1].builtinOptions.depthMultiplier", 0),
        ("layer 1 DEPTHWISE_CONV_2D", "depth_multiplier 0"),
    ),
    Case("A25-input-channels", _set("g.tensors[1].shape", [2, 3, 3, 0]), ("tensor 1 't1': shape [2, 3, 3, 0]",)),
    Case("A25-filter-channels", _set("g.tensors[0].shape", [1, 6, 4, 3]), ("layer 0 CONV_2D: 3 input channels",)),
    *(
        Case(f"A26-scale-{scale}", _set(_Q + "scale", [scale]), ("finite and above 0", "tensor 3 'net/conv'"))
        for scale in (0.0, float("nan"), float("inf"), -0.5)
    ),
    Case("A26-denormal", _tiny(), ("2^-64 to 2^64", "tensor 1 'tiny': scale 9.99995e-41")),
    *(
        Case(f"A27-zero-point-{point}", _set(_Q + "zeroPoint", [point]), ("-128..127", f"has zero point {point}"))
        for point in (128, -129, 5000)
    ),
    Case("A28-count", _set("g.tensors[1].quantization.scale", [0.1] * 3), ("CONV_2D", "'t1' has 3 scales for 2")),
    Case(
        "A28-axis", _set("g.tensors[1].quantization.quantizedDimension", 1), ("'t1' is quantised along axis 1, not 0",)
    ),
    Case("A29-no-quantization", _set("g.tensors[7].quantization", None), ("layer 2 ADD: 'net/sum' has no scale",)),
    Case("A30-two-writers", _set("g.operators[1].outputs", [3]), ("written once", "layer 1 DEPTHWISE_CONV_2D writes")),
    Case(
        "A30-cycle", _set("g.operators[0].inputs", [9, 1, 2]), ("before it is read", "layer 0 CONV_2D reads tensor 9")
    ),
    Case("A31-weights", _weights_as_input, ("layer 0 CONV_2D: 't1' is int8, not constant",)),
    Case("A32-int4", _types("INT4", 7), ("layer 2 ADD: 'net/sum' is int4",)),
    Case("A32-sparse", _set("g.tensors[1].sparsity", schema.SparsityParametersT()), ("stored densely", "tensor 1")),
    Case("A32-compressed", _compressed, ("stored uncompressed", "COMPRESSION_METADATA", "before compression")),
    Case("A32-external", lambda m, g: setattr(m.buffers[g.tensors[1].buffer], "offset", 4096), ("external buffer",)),
)


def case_bytes(case: Case) -> bytes:
    if isinstance(case.made, bytes):
        return case.made
    tree: Any = nets.small_tree()
    case.made(tree, tree.subgraphs[0])
    return pack(tree)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_malformed_model_is_told(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "m.tflite").write_bytes(case_bytes(case))
    said = refused(folder, capsys)
    for word in case.words:
        assert word in said, said


def test_every_number_of_the_catalogue_is_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    here = {
        int(number)
        for number in re.findall(r'Case\(\s*f?"A(\d+)-|def test_A(\d+)_', text)
        for number in number
        if number
    }
    assert here == set(range(1, 40))


# What is no single edit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["absent.tflite", "a_folder", "unreadable.tflite"])
def test_A1_a_path_that_cannot_be_read(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a_folder").mkdir()
    (folder / "unreadable.tflite").write_bytes(SMALL)
    real = Path.open

    def opened(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "unreadable.tflite":  # a mode of 0 does not stop the superuser
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    assert name in refused(folder, capsys, name, 2)


def test_A5_a_model_cut_anywhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for end in np.linspace(1, len(SMALL) - 1, 200).astype(int):
        (folder / "m.tflite").write_bytes(SMALL[:end])
        assert "m.tflite" in refused(folder, capsys)


def test_A15_a_float_model_is_told_to_be_quantised(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = assets.folder("examples") / "digits" / "digits_float.tflite"
    said = refused(folder, capsys, str(path))
    assert "--representative-data" in said
    assert re.search(r"float \.tflite, tensor \d+ '.+' is float32", said)


HOSTILE = (
    b"*/ int x; /* {{7*7}} {% raw %}",
    b'"\\\n\r\0\xff\xfe',
    b"[/bold] [red] %s%n",
    b"<script>",
    b"x" * 1_000_000,
)


def test_A33_any_name_compiles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree: Any = nets.small_tree()
    for tensor, name in zip(tree.subgraphs[0].tensors, HOSTILE * 3, strict=True):
        tensor.name = name
    tree.subgraphs[0].name = tree.description = HOSTILE[0]
    (folder / "m.tflite").write_bytes(pack(tree))
    assert run(["build", "m.tflite", "--board", "host", "--kernels", "portable", "-o", "out", "--json", "m.json"]) == 0
    assert run(["inspect", "m.tflite", "--json", "i.json"]) == 0
    assert json.loads((folder / "i.json").read_text())["faults"] == []
    code = (folder / "out" / "model" / "model.c").read_text(encoding="ascii")
    assert "int x; /*" not in code
    assert "7*7" not in code or "{{7*7}}" in code
    assert len(code) < 100_000
    assert "\0" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../../x", "/absolute", "CON", "NUL", "a" * 300, "..", ""])
def test_A34_any_name_of_a_model_stays_inside(name: str, folder: Path) -> None:
    inside = folder / "deep" / "er"
    inside.mkdir(parents=True)
    (inside / "m.tflite").write_bytes(SMALL)
    request = deploy.BuildRequest(inside / "m.tflite", board.load("host"), name=name, kernels="portable", export=True)
    made = deploy.build(request).folder
    assert re.fullmatch(r"build/[a-z][a-z0-9_]{0,39}-host", made.as_posix())
    assert sorted(path.name for path in folder.iterdir()) == ["build", "deep"]


def test_A35_too_many_operators(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many as are allowed: tests/test_read.py."""
    (folder / "m.tflite").write_bytes(nets.chain(MOST_OPERATORS + 1))
    started = time.process_time()
    assert "20,001" in refused(folder, capsys)
    assert time.process_time() - started < 10


def test_A35_a_file_of_500_megabytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "m.tflite").open("wb") as stream:
        stream.write(SMALL)
        stream.truncate(500_000_000)
    assert f"at most {MAX_MODEL_BYTES >> 20} MiB" in refused(folder, capsys)


def _small_board(folder: Path, ram: int, flash: int) -> str:
    text = (assets.folder("boards") / "nucleo-f103rb.toml").read_text()
    text = text.replace("bytes = 20480", f"bytes = {ram}").replace("bytes = 0x5000", f"bytes = {ram:#x}")
    text = text.replace("bytes = 131072", f"bytes = {flash}").replace("bytes = 0x20000", f"bytes = {flash:#x}")
    (folder / "small.toml").write_text(text)
    return "small.toml"


@pytest.mark.parametrize(("ram", "flash", "words"), [
    (4096, 131072, ("RAM", "of 4,096", "[1, 16, 16, 16] 4,096 bytes")),
    (65536, 640, ("flash", "of 640", "'t1' [16, 1, 1, 4] 64 bytes", "'t3' [1, 3, 3, 16] 144 bytes")),
])  # fmt: skip
def test_A36_a_model_that_does_not_fit(
    ram: int, flash: int, words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (folder / "m.tflite").write_bytes(nets.wide())
    toml = _small_board(folder, ram, flash)
    monkeypatch.setattr(deploy.build_stage, "build", lambda *_, **__: pytest.fail("the compiler was started"))
    monkeypatch.setattr(deploy.toolchains, "select", lambda *_: None)
    said = refused(folder, capsys, "m.tflite", FitError.exit_code, "--board", toml)
    for word in words:
        assert word in said, said


def test_A37_a_file_that_changes_meanwhile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is compiled, kept and named by its sum are the same bytes; a later change of them is told."""
    (folder / "m.tflite").write_bytes(SMALL)
    request = deploy.BuildRequest(folder / "m.tflite", board.load("host"), kernels="portable", out=folder / "out")
    found = deploy.compile_model(request)
    (folder / "m.tflite").write_bytes(nets.chain(3))
    made = deploy.link(request, found, None)
    assert manifest.model_of(made.folder, made.manifest) == SMALL
    assert made.plan.graph.sha256 == made.manifest.model_sha256
    (folder / "out" / "model" / "model.tflite").write_bytes(nets.chain(3))
    assert run(["bench", "out", "--board", "host", "--data", "none.npz"]) == 3
    assert "the one it was built from" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("content", "words"), [
    (b"\x89HDF\r\n\x1a\n" + bytes(50), ("can run code", "--trust-model")),
    (b"\x80\x04\x95rest", ("pickle", "export the model")),
])  # fmt: skip
def test_A38_files_that_can_run_code(
    content: bytes, words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "m.h5").write_bytes(content)
    said = refused(folder, capsys, "m.h5")
    assert all(word in said for word in words), said


def test_A39_a_flipped_bit_of_a_weight_shows_in_the_sum(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in a file says what its weights were. The project's copy is held to its sum; weights in the image are
    held to their CRC by the firmware (tests/test_cli.py)."""
    (folder / "m.tflite").write_bytes(nets.wide())
    assert run(["build", "m.tflite", "--board", "host", "--kernels", "portable", "-o", "out"]) == 0
    kept = folder / "out" / "model" / "model.tflite"
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(kept.read_bytes(), 0))
    weights = np.array(tree.buffers[1].data, np.uint8).tobytes()
    data = bytearray(kept.read_bytes())
    data[data.index(weights)] ^= 1
    kept.write_bytes(bytes(data))
    assert run(["bench", "out", "--board", "host", "--data", "none.npz"]) == 3
    assert "missing or changed" in " ".join(capsys.readouterr().err.split())
