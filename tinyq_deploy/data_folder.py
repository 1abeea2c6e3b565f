# SPDX-License-Identifier: Apache-2.0
"""Data sets that are folders: one .npy, .bin or image file per sample, labels in a table or by sub-folder.

A table is labels.csv or y_labels.csv (as MLPerf Tiny has it): no header, the columns file, number of classes, class,
and for files cut into windows bytes and stride; or just file, class. Without a table, sub-folders in sorted order are
the classes; without sub-folders there are no labels.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.dataset import Dataset, load_array
from tinyq_deploy.errors import DataError, Fault, UsageError
from tinyq_deploy.graph import Tensor

Array = npt.NDArray[Any]
_TABLES = ("labels.csv", "y_labels.csv")
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm")
_SUFFIXES = (".npy", ".bin", *_IMAGES)


@dataclass(frozen=True)
class _Row:
    """One file; with `window` bytes and a `stride` it gives several samples."""

    path: Path
    label: int | None
    window: int = 0
    stride: int = 0


def load_folder(folder: Path, inputs: Sequence[Tensor], bin_dtype: str | None) -> Dataset:
    """The data set in `folder`, for models with one input. Raises DataError with every fault at once."""
    rows = _rows(folder)
    _check_rows(folder, rows)
    samples, labels = [], []
    for row in rows:
        found = _samples(row, inputs[0] if len(inputs) == 1 else None, bin_dtype)
        samples += found
        labels += [row.label] * len(found)
    _check_shapes(folder, rows, samples)
    known = [label for label in labels if label is not None]
    return Dataset((np.stack(samples),), np.array(known, np.int64) if len(known) == len(labels) else None, str(folder))


def _rows(folder: Path) -> list[_Row]:
    for name in _TABLES:
        if (folder / name).is_file():
            return _table(folder, folder / name)
    groups = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    if not groups:
        return [_Row(path, None) for path in _files(folder)]
    return [_Row(path, number) for number, group in enumerate(groups) for path in _files(group)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def _table(folder: Path, table: Path) -> list[_Row]:
    """The table's rows; a byte-order mark, CRLF, blanks round the commas and empty lines are accepted."""
    faults, rows = [], []
    with table.open(encoding="utf-8-sig", newline="") as stream:
        for number, columns in enumerate(csv.reader(stream), 1):
            cells = [cell.strip() for cell in columns]
            if not any(cells):
                continue
            try:
                rows.append(_row(folder, cells))
            except (ValueError, IndexError):
                faults.append(
                    Fault(
                        "a label table has the columns file, classes, class (or file, class)",
                        f"{table}:{number}: {', '.join(cells)[:80]!r}",
                        "correct that line",
                    )
                )
    if faults:
        raise DataError.of(faults)
    return rows


def _row(folder: Path, cells: list[str]) -> _Row:
    label = int(cells[1] if len(cells) == 2 else cells[2])
    window, stride = (int(cells[3]), int(cells[4])) if len(cells) >= 5 else (0, 0)
    if window < 0 or stride < 0 or (window > 0 and stride == 0):
        raise ValueError
    return _Row(folder / cells[0], label, window, stride)


def _check_rows(folder: Path, rows: Sequence[_Row]) -> None:
    """Files exist and lie inside the folder, symbolic links resolved."""
    if not rows:
        raise DataError(
            "a data set has at least one sample", f"{folder}: no {', '.join(_SUFFIXES)} files", "add samples"
        )
    root = folder.resolve()
    outside = [row.path for row in rows if not row.path.resolve().is_relative_to(root)]
    missing = [row.path for row in rows if row.path not in outside and not row.path.is_file()]
    faults = []
    if outside:
        faults.append(
            Fault(
                "a data set's files lie in its folder",
                f"{outside[0]} and {len(outside) - 1} more lie outside",
                "copy them into the folder",
            )
        )
    if missing:
        faults.append(
            Fault(
                "every file of the label table exists",
                f"{len(missing)} of {len(rows)} are missing, the first is {missing[0]}",
                "copy the files beside the table",
            )
        )
    if faults:
        raise DataError.of(faults)


def _samples(row: _Row, tensor: Tensor | None, bin_dtype: str | None) -> list[Array]:
    suffix = row.path.suffix.lower()
    if suffix == ".npy":
        return [np.asarray(load_array(row.path))]
    if suffix in _IMAGES:
        return [_image(row.path, tensor)]
    data = row.path.read_bytes()
    step = row.stride or 1
    cuts = range(0, len(data) - row.window + 1, step) if row.window else range(1)
    return [_binary(row.path, data[at : at + row.window] if row.window else data, tensor, bin_dtype) for at in cuts]


def _binary(path: Path, data: bytes, tensor: Tensor | None, bin_dtype: str | None) -> Array:
    """Raw little-endian values: of the model's type or float32, whichever the size says, unless `bin_dtype` does."""
    if tensor is None:
        raise UsageError(".bin files need a model with one input to say their shape", str(path), "use .npz instead")
    shape = tensor.shape[1:]
    count = int(np.prod(shape, dtype=np.int64))
    for name in (bin_dtype,) if bin_dtype else (tensor.dtype, "float32"):
        dtype = np.dtype(name).newbyteorder("<")
        if len(data) == count * dtype.itemsize:
            return np.frombuffer(data, dtype).reshape(shape).astype(np.dtype(name))
    sizes = f"{count} values of {bin_dtype or f'{tensor.dtype} or float32'}"
    raise DataError(
        "a .bin file has the model's input size",
        f"{path}: {len(data)} bytes, want {sizes}",
        "write each sample whole, or set --bin-dtype",
    )


def _image(path: Path, tensor: Tensor | None) -> Array:
    """uint8 [H, W, C], grey where the model takes one channel; never resized."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise UsageError("image files need Pillow", f"{path}: Pillow is not installed", "pip install pillow") from error
    channels = tensor.shape[-1] if tensor is not None else 3
    try:
        with Image.open(path) as image:
            pixels: Array = np.asarray(image.convert("L" if channels == 1 else "RGB"), np.uint8)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DataError("an image file is complete and undamaged", f"{path}: {error}", "save it again") from error
    return pixels[..., None] if channels == 1 else pixels


def _check_shapes(folder: Path, rows: Sequence[_Row], samples: Sequence[Array]) -> None:
    """All samples have one shape; names the first file that differs."""
    odd = [number for number, values in enumerate(samples) if values.shape != samples[0].shape]
    if odd:
        place = rows[odd[0]].path if len(rows) == len(samples) else folder
        raise DataError(
            "all samples have the same shape",
            f"{place}: {list(samples[odd[0]].shape)}, the first sample has {list(samples[0].shape)}",
            "bring the samples to one size",
        )
