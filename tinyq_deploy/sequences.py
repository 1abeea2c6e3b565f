# SPDX-License-Identifier: Apache-2.0
"""Data for a model that keeps a state: sequences of inputs, at each of whose starts it is reset.

`x` is [N, T, ...]: N sequences of T inputs, where ... is the model's input without its batch axis. An `x` without the
axis T, [N, ...], is one sequence of N inputs. `y` has a label for each input, [N, T] or [N], or for each sequence, [N]:
then a sequence is judged by its last output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.data_check import class_labels, fits, model_samples
from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import DataError
from tinyq_deploy.graph import Graph, Tensor

Label = int | None


@dataclass(frozen=True)
class Sequences:
    """A data set as one row of inputs, `each` of them for an index of axis 0. `length` of them are a sequence, 0 for a
    model that keeps no state; `labels` has one for each input, None where that has none, and is None where none has."""

    data: Dataset
    length: int
    labels: Sequence[Label] | None
    each: int = 1

    def samples(self, inputs: Sequence[Tensor], limit: int) -> list[tuple[npt.NDArray[Any], ...]]:
        """The inputs of the first `limit` indices of axis 0 (0: all) as the model's own types; check the data first."""
        return model_samples(self.data, inputs, limit * self.each)


def sequences(data: Dataset, graph: Graph) -> Sequences:
    """The sequences of a data set for a model. Raises DataError where its arrays disagree."""
    if not graph.states:
        return Sequences(data, 0, class_labels(data))
    lengths = [_length(values, tensor) for values, tensor in zip(data.inputs, graph.input_tensors(), strict=False)]
    if not any(lengths):
        return Sequences(data, len(data), class_labels(data))
    (length, *others) = lengths
    if length is None or length == 0 or any(other != length for other in others):
        shapes = ", ".join(str(list(values.shape)) for values in data.inputs)
        raise DataError(
            "all inputs of a model that keeps a state are [N, T, ...] with one T, or all are one sequence [N, ...]",
            f"{data.source}: {shapes}",
            "save the inputs of each sequence along axis 1",
        )
    flat = tuple(values.reshape(-1, *values.shape[2:]) for values in data.inputs)
    return Sequences(replace(data, inputs=flat, labels=None), length, _labels(data, length), length)


def _length(values: npt.NDArray[Any], tensor: Tensor) -> int | None:
    """T of [N, T, ...]; None where the array has no such axis."""
    if values.ndim > 2 and tuple(values.shape[2:]) == tuple(tensor.shape[1:]):
        return int(values.shape[1])
    flat = values.ndim > 2 and not fits(values.shape[1:], tensor) and fits(values.shape[2:], tensor)
    return int(values.shape[1]) if flat else None


def _labels(data: Dataset, length: int) -> Sequence[Label] | None:
    labels = data.labels
    if labels is not None and labels.shape[1:] == (length,) and labels.dtype.kind in "iu":
        return [int(label) for label in np.reshape(labels, -1)]
    ends = class_labels(data)
    if ends is None:
        return None
    return [label for end in ends for label in (*(None,) * (length - 1), end)]
