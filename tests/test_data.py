# SPDX-License-Identifier: Apache-2.0
"""Data sets: every fault of the catalogue (B40 to B50) has its message, and an input is quantised one way only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyq_deploy.data import Dataset, load_data, quantize_array, to_model_input
from tinyq_deploy.data_check import check_data, shaped
from tinyq_deploy.errors import DataError, UsageError
from tinyq_deploy.graph import Quantization, Tensor


def tensor(shape: tuple[int, ...] = (1, 2, 3, 1), dtype: str = "int8", scale: float = 0.5, zero: int = 3) -> Tensor:
    return Tensor(0, "x", shape, dtype, Quantization((scale,), (zero,)))


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_npz_with_x_and_y(tmp_path: Path) -> None:
    data = load_data(save(tmp_path / "a.npz", x=np.arange(12.0).reshape(2, 6), y=[1, 2]))
    assert len(data) == 2
    assert data.sample(1)[0].tolist() == [6, 7, 8, 9, 10, 11]
    assert data.labels is not None
    assert data.labels.tolist() == [1, 2]


def test_npz_with_several_inputs_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    arrays = {f"x_{n}": np.full((3, 1), n) for n in (10, 2, 1, 0)}
    data = load_data(save(tmp_path / "a.npz", **arrays, x_3=np.full((3, 1), 3)))
    assert [int(values[0, 0]) for values in data.inputs] == [0, 1, 2, 3]


def test_other_keys(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", specs=np.zeros((2, 3)), labels=[0, 1])
    assert len(load_data(path, x_key="specs", y_key="labels")) == 2
    with pytest.raises(DataError, match="it has labels, specs"):
        load_data(path)
    with pytest.raises(DataError, match="--y-key"):
        load_data(path, x_key="specs", y_key="label")


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 5), np.int8))
    data = load_data(tmp_path / "a.npy")
    assert data.inputs[0].dtype == np.int8
    assert data.labels is None


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=np.array([{"a": 1}], object))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(DataError, match="pickles can run code"):
            load_data(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 3, 40, 200])
def test_truncated_files_are_data_errors(tmp_path: Path, keep: int) -> None:
    path = save(tmp_path / "a.npz", x=np.zeros((4, 50)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"a\.npz"):
        load_data(path)


def test_nothing_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not found"):
        load_data(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((0, 3))}, "at least one sample"),
        ({"x": np.zeros((3, 3)), "y": [1, 2]}, "3 samples, 2 labels"),
        ({"x_0": np.zeros((3, 3)), "x_1": np.zeros((2, 3))}, r"\[2, 3\]"),
        ({"x": np.array(["a"])}, "arrays of numbers"),
        ({"x": np.float32(1)}, "arrays of numbers"),
    ],
)
def test_malformed_sets(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(save(tmp_path / "a.npz", **arrays))


def test_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_data.py").write_text(
        "def make(): return [[1., 2.]], [5]\nvalue = {'x': [[3.]]}\nget = value.copy\n"
    )
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert load_data("own_data:make").inputs[0].tolist() == [[1.0, 2.0]]
    assert load_data("own_data:get").inputs[0].tolist() == [[3.0]]
    with pytest.raises(UsageError, match="other"):
        load_data("own_data:other")
    assert sys.path == before


# Folders.


def folder(tmp_path: Path, table: str | bytes | None = None, files: tuple[str, ...] = ("a.bin", "b.bin")) -> Path:
    for number, name in enumerate(files):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(bytes([number] * 6))
    if table is not None:
        (tmp_path / "y_labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return tmp_path


def test_bin_files_without_labels_in_sorted_order(tmp_path: Path) -> None:
    data = load_data(folder(tmp_path, files=("b.bin", "a.bin")), inputs=[tensor()])
    assert data.labels is None
    assert data.inputs[0].shape == (2, 2, 3, 1)
    assert data.inputs[0].dtype == np.int8
    assert data.inputs[0][0, 0, 0, 0] == 1  # a.bin, though written second


def test_table_with_bom_crlf_and_blanks(tmp_path: Path) -> None:
    data = load_data(folder(tmp_path, b"\xef\xbb\xbfb.bin, 12, 7\r\n\r\n a.bin ,12,3\r\n"), inputs=[tensor()])
    assert data.labels is not None
    assert data.labels.tolist() == [7, 3]
    assert data.inputs[0][0, 0, 0, 0] == 1


def test_windows_and_float32_by_size(tmp_path: Path) -> None:
    np.arange(10, dtype="<f4").tofile(tmp_path / "a.bin")
    (tmp_path / "y_labels.csv").write_text("a.bin, 2, 1, 16, 8\n")
    data = load_data(tmp_path, inputs=[tensor((1, 4))])
    assert data.inputs[0].tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9]]
    assert data.labels is not None
    assert data.labels.tolist() == [1, 1, 1, 1]


def test_bin_dtype_says_what_the_size_cannot(tmp_path: Path) -> None:
    data = load_data(folder(tmp_path), inputs=[tensor()], bin_dtype="uint8")
    assert data.inputs[0].dtype == np.uint8


@pytest.mark.parametrize("size", [5, 7])
def test_wrong_bin_size(tmp_path: Path, size: int) -> None:
    (folder(tmp_path) / "b.bin").write_bytes(bytes(size))
    with pytest.raises(DataError, match=rf"b\.bin: {size} bytes, want 6 values"):
        load_data(tmp_path, inputs=[tensor()])


def test_missing_files_first_and_count(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 of 3 are missing, the first is .*c\.bin"):
        load_data(folder(tmp_path, "a.bin,2,0\nc.bin,2,0\nd.bin,2,1\n"), inputs=[tensor()])


@pytest.mark.parametrize("line", ["a.bin", "a.bin,x", "a.bin,2,1,10", "a.bin,2,1,-4,4", "a.bin,2,1,4,0"])
def test_malformed_table_line(tmp_path: Path, line: str) -> None:
    table = f"b.bin,2,1\n{line}\n"
    if line == "a.bin,2,1,10":
        assert len(load_data(folder(tmp_path, table), inputs=[tensor()])) == 2  # a size without stride: MLPerf has it
        return
    with pytest.raises(DataError, match=r"y_labels\.csv:2"):
        load_data(folder(tmp_path, table), inputs=[tensor()])


def test_paths_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(6))
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(DataError, match="lie outside"):
        load_data(folder(inner, "../secret.bin,2,0\n"), inputs=[tensor()])
    (inner / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(DataError, match="lie outside"):
        load_data(folder(inner, "link.bin,2,0\n"), inputs=[tensor()])
    with pytest.raises(DataError, match="lie outside"):
        load_data(folder(inner, f"{tmp_path / 'secret.bin'},2,0\n"), inputs=[tensor()])


def test_subfolders_are_classes(tmp_path: Path) -> None:
    data = load_data(folder(tmp_path, files=("no/1.bin", "yes/1.bin", "yes/2.bin")), inputs=[tensor()])
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 1]


def test_npy_folder_of_unequal_shapes(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.save(tmp_path / "b.npy", np.zeros(4))
    with pytest.raises(DataError, match=r"b\.npy: \[4\], the first sample has \[3\]"):
        load_data(tmp_path)


def test_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "a.png")
    data = load_data(tmp_path, inputs=[tensor()])
    assert data.inputs[0].dtype == np.uint8
    assert data.inputs[0][0, ..., 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_images_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match="pip install pillow"):
        load_data(tmp_path, inputs=[tensor()])


# Against a model.


def test_flat_and_squeezed_samples_fit(tmp_path: Path) -> None:
    for shape in ((4, 6), (4, 2, 3), (4, 2, 3, 1), (4, 1, 2, 3)):
        values = np.arange(24, dtype=np.int8).reshape(shape)
        assert check_data(Dataset((values,)), [tensor()]) == ()
        assert shaped(values, tensor()).shape == (4, 2, 3, 1)


def test_wrong_sizes_and_layouts_and_counts_of_inputs() -> None:
    with pytest.raises(DataError, match=r"got \[3, 2, 1\], want \[2, 3, 1\]") as caught:
        check_data(Dataset((np.zeros((4, 3, 2, 1), np.int8),)), [tensor()])
    assert "transpose" in caught.value.faults[0].hint
    with pytest.raises(DataError, match="each sample has 5 values, the model takes 6"):
        check_data(Dataset((np.zeros((4, 5), np.int8),)), [tensor()])
    with pytest.raises(DataError, match="the model has 2 inputs"):
        check_data(Dataset((np.zeros((4, 6), np.int8),)), [tensor(), tensor()])


def test_all_faults_at_once() -> None:
    values = np.zeros((4, 6), np.float32)
    values[1, 2], values[3, 0] = np.nan, np.inf
    with pytest.raises(DataError) as caught:
        check_data(Dataset((values, np.zeros((4, 5))), np.array([0, 1, 2, -1])), [tensor(), tensor()], classes=2)
    told = [fault.found for fault in caught.value.faults]
    assert len(told) == 3
    assert "NaN or infinity in 2 samples, the first is 1" in told[0]
    assert "got [5]" in told[1]
    assert "2 are not, the first is 2 of sample 2" in told[2]


def test_unscaled_and_clipped_and_repeated_samples_are_warned_of() -> None:
    x = np.random.default_rng(0).uniform(0, 1, (9, 6)).astype(np.float32)
    (unscaled,) = check_data(Dataset((x,)), [tensor()])
    assert "look like 0..1" in unscaled.hint
    assert "-65.5 to 62" in unscaled.found
    (clipped,) = check_data(Dataset((x * 200,)), [tensor()])
    assert "clipped" in clipped.found
    assert check_data(Dataset((x * 60,)), [tensor()]) == ()
    assert check_data(Dataset((x,)), [tensor(scale=1 / 255, zero=-128)]) == ()
    (repeated,) = check_data(Dataset((np.concatenate([x * 60, x[:2] * 60]),)), [tensor()])
    assert "2 of 11 repeat" in repeated.found


# One definition of quantising an input.


def test_halves_are_rounded_away_from_zero_and_clamped() -> None:
    values = np.array([0.25, 0.75, -0.25, -0.75, 100, -100, 0.24999999], np.float32)
    assert quantize_array(values, 0.5, 0, np.int8).tolist() == [1, 2, -1, -2, 127, -128, 0]
    assert quantize_array(values, 0.5, 10, np.int8).tolist() == [11, 12, 9, 8, 127, -128, 10]
    assert quantize_array(np.array([0.49999997], np.float32), 1.0, 0, np.int8).tolist() == [0]
    assert quantize_array(np.array([200, 0], np.uint8), 1.0, -128, np.int8).tolist() == [72, -128]


@given(st.floats(-1e4, 1e4, width=32), st.floats(2**-10, 8, width=32), st.integers(-128, 127))
def test_as_exact_arithmetic_says(value: float, scale: float, zero: int) -> None:
    quotient = float(np.float32(value) / np.float32(scale))
    rounded = int(abs(quotient) + 0.5) * (1 if quotient >= 0 else -1)
    assert quantize_array(np.array(value), scale, zero, "int8") == max(-128, min(127, rounded + zero))


def test_own_integers_pass_as_they_are_and_every_other_type_is_real() -> None:
    same = np.array([[1, -2]], np.int8)
    assert to_model_input(same, tensor((1, 2))) is same
    assert to_model_input(same.astype(np.uint8), tensor((1, 2)))[0, 0] == 5  # 1 / 0.5 + 3
    assert to_model_input(same, tensor((1, 2), "int16", 0.5, 0)).tolist() == [[2, -4]]
    floats = to_model_input(same, Tensor(0, "x", (1, 2), "float32"))
    assert floats.dtype == np.float32
    assert floats.tolist() == [[1.0, -2.0]]
