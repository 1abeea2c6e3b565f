# SPDX-License-Identifier: Apache-2.0
"""Data sets: loading, checking against a model, and the one definition of quantising an input.

int8 (for int16 models int16) arrays are a model's own input and pass as they are. Every other type, uint8 too, is
real values and goes through `quantize_array`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.data_folder import load_folder
from tinyq_deploy.dataset import Array, Dataset, load_array, malformed
from tinyq_deploy.errors import DataError, Fault, UsageError
from tinyq_deploy.graph import Tensor

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def load_data(
    source: str | Path,
    *,
    x_key: str = "x",
    y_key: str = "y",
    inputs: Sequence[Tensor] = (),
    bin_dtype: str | None = None,
) -> Dataset:
    """The data set at `source`: .npz, .npy, a folder of .npy, .bin or image files, or "module:function".

    `inputs` are the model's input tensors, needed for .bin files alone; `bin_dtype` says what those hold where their
    size leaves it open. Raises UsageError for what cannot be found or read, DataError for what is malformed.
    """
    path = Path(source)
    if path.is_dir():
        return load_folder(path, inputs, bin_dtype)
    if path.is_file():
        return _load_file(path, x_key, y_key)
    if _FUNCTION.fullmatch(str(source)):
        return _from_function(str(source))
    raise UsageError(
        "a data set is a .npz or .npy file, a folder or module:function", f"{source}: not found", "check the path"
    )


def _load_file(path: Path, x_key: str, y_key: str) -> Dataset:
    loaded = load_array(path)
    if isinstance(loaded, np.ndarray):
        return _dataset([loaded], None, str(path))
    try:
        with loaded:
            arrays = {key: loaded[key] for key in loaded.files}
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise malformed(path, error) from error
    return _from_mapping(arrays, str(path), x_key, y_key)


def _from_mapping(arrays: Mapping[str, Array], source: str, x_key: str, y_key: str) -> Dataset:
    if x_key in arrays:
        inputs = [arrays[x_key]]
    else:
        numbered = [f"{x_key}_{number}" for number in range(len(arrays))]
        inputs = [arrays[key] for key in numbered if key in arrays]
    found = ", ".join(sorted(arrays)) or "nothing"
    if not inputs:
        raise DataError(
            f"a data set has its inputs as {x_key!r}, or as {x_key + '_0'!r}, {x_key + '_1'!r} ...",
            f"{source}: it has {found}",
            "name the inputs with --x-key",
        )
    if y_key not in arrays and y_key != "y":
        raise DataError(f"a data set has its labels as {y_key!r}", f"{source}: it has {found}", "correct --y-key")
    return _dataset(inputs, arrays.get(y_key), source)


def _from_function(source: str) -> Dataset:
    """Calls the user's function; it returns a Dataset, a mapping like a .npz, (x, y) or x."""
    module, _, name = source.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            "module:function names a function that can be imported",
            f"{source}: {error}",
            "check the name, or add its folder to PYTHONPATH",
        ) from error
    finally:
        sys.path.remove(os.getcwd())
    result = function()
    if isinstance(result, Dataset):
        return result
    if isinstance(result, Mapping):
        return _from_mapping({key: np.asarray(value) for key, value in result.items()}, source, "x", "y")
    x, y = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    return _dataset([np.asarray(x)], None if y is None else np.asarray(y), source)


def _dataset(inputs: Sequence[Array], labels: Array | None, source: str) -> Dataset:
    """Checks what needs no model: numbers, at least one sample, equal counts."""
    faults = []
    for number, values in enumerate(inputs):
        if values.dtype.kind not in "iufb" or values.ndim < 1:
            faults.append(
                Fault(
                    "inputs are arrays of numbers [N, ...]",
                    f"{source}: input {number} is {values.dtype} {list(values.shape)}",
                    "save numbers",
                )
            )
        elif len(values) == 0:
            faults.append(
                Fault("a data set has at least one sample", f"{source}: input {number} has none", "add samples")
            )
    counts = {values.shape[0] if values.ndim else 0 for values in inputs}
    if len(counts) > 1:
        faults.append(Fault("all inputs have the same number of samples", f"{source}: {sorted(counts)}", ""))
    if labels is not None and (labels.ndim < 1 or len(labels) != max(counts)):
        found = len(labels) if labels.ndim else "a single value"
        faults.append(
            Fault(
                "there is one label per sample",
                f"{source}: {max(counts)} samples, {found} labels",
                "save x and y in the same order and number",
            )
        )
    if faults:
        raise DataError.of(faults)
    return Dataset(tuple(inputs), labels, source)


def quantize_array(values: Array, scale: float, zero_point: int, dtype: npt.DTypeLike) -> npt.NDArray[np.integer[Any]]:
    """clamp(round_half_away_from_zero(float32(values) / float32(scale)) + zero_point) as `dtype`, shape kept.

    The quotient is float32 and rounded as C's roundf does, so the helper in model.h gives the same bytes.
    """
    limits = np.iinfo(np.dtype(dtype))
    quotient = (values.astype(np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient) + zero_point
    quantised: npt.NDArray[np.integer[Any]] = np.clip(rounded, limits.min, limits.max).astype(dtype)
    return quantised


def to_model_input(values: Array, tensor: Tensor) -> Array:
    """`values` [...] or [N, ...] as the model's input type: its own integers as they are, real values quantised."""
    own = np.dtype(tensor.dtype)
    if values.dtype == own and tensor.dtype in ("int8", "int16"):
        return values
    if not tensor.quantized:
        return values.astype(own)
    return quantize_array(values, tensor.scale, tensor.zero_point, own)
