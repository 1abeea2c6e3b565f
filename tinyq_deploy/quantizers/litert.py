# SPDX-License-Identifier: Apache-2.0
"""The light back end: litert-quantizer rewrites the graph, the integer constants are ours. No TensorFlow.

What litert-quantizer 0.11 gets wrong is mended here: it needs unique tensor names, it knows operators by one operator
code field only, its biases overflow on dead channels, it leaves operator versions at their float values.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from tinyq_deploy.calibrators.base import Range
from tinyq_deploy.errors import ModelError, UsageError
from tinyq_deploy.flatbuffer import ModelT, graph_of, op_name, parse, serialise
from tinyq_deploy.quantizers import constants
from tinyq_deploy.quantizers.base import Precision, Quantizer

# The lowest version of each operator that takes int8 tensors (per-channel weights included), as TensorFlow's
# converter writes it; operators not listed take int8 in version 1.
# Source: tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc.
_INT8_VERSIONS = {
    "ADD": 2, "AVERAGE_POOL_2D": 2, "BATCH_MATMUL": 2, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3,
    "EQUAL": 2, "FULLY_CONNECTED": 4, "GATHER": 2, "LOGISTIC": 2, "MAXIMUM": 2, "MAX_POOL_2D": 2, "MEAN": 2,
    "MUL": 2, "NOT_EQUAL": 2, "PACK": 2, "PAD": 2, "PADV2": 2, "RELU": 2, "RESIZE_BILINEAR": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2, "SLICE": 2, "SOFTMAX": 2, "SPACE_TO_DEPTH": 2, "SPLIT": 2, "STRIDED_SLICE": 2,
    "SUB": 2, "SUM": 2, "TANH": 2, "TRANSPOSE": 2, "TRANSPOSE_CONV": 2, "UNPACK": 2,
}  # fmt: skip
_FAILURES = (ValueError, RuntimeError, KeyError, IndexError, TypeError, AttributeError, NotImplementedError)


class LiteRtQuantizer(Quantizer):
    """litert-quantizer's graph rewriting with our constants."""

    def __init__(self) -> None:
        try:
            self.name = f"litert-quantizer {version('litert-quantizer')}"
        except PackageNotFoundError as error:
            raise UsageError(
                "quantising a float .tflite needs litert-quantizer",
                "the package is not installed",
                "pip install litert-quantizer==0.11.0",
            ) from error

    def quantize(self, model: bytes, ranges: Mapping[int, Range], precision: Precision) -> bytes:
        """See Quantizer.quantize."""
        original, work = parse(model, "the float model"), parse(model, "the float model")
        for index, tensor in enumerate(graph_of(work).tensors):
            tensor.name = _unique(index).encode()
        quantised = parse(_rewrite(serialise(work), ranges, precision), "litert-quantizer's output")
        _restore_names(quantised, original)
        constants.rewrite(quantised, original)
        _set_versions(quantised)
        return serialise(quantised)


def _unique(index: int) -> str:
    return f"t{index}"


def _rewrite(model: bytes, ranges: Mapping[int, Range], precision: Precision) -> bytes:
    """litert-quantizer's own output. Its Quantizer class would start an interpreter and print; its parts do not."""
    from litert_quantizer import model_modifier, params_generator
    from litert_quantizer.utils import tfl_flatbuffer_utils

    values = {
        _unique(index): {"min": np.array([[r.low]], np.float32), "max": np.array([[r.high]], np.float32)}
        for index, r in ranges.items()
    }
    try:
        tree = tfl_flatbuffer_utils.read_model(memoryview(bytearray(model)))
        with np.errstate(all="ignore"):  # its biases of dead channels overflow; constants.rewrite replaces them
            parameters = params_generator.ParamsGenerator(tree).generate_quantization_parameters(
                _recipe(precision), values, enable_progress_bar=False
            )
            return bytes(model_modifier.ModelModifier(tree).modify_model(parameters, enable_progress_bar=False))
    except _FAILURES as error:
        raise ModelError(
            "every operator of the model has an integer form",
            f"litert-quantizer: {type(error).__name__}: {str(error)[:300]}",
            "replace the operator, or quantise from the Keras model with TensorFlow",
        ) from error


def _recipe(precision: Precision) -> Any:
    """Static integer quantisation of every operator; one scale per fully-connected layer beside int16 activations,
    because CMSIS-NN has no per-channel fully-connected kernel for them."""
    from litert_quantizer import qtyping, recipe_manager

    names, granularity = qtyping.TFLOperationName, qtyping.QuantGranularity
    bits = 16 if precision == "int16x8" else 8
    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(".*", names.ALL_SUPPORTED, bits, 8)
    if precision == "int16x8":
        recipe.add_static_config(".*", names.FULLY_CONNECTED, bits, 8, granularity.TENSORWISE)
    return recipe


def _restore_names(quantised: ModelT, original: ModelT) -> None:
    tensors, named = graph_of(quantised).tensors, graph_of(original).tensors
    for tensor, source in zip(tensors, named, strict=False):
        tensor.name = source.name


def _set_versions(model: ModelT) -> None:
    for node in graph_of(model).operators or []:
        entry = model.operatorCodes[node.opcodeIndex]
        entry.version = max(entry.version, _INT8_VERSIONS.get(op_name(model, node), 1))
