# SPDX-License-Identifier: Apache-2.0
"""The contract of full-integer models names the tensor and the operator that break it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy.contract import contract_faults
from tinyq_deploy.data import load_data
from tinyq_deploy.flatbuffer import ModelT, graph_of, parse, serialise, set_constant
from tinyq_deploy.quantize import quantize


@pytest.fixture(scope="module")
def integer(digits: Path) -> bytes:
    return quantize(digits / "digits_float.tflite", load_data(digits / "representative.npz")).tflite


def broken(model: bytes, change: Callable[[ModelT], None]) -> list[str]:
    tree = parse(model, "model")
    change(tree)
    return [f"{fault.rule}: {fault.found}" for fault in contract_faults(serialise(tree), "int8")]


def test_our_own_keeps_it(integer: bytes) -> None:
    assert contract_faults(integer, "int8") == []
    assert len(contract_faults(integer, "int16x8")) == 2  # the boundary is int8


def test_float_models_break_it_everywhere(digits: Path) -> None:
    faults = contract_faults((digits / "digits_float.tflite").read_bytes(), "int8")
    assert "tensor 0 'image' of operator 0 (CONV_2D) is FLOAT32" in faults[0].found
    assert len([fault for fault in faults if fault.rule == "every tensor is an integer"]) == 24


def test_open_and_other_batches(integer: bytes) -> None:
    def open_batch(tree: ModelT) -> None:
        graph_of(tree).tensors[0].shapeSignature = [-1, 8, 8, 1]

    def batch_of_two(tree: ModelT) -> None:
        graph_of(tree).tensors[24].shape = [2, 10]

    assert broken(integer, open_batch) == ["every input has batch 1: tensor 0 'image' has shape [1, 8, 8, 1]"]
    assert broken(integer, batch_of_two) == ["every output has batch 1: tensor 24 'Identity' has shape [2, 10]"]


def test_narrow_and_misscaled_biases(integer: bytes) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    def narrow(tree: ModelT) -> None:
        bias = graph_of(tree).tensors[13]
        bias.type = TensorType.INT8
        set_constant(tree, bias, np.zeros(24, np.int8))

    def misscaled(tree: ModelT) -> None:
        scale = np.array(graph_of(tree).tensors[13].quantization.scale)
        scale[3] *= 2
        graph_of(tree).tensors[13].quantization.scale = scale

    assert broken(integer, narrow)[0].startswith("biases are int32 or int64: tensor 13 ")
    assert broken(integer, misscaled)[0].startswith("a bias scale is input scale * weight scale: tensor 13 ")


def test_conversions_inside(integer: bytes) -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator, OperatorCodeT

    def dequantize(tree: ModelT) -> None:
        code = OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.DEQUANTIZE
        tree.operatorCodes.append(code)
        graph_of(tree).operators[-1].opcodeIndex = len(tree.operatorCodes) - 1

    assert "operator 10 (DEQUANTIZE) writes tensor 24 'Identity'" in broken(integer, dequantize)[0]
