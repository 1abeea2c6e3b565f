# SPDX-License-Identifier: Apache-2.0
"""Whether a data set fits a model: faults raised all at once, doubts returned as warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.data import to_model_input
from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import DataError, Fault
from tinyq_deploy.graph import Tensor

Array = npt.NDArray[Any]
_CLIPPED_SHARE = 0.01


def check_data(dataset: Dataset, inputs: Sequence[Tensor], *, classes: int | None = None) -> tuple[Fault, ...]:
    """Raise DataError with every fault of `dataset` for a model with these inputs; return what looks odd.

    `classes` is the number of classes where the labels are class indices.
    """
    where = dataset.source
    if len(dataset.inputs) != len(inputs):
        raise DataError(
            "a data set has one array per model input",
            f"{where}: {len(dataset.inputs)} arrays, the model has {len(inputs)} inputs",
            "save them as x_0, x_1 ...",
        )
    faults, warnings = [], list(dataset.warnings)
    for number, (values, tensor) in enumerate(zip(dataset.inputs, inputs, strict=True)):
        place = f"{where}: input {number}"
        faults += _shape_faults(values, tensor, place) + _value_faults(values, place)
        if not faults:
            warnings += _range_warnings(values, tensor, place)
    faults += _label_faults(dataset.labels, classes, where)
    if faults:
        raise DataError.of(faults)
    return (*warnings, *_duplicate_warnings(dataset))


def shaped(values: Array, tensor: Tensor) -> Array:
    """`values` [N, ...] with the model's axes behind N; call `check_data` first."""
    return values.reshape(len(values), *tensor.shape[1:])


def fits(shape: Sequence[int], tensor: Tensor) -> bool:
    """Whether a sample of this shape is one for a model's input: equal shapes, a flat sample, or axes of length 1 more
    or less; not with any other order of axes."""
    want, got = tuple(tensor.shape[1:]), tuple(shape)
    squeezed = [tuple(size for size in shape if size != 1) for shape in (want, got)]
    return got == (int(np.prod(want, dtype=np.int64)),) or squeezed[0] == squeezed[1]


def _shape_faults(values: Array, tensor: Tensor, place: str) -> list[Fault]:
    want, got = tuple(tensor.shape[1:]), tuple(values.shape[1:])
    if fits(got, tensor):
        return []
    size = int(np.prod(want, dtype=np.int64))
    hint = f"each sample has {int(np.prod(got, dtype=np.int64))} values, the model takes {size}"
    if int(np.prod(got, dtype=np.int64)) == size:
        hint = "the count fits but the axes do not: transpose the samples to the model's layout"
    return [Fault("samples have the model's input shape", f"{place}: got {list(got)}, want {list(want)}", hint)]


def _value_faults(values: Array, place: str) -> list[Fault]:
    if values.dtype.kind != "f":
        return []
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if bad.size == 0:
        return []
    return [
        Fault(
            "inputs are finite",
            f"{place}: NaN or infinity in {bad.size} samples, the first is {bad[0]}",
            "remove or repair those samples",
        )
    ]


def _range_warnings(values: Array, tensor: Tensor, place: str) -> list[Fault]:
    """Real values that do not look like what the model was calibrated with."""
    if tensor.dtype not in ("int8", "int16") or values.dtype == np.dtype(tensor.dtype):
        return []
    limits = np.iinfo(tensor.dtype)
    low, high = ((edge - tensor.zero_point) * tensor.scale for edge in (limits.min, limits.max))
    seen = float(values.min()), float(values.max())
    told = f"{place}: values {seen[0]:.4g} to {seen[1]:.4g}, the model's input spans {low:.4g} to {high:.4g}"
    if values.dtype.kind == "f" and seen[0] >= 0 and seen[1] <= 1 and high - low > 4:
        return [
            Fault(
                "inputs are scaled as in training",
                told,
                "they look like 0..1 where the model wants more: apply the training's preprocessing",
            )
        ]
    clipped = float(np.mean((values < low - tensor.scale) | (values > high + tensor.scale)))
    if clipped > _CLIPPED_SHARE:
        return [
            Fault(
                "inputs lie in the range the model was calibrated for",
                f"{told}: {clipped:.1%} are clipped",
                "apply the training's preprocessing, or calibrate with data like this",
            )
        ]
    return []


def _label_faults(labels: Array | None, classes: int | None, where: str) -> list[Fault]:
    if labels is None or classes is None or labels.dtype.kind not in "iu" or labels.ndim > 1:
        return []
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size == 0:
        return []
    return [
        Fault(
            f"labels are 0 to {classes - 1}",
            f"{where}: {wrong.size} are not, the first is {labels[wrong[0]]} of sample {wrong[0]}",
            "number the classes as the model's outputs",
        )
    ]


def _duplicate_warnings(dataset: Dataset) -> tuple[Fault, ...]:
    rows = {tuple(part.tobytes() for part in dataset.sample(number)) for number in range(len(dataset))}
    doubled = len(dataset) - len(rows)
    if doubled == 0:
        return ()
    return (
        Fault(
            "samples are distinct",
            f"{dataset.source}: {doubled} of {len(dataset)} repeat another",
            "remove them, or read the figures with care",
        ),
    )


def model_samples(data: Dataset, inputs: Sequence[Tensor], limit: int) -> list[tuple[Array, ...]]:
    """The first `limit` samples (0: all) as the model's own input types."""
    count = min(len(data), limit) if limit else len(data)
    pairs = zip(data.inputs, inputs, strict=True)
    arrays = [to_model_input(shaped(values[:count], tensor), tensor) for values, tensor in pairs]
    return list(zip(*arrays, strict=True))


def class_labels(data: Dataset) -> Sequence[int] | None:
    """Class labels [N], None where the data set has none or they are something else."""
    labels = data.labels
    return labels.tolist() if labels is not None and labels.ndim == 1 and labels.dtype.kind in "iu" else None
