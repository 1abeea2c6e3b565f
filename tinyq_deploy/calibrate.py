# SPDX-License-Identifier: Apache-2.0
"""Runs a float model on the representative data and shows every activation to a calibrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators import Calibrator, Range
from tinyq_deploy.errors import DataError, Fault, ModelError
from tinyq_deploy.flatbuffer import constant, graph_of, label, parse, with_outputs
from tinyq_deploy.runtimes import Interpreter, Runtime, find_runtime


@dataclass(frozen=True)
class Calibration:
    """`ranges` by tensor index; `runtime` names runtime, version and kernels; `doubt` is a warning where the runtime
    lacks a reference kernel, so that another runtime may give ranges that differ in the last places."""

    ranges: Mapping[int, Range]
    runtime: str
    doubt: tuple[Fault, ...] = ()


def collect(
    model: bytes, inputs: Sequence[npt.NDArray[Any]], calibrator: Calibrator, runtime: str | None = None
) -> Calibration:
    """The range of each float activation of a float .tflite.

    `inputs`: one array [N, ...] per model input, in order. Values are streamed: one sample is in memory at a time.
    Raises DataError when the model computes NaN or infinity, naming the sample and the tensor.
    """
    tensors = activations(model)
    interpreter, name, doubt = _open(find_runtime(runtime), with_outputs(model, tensors))
    details = interpreter.get_input_details()
    for number, sample in enumerate(zip(*inputs, strict=True)):
        for detail, values in zip(details, sample, strict=True):
            interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]).reshape(detail["shape"]))
        interpreter.invoke()
        _observe(interpreter, tensors, calibrator, number)
    return Calibration(calibrator.ranges(), name, doubt)


def _open(runtime: Runtime, model: bytes) -> tuple[Interpreter, str, tuple[Fault, ...]]:
    """Reference kernels, or the optimised ones where the runtime has no reference kernel for an operator."""
    name = f"{runtime.name} {runtime.version}"
    try:
        return runtime.open(model, reference=True), f"{name}, reference kernels", ()
    except ModelError as error:
        interpreter = runtime.open(model)
        found = error.faults[0].found.partition(". ")[0]
        doubt = Fault("ranges are the same from every runtime", found, "keep to one runtime for this model")
        return interpreter, f"{name}, optimised kernels", (doubt,)


def activations(model: bytes) -> dict[int, str]:
    """The float tensors of a .tflite that are no constants, with their labels. Interpreters add temporaries of
    their own behind the model's tensors; those are not among them."""
    from ai_edge_litert.schema_py_generated import TensorType

    tree = parse(model, "the float model")
    graph = graph_of(tree)
    used = {*graph.inputs, *graph.outputs, *(i for node in graph.operators or [] for i in node.outputs)}
    return {
        index: label(tensor, index)
        for index, tensor in enumerate(graph.tensors)
        if index in used and tensor.type == TensorType.FLOAT32 and constant(tree, tensor) is None
    }


def _observe(interpreter: Interpreter, tensors: Mapping[int, str], calibrator: Calibrator, sample: int) -> None:
    for index, name in tensors.items():
        values = interpreter.get_tensor(index)
        if not np.isfinite(values).all():
            raise DataError(
                "the float model computes finite values on the calibration data",
                f"sample {sample}: NaN or infinity in {name}",
                "check that sample and the model's weights",
            )
        calibrator.observe(index, values)
