# SPDX-License-Identifier: Apache-2.0
"""Models whose inputs or outputs have no scale, int32, int64 and bool, from data set to report over the link."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import Op, T, constant, model

from tinyq_deploy import board, deploy, manifest
from tinyq_deploy.bench import predict


def bench(data: bytes, arrays: dict[str, np.ndarray], folder: Path) -> deploy.BenchResult:
    """Builds for this computer and streams `arrays` through."""
    (folder / "m.tflite").write_bytes(data)
    np.savez(folder / "data.npz", **arrays)
    host = board.load("host")
    built = deploy.build(deploy.BuildRequest(folder / "m.tflite", host, kernels="portable", out=folder / "project"))
    return deploy.bench(deploy.BenchRequest(built.folder, host, str(folder / "data.npz"), virtual=True))


@pytest.mark.parametrize("counts", ["int32", "int64"])
def test_the_position_of_the_largest_is_the_label(counts: str, tmp_path: Path) -> None:
    tensors = [T((1, 6), 0.5, 3), T((1,), dtype=counts), constant(-1, dtype="int32")]
    types = {"int32": 2, "int64": 4}
    data = model(tensors, [Op("ARG_MAX", [0, 2], [1], {"output_type": types[counts]}, 2)], [0], [1])
    x = np.random.default_rng(1).integers(-128, 128, (20, 6)).astype(np.int8)
    labels = np.argmax(x, 1)
    labels[0] = (labels[0] + 1) % 6
    result = bench(data, {"x": x, "y": labels}, tmp_path)
    assert (result.measurement.exact, result.measurement.total) == (20, 20)
    assert result.measurement.accuracy is not None
    assert result.measurement.accuracy.correct == 19
    assert result.outputs[0].dtype == counts
    assert result.outputs[0].tolist() == np.argmax(x, 1).tolist()


def test_a_mask_enters_and_another_leaves(tmp_path: Path) -> None:
    shape = (1, 2, 3)
    mask, values = T(shape, dtype="bool"), T(shape, 0.5, 3)
    ops = [
        Op("SELECT_V2", [0, 1, 2], [3]), Op("GREATER", [3, 4], [5]), Op("LOGICAL_AND", [5, 0], [6]),
        Op("ARG_MIN", [3, 7], [8], {"output_type": 2}, 2),
    ]  # fmt: skip
    tensors = [
        mask, values, constant(np.full((1, 1, 1), -9), 0.5, zero_point=3), values, T((), 0.25, 1, data=np.int8([5])[0]),
        mask, mask, constant([1], dtype="int32"), T((1, 3), dtype="int32"),
    ]  # fmt: skip
    rng = np.random.default_rng(2)
    x0, x1 = rng.integers(0, 2, (9, 2, 3)).astype(np.bool_), rng.integers(-128, 128, (9, 2, 3)).astype(np.int8)
    result = bench(model(tensors, ops, [0, 1], [6, 3, 8]), {"x_0": x0, "x_1": x1}, tmp_path)
    assert (result.measurement.exact, result.measurement.total) == (9, 9)
    chosen = np.where(x0, x1, -9)
    assert [array.dtype.name for array in result.outputs] == ["bool", "int8", "int32"]
    assert (result.outputs[0] == (x0 & ((chosen - 3) * 0.5 > 1.0))).all()
    assert (result.outputs[1] == chosen).all()
    assert (result.outputs[2] == chosen.argmin(1)).all()
    header = (tmp_path / "project" / "model" / "model.h").read_text()
    assert "M_INPUT_0_SCALE" not in header
    assert "int32_t *m_output_2(void)" in header


def test_only_one_number_is_a_label() -> None:
    def io(dtype: str, shape: tuple[int, ...]) -> manifest.Io:
        return manifest.Io("y", shape, dtype, None, None, 0, 0)

    assert predict([np.int8([3, 9, 9]).tobytes()], [io("int8", (1, 3))]) == 1
    assert predict([np.int8([3]).tobytes()], [io("int8", (1, 1))]) is None
    assert predict([np.int32([7]).tobytes()], [io("int32", (1,))]) == 7
    assert predict([np.int32([7, 8]).tobytes()], [io("int32", (1, 2))]) is None
    assert predict([b"a", b"b"], [io("int8", (1,)), io("int8", (1,))]) is None
