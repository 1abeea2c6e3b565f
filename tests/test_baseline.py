# SPDX-License-Identifier: Apache-2.0
"""Instruction counts, arena and flash hold what benchmarks/baseline.json says, within compare's tolerances.

After an intended change: python benchmarks/instructions.py --kernels own --json benchmarks/baseline.json
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tinyq_deploy.compare import compare, require_no_worse

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benchmarks" / "baseline.json"
ROWS: list[dict[str, Any]] = json.loads(BASELINE.read_text(encoding="utf-8"))["rows"]
BOARDS = sorted({row["board"] for row in ROWS})

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="instruction counts need arm-none-eabi-gcc and qemu-system-arm",
)


def benchmark() -> ModuleType:
    """benchmarks/instructions.py as a module."""
    spec = importlib.util.spec_from_file_location("instructions", ROOT / "benchmarks" / "instructions.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("board", BOARDS)
def test_no_figure_is_worse_than_the_baseline(board: str, tmp_path: Path) -> None:
    found = tmp_path / "now.json"
    assert benchmark().main(["--boards", board, "--kernels", "own", "--json", str(found)]) == 0
    compilers = {row["toolchain"] for row in json.loads(found.read_text(encoding="utf-8"))["rows"]}
    if compilers != {row["toolchain"] for row in ROWS}:
        pytest.skip(f"the baseline was made with another compiler than {', '.join(sorted(compilers))}")
    require_no_worse(compare(BASELINE, found))


def test_cores_with_the_dsp_extension_need_as_many_instructions_as_each_other() -> None:
    counts = {(row["model"], row["board"]): row["instructions"] for row in ROWS if row["optimize"] == "speed"}
    models = {model for model, board in counts if board == "mps2-an386"}
    for model in models:
        for board in ("mps2-an500", "mps2-an505"):
            assert counts[model, board] <= 1.03 * counts[model, "mps2-an386"]
