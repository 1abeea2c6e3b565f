# SPDX-License-Identifier: Apache-2.0
"""From a float model and representative data to a full-integer .tflite.

A float .tflite takes the light path (LiteRT and litert-quantizer), Keras files and SavedModels go through TensorFlow's
converter in a child process; the ranges are chosen here for both. An integer .tflite passes through as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.autocalibrate import Tried, calibrate_auto
from tinyq_deploy.calibrate import Calibration, activations, collect
from tinyq_deploy.calibration_checks import calibration_warnings
from tinyq_deploy.calibrators import CALIBRATORS, MinMax, Range
from tinyq_deploy.contract import contract_faults
from tinyq_deploy.cures.equalize import Equalized
from tinyq_deploy.cures.equalize import equalize as equalize_layers
from tinyq_deploy.data_check import check_data, shaped
from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import DataError, Fault, ModelError, UsageError
from tinyq_deploy.flatbuffer import graph_of, parse, text, type_name
from tinyq_deploy.freeze import freeze
from tinyq_deploy.graph import Tensor
from tinyq_deploy.load import Kind, identify, read_model
from tinyq_deploy.quantizers import Quantizer
from tinyq_deploy.recipe import AUTO, DEFAULT, Recipe
from tinyq_deploy.rewrites import rewritten


@dataclass(frozen=True)
class _Source:
    path: Path
    kind: Kind


@dataclass(frozen=True)
class QuantizeReport:
    """How a model was quantised. `ranges` are the activations' real ranges by tensor label of the float model;
    `backend`, `reader` and `runtime` name what did it, empty where the model passed through; `samples` counts the
    representative data; `tried` has every method that `auto` compared, `equalized` the layers whose
    channels were balanced; `warnings` says what looked odd."""

    source: Kind
    method: str = ""
    precision: str = ""
    backend: str = ""
    reader: str = ""
    runtime: str = ""
    samples: int = 0
    ranges: tuple[tuple[str, Range], ...] = ()
    tried: tuple[Tried, ...] = ()
    equalized: tuple[Equalized, ...] = ()
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class QuantizeResult:
    """An integer .tflite, the float .tflite it was made from (None where the model passed through), the report."""

    tflite: bytes
    float_tflite: bytes | None
    report: QuantizeReport


def quantize(
    model_path: Path,
    representative: Dataset | None,
    recipe: Recipe = DEFAULT,
    *,
    trust_model: bool = False,
    runtime: str | None = None,
) -> QuantizeResult:
    """A full-integer .tflite of the model at `model_path`.

    `representative`: real values as in training, needed for float models. `trust_model` allows formats that can run
    code from the file (Keras, SavedModel). `runtime` chooses the interpreter that calibrates; the result does not
    depend on it where all operators have reference kernels (the report's warnings say where not).
    Raises UsageError, ModelError or DataError.
    """
    kind = identify(model_path)
    _check_source(kind, model_path, representative is not None, trust_model)
    if kind is Kind.INTEGER_TFLITE:
        return QuantizeResult(read_model(model_path), None, QuantizeReport(kind))
    assert representative is not None
    source = _Source(model_path, kind)
    if kind is Kind.FLOAT_TFLITE:
        from tinyq_deploy.quantizers.litert import LiteRtQuantizer

        model = read_model(model_path)
        return _quantize(model, source, representative, LiteRtQuantizer(), recipe, runtime)
    from tinyq_deploy.quantizers.tensorflow import TensorFlowQuantizer

    with TensorFlowQuantizer() as quantizer:
        model = quantizer.convert(model_path, kind)
        return _quantize(model, source, representative, quantizer, recipe, runtime)


def require_trust(kind: Kind, path: Path, trust_model: bool) -> None:
    """Raises ModelError for a kind of file that can run code when it is read, unless the user trusts it."""
    if kind.needs_trust and not trust_model:
        raise ModelError(
            "models that can run code when they are read are opened only if you vouch for them",
            f"{path}: a {kind.value}",
            "pass --trust-model if you trust where it comes from, or export a float .tflite",
        )


def _check_source(kind: Kind, path: Path, has_data: bool, trust_model: bool) -> None:
    require_trust(kind, path, trust_model)
    if not has_data and kind is not Kind.INTEGER_TFLITE:
        raise UsageError(
            "a float model is quantised with representative data",
            f"{path}: a {kind.value}",
            "pass --representative-data DATA",
        )


def _quantize(
    model: bytes,
    source: _Source,
    representative: Dataset,
    quantizer: Quantizer,
    recipe: Recipe,
    runtime: str | None,
) -> QuantizeResult:
    """The common way of both back ends: freeze, rewrite, calibrate, quantise, assert the contract."""
    where = str(source.path)
    frozen = rewritten(freeze(model, where, runtime), recipe.precision, where)
    inputs = float_inputs(frozen)
    warnings = (*check_data(representative, inputs), *calibration_warnings(representative))
    _check_real(representative)
    arrays = [shaped(values, tensor) for values, tensor in zip(representative.inputs, inputs, strict=True)]
    equalized: tuple[Equalized, ...] = ()
    if recipe.equalize:
        frozen, equalized = equalize_layers(frozen, collect(frozen, arrays, MinMax(), runtime).ranges)
    method, calibration, tried = _calibrated(frozen, arrays, quantizer, recipe, runtime)
    quantised = quantizer.quantize(frozen, calibration.ranges, recipe.precision)
    if faults := contract_faults(quantised, recipe.precision):
        raise ModelError.of([Fault(f.rule, f"{where}, after quantisation: {f.found}", f.hint) for f in faults])
    report = QuantizeReport(
        source=source.kind,
        method=method,
        precision=recipe.precision,
        backend=quantizer.name,
        reader=quantizer.reader,
        runtime=calibration.runtime,
        samples=len(representative),
        ranges=_labelled(frozen, calibration.ranges),
        tried=tried,
        equalized=equalized,
        warnings=(*warnings, *calibration.doubt),
    )
    return QuantizeResult(quantised, frozen, report)


def _calibrated(
    model: bytes, inputs: list[npt.NDArray[Any]], quantizer: Quantizer, recipe: Recipe, runtime: str | None
) -> tuple[str, Calibration, tuple[Tried, ...]]:
    """The method, its ranges, and what else was tried."""
    if recipe.calibrate == AUTO:
        return calibrate_auto(model, inputs, quantizer, recipe.precision, runtime)
    return recipe.calibrate, collect(model, inputs, CALIBRATORS[recipe.calibrate](), runtime), ()


def float_inputs(model: bytes) -> tuple[Tensor, ...]:
    """The inputs of a float .tflite as plain data, shapes as in the file."""
    graph = graph_of(parse(model, "the float model"))
    return tuple(
        Tensor(
            int(index),
            text(graph.tensors[index].name),
            tuple(int(size) for size in graph.tensors[index].shape),
            type_name(graph.tensors[index]).lower(),
        )
        for index in graph.inputs
    )


def _labelled(model: bytes, ranges: Mapping[int, Range]) -> tuple[tuple[str, Range], ...]:
    names = activations(model)
    return tuple((names[index], found) for index, found in sorted(ranges.items()))


def _check_real(representative: Dataset) -> None:
    """A float model is calibrated with real values; int8 or int16 arrays are some model's quantised inputs."""
    for number, values in enumerate(representative.inputs):
        if values.dtype in (np.int8, np.int16):
            raise DataError(
                "representative data are real values",
                f"{representative.source}: input {number} is {values.dtype}, which means already quantised",
                "save the values from before quantisation as float32 (or as uint8, if they are pixels)",
            )
