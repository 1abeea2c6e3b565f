# SPDX-License-Identifier: Apache-2.0
"""How far an integer model computes what the float model it was made from does, on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.data import to_model_input
from tinyq_deploy.graph import Quantization, Tensor
from tinyq_deploy.runtimes import Interpreter, find_runtime

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Agreement:
    """`sqnr`: signal to quantisation noise of all outputs, dB. `same`: of `samples`, those with the same largest
    output; None where the model is no classifier (one output [1, C], C of 2 or more)."""

    samples: int
    sqnr: float
    same: int | None

    @property
    def share(self) -> float | None:
        """`same` as a share of the samples."""
        return None if self.same is None else self.same / self.samples


def outputs(model: bytes, inputs: Sequence[Array], runtime: str | None = None) -> list[Array]:
    """Real outputs float64 [N, ...] of a float or integer .tflite for real inputs, one array [N, ...] per input."""
    interpreter = find_runtime(runtime).open(model)
    given = [_quantised(values, detail) for values, detail in zip(inputs, interpreter.get_input_details(), strict=True)]
    rows = [_run(interpreter, sample) for sample in zip(*given, strict=True)]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def agreement(reference: Sequence[Array], other: Sequence[Array]) -> Agreement:
    """Compares what `outputs` gives for two models of the same outputs."""
    noise = sum(float(np.square(a - b).sum()) for a, b in zip(reference, other, strict=True))
    signal = sum(float(np.square(a).sum()) for a in reference)
    sqnr = float("inf") if noise == 0 else 10 * float(np.log10(max(signal, 1e-300) / noise))
    first = reference[0]
    classifies = len(reference) == 1 and first.ndim == 3 and first.shape[1] == 1 and first.shape[2] > 1
    same = int((first.argmax(-1) == other[0].argmax(-1)).sum()) if classifies else None
    return Agreement(len(first), sqnr, same)


def _quantised(values: Array, detail: dict[str, Any]) -> Array:
    """`values` in the input's own type, each sample with the model's shape."""
    scale, zero_point = detail["quantization"]
    quantization = Quantization((float(scale),), (int(zero_point),)) if scale else None
    shape = tuple(int(size) for size in detail["shape"])
    tensor = Tensor(detail["index"], "", shape, np.dtype(detail["dtype"]).name, quantization)
    return to_model_input(values, tensor).reshape(len(values), *shape)


def _run(interpreter: Interpreter, sample: Sequence[Array]) -> list[Array]:
    for detail, values in zip(interpreter.get_input_details(), sample, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [_real(interpreter.get_tensor(detail["index"]), detail) for detail in interpreter.get_output_details()]


def _real(values: Array, detail: dict[str, Any]) -> Array:
    scale, zero_point = detail["quantization"]
    wide = values.astype(np.float64)
    return (wide - zero_point) * scale if scale else wide
