# SPDX-License-Identifier: Apache-2.0
"""`tinyq-deploy inspect` and `ops`: what they say is what the model and the registries hold, at 80 columns."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import nets
import pytest
from models import Op, T, constant, model, pack

from tinyq_deploy import assets, operator_table
from tinyq_deploy.cli import run
from tinyq_deploy.inspect_model import inspect
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.ops import OPERATORS

ROOT = Path(__file__).resolve().parent.parent


def shown(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(["inspect", str(path)]) == 0
    return capsys.readouterr().err.splitlines()


def table(lines: list[str]) -> list[str]:
    """The lines of the table, which end before the legend."""
    return lines[: next(i for i, line in enumerate(lines) if line.startswith("life:"))]


def row(lines: list[str], index: int) -> list[str]:
    return next(line.split() for line in table(lines) if line.split()[:1] == [str(index)])


def branch(folder: Path) -> Path:
    """Two inputs, of which the first is needed to the end; the most is live at layer 1."""
    tensors = [
        T((1, 4, 4, 2), 0.5, 1, name="early"), T((1, 4, 4, 2), 0.25, 2, name="late"), T((1, 4, 4, 2), 0.75, 3),
        constant([[[[1, 2]]], [[[3, 4]]]] * 4, 0.1), T((1, 4, 4, 8), 0.8, 4), T((1, 4, 4, 2), 0.9, 5),
        constant([[[[1] * 8]], [[[2] * 8]]], 0.1), T((1, 4, 4, 2), 1.0, 6),
    ]  # fmt: skip
    window = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    ops = [
        Op("ADD", [0, 1], [2]), Op("CONV_2D", [2, 3], [4], window), Op("CONV_2D", [4, 6], [5], window),
        Op("ADD", [0, 5], [7]),
    ]  # fmt: skip
    path = folder / "branch.tflite"
    path.write_bytes(model(tensors, ops, [0, 1], [7]))
    return path


def test_life_and_peak_are_those_of_the_plan(tmp_path: Path) -> None:
    found = inspect(branch(tmp_path))
    lives = {tensor.index: (tensor.first, tensor.last) for tensor in found.tensors}
    assert lives == {0: (None, 3), 1: (None, 0), 2: (0, 1), 4: (1, 2), 5: (2, 3), 7: (3, None)}
    assert found.peak_layer in (1, 2)
    other = {1: 2, 2: 5}[found.peak_layer]
    assert {tensor.index for tensor in found.tensors if tensor.peak} == {0, 4, other}
    assert 128 + 32 <= (found.arena_lower_bound or 0) <= 128 + 32 + 32


def test_layers_have_macs_parameters_and_scales(tmp_path: Path) -> None:
    found = inspect(branch(tmp_path))
    assert [layer.macs for layer in found.layers] == [0, 256, 256, 0]
    assert [layer.parameters for layer in found.layers] == [0, 16, 16, 0]
    assert [(t.scale, t.zero_point) for t in found.tensors[:2]] == [(0.5, 1), (0.25, 2)]
    assert (found.macs, found.parameters) == (512, 32)
    assert json.loads(json.dumps(found.to_json()))["tensors"][0]["name"] == "early"


def test_the_table_fits_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(branch(tmp_path), capsys)
    assert max(map(len, table(lines))) <= 80
    assert row(lines, 0) == [
        "0",
        "ADD",
        "1x4x4x2",
        "0",
        "0.75,",
        "3",
        "0-1*" if "layer 1 " in "".join(lines) else "0-1",
    ]
    assert row(lines, 1)[1:6] == ["CONV_2D", "1x4x4x8", "256", "16", "0.8,"]
    assert row(lines, 3)[-1] == "3-out"
    assert any(line.split()[:2] == ["input", "1x4x4x2"] and line.split()[-1] == "in-3*" for line in lines)


def test_a_real_model_fits_80_columns(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(digits / "digits_float.tflite", capsys)
    assert max(map(len, table(lines))) <= 80
    assert "float32 unless told" in " ".join(" ".join(lines[:2]).split())
    assert any("tinyq-deploy quantize" in line for line in lines)
    found = inspect(digits / "digits_float.tflite")
    assert found.macs > 1000
    assert found.arena_bytes is None


def test_what_is_not_supported_is_told_with_its_rewrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree: Any = nets.small_tree()
    tree.operatorCodes[2].builtinCode, tree.operatorCodes[2].deprecatedBuiltinCode = 128, 127  # CUMSUM
    (tmp_path / "m.tflite").write_bytes(pack(tree))
    lines = shown(tmp_path / "m.tflite", capsys)
    assert row(lines, 2)[1:3] == ["!", "CUMSUM"]
    (told,) = (line for line in lines if "Instead:" in line)
    assert told.startswith("warning: layer 2 CUMSUM is not supported. Instead: FULLY_CONNECTED with a constant matrix")
    found = inspect(tmp_path / "m.tflite")
    assert [layer.supported for layer in found.layers] == [True, True, False, True, True, True, True]
    assert found.layers[0].macs == 6 * 4 * 2 * 9
    assert found.layers[2].macs is None
    assert found.layers[2].hint


def test_a_computed_shape_is_a_row_without_a_life(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = [T((1, 8), 0.5), T((2,), dtype="int32"), T((1, 8), 0.5)]
    data = model(tensors, [Op("SHAPE", [0], [1]), Op("RESHAPE", [0, 1], [2])], [0], [2])
    (tmp_path / "m.tflite").write_bytes(data)
    assert row(shown(tmp_path / "m.tflite", capsys), 0)[1:4] == ["SHAPE", "a", "shape"]


# Operators ----------------------------------------------------------------------------------------------------------


def _golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_update", ROOT / "tests" / "golden" / "update.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_operators_is_that_of_the_registries() -> None:
    golden = _golden()
    assert golden.OPERATORS.read_text(encoding="utf-8") == golden.operators(), "run python tests/golden/update.py"


def test_every_kernel_and_operator_is_in_the_table() -> None:
    found = {row.name: row for row in operator_table.rows()}
    assert set(found) == {name for name, operator in OPERATORS.items() if operator.builtin}
    for kernel in KERNELS:
        if kernel.op in found:
            assert set(kernel.kinds) <= set(found[kernel.op].kernels[operator_table.column_of(kernel)])
    assert found["CONV_2D"].kernels["portable"]


def test_every_operator_that_the_compiler_does_not_fold_has_a_portable_kernel() -> None:
    folded = {name for name, operator in OPERATORS.items() if not any(kernel.op == name for kernel in KERNELS)}
    assert all(row.kernels["portable"] for row in operator_table.rows() if row.name not in folded)
    assert folded <= {"SHAPE", "CALL_ONCE", "VAR_HANDLE"}


def test_ops_fits_80_columns_and_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ops", "--markdown", str(tmp_path / "o.md"), "--json", str(tmp_path / "o.json")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:3] == ["CONV_2D", "int8", "int8"] or line.startswith("CONV_2D") for line in lines)
    assert (tmp_path / "o.md").read_text() == (ROOT / "docs" / "operators.md").read_text()
    assert len(json.loads((tmp_path / "o.json").read_text())["operators"]) == len(operator_table.rows())


def test_the_readme_points_to_the_page() -> None:
    assert "docs/operators.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert assets.folder("boards").is_dir()
