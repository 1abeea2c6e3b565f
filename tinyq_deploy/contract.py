# SPDX-License-Identifier: Apache-2.0
"""What every quantised model must be, checked on the file itself after every quantisation."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.errors import Fault
from tinyq_deploy.flatbuffer import ModelT, OperatorT, TensorT, graph_of, label, op_name, parse, type_name
from tinyq_deploy.quantizers.base import Precision
from tinyq_deploy.quantizers.constants import scales, uses

_INTEGERS = ("INT8", "INT16", "INT32", "INT64", "BOOL")


def contract_faults(model: bytes, precision: Precision) -> list[Fault]:
    """Every way in which a .tflite breaks the contract of full-integer models; empty when it keeps it."""
    tree = parse(model, "the quantised model")
    boundary = "INT16" if precision == "int16x8" else "INT8"
    faults = _tensor_faults(tree)
    for name, indices in (("input", graph_of(tree).inputs), ("output", graph_of(tree).outputs)):
        faults += _boundary_faults(tree, name, list(indices), boundary)
    for number, node in enumerate(graph_of(tree).operators or []):
        faults += _conversion_faults(tree, number, node)
    return faults + _bias_faults(tree)


def _tensor_faults(tree: ModelT) -> list[Fault]:
    """All tensors of all operators are integers."""
    faults, told = [], set()
    tensors = graph_of(tree).tensors
    for number, node in enumerate(graph_of(tree).operators or []):
        for index in (*node.inputs, *node.outputs):
            if index < 0 or index in told or type_name(tensors[index]) in _INTEGERS:
                continue
            told.add(index)
            found = f"{label(tensors[index], index)} of operator {number} ({op_name(tree, node)}) is "
            hint = "this operator has no integer form here: replace it"
            faults.append(Fault("every tensor is an integer", found + type_name(tensors[index]), hint))
    return faults


def _boundary_faults(tree: ModelT, name: str, indices: list[int], want: str) -> list[Fault]:
    """Inputs and outputs have the precision's type, a scale, and batch 1."""
    faults = []
    for index in indices:
        tensor = graph_of(tree).tensors[index]
        kind, shape = type_name(tensor), [int(size) for size in tensor.shape]
        if kind != want:
            faults.append(Fault(f"every {name} is {want}", f"{label(tensor, index)} is {kind}"))
        if shape[:1] != [1] or _is_open(tensor):
            faults.append(Fault(f"every {name} has batch 1", f"{label(tensor, index)} has shape {shape}"))
    return faults


def _is_open(tensor: TensorT) -> bool:
    signature = tensor.shapeSignature
    return signature is not None and bool((np.asarray(signature) < 0).any())


def _conversion_faults(tree: ModelT, number: int, node: OperatorT) -> list[Fault]:
    """QUANTIZE between int8 and int16 alone, DEQUANTIZE never."""
    name = op_name(tree, node)
    types = {type_name(graph_of(tree).tensors[index]) for index in (*node.inputs, *node.outputs)}
    if name == "DEQUANTIZE" or (name == "QUANTIZE" and not types <= {"INT8", "INT16"}):
        place = f"operator {number} ({name}) writes {label(graph_of(tree).tensors[node.outputs[0]], node.outputs[0])}"
        return [Fault("no conversion from or to real values inside", place, "quantise the model as a whole")]
    return []


def _bias_faults(tree: ModelT) -> list[Fault]:
    """Biases are 32 or 64 bits wide and their scale is input scale * weight scale, to float32 precision."""
    faults = []
    tensors = graph_of(tree).tensors
    for use in uses(tree):
        before, weights = scales(tensors[use.input]), scales(tensors[use.weights])
        if use.bias < 0 or before is None or weights is None:
            continue
        bias = tensors[use.bias]
        got = scales(bias)
        if type_name(bias) not in ("INT32", "INT64"):
            faults.append(Fault("biases are int32 or int64", f"{label(bias, use.bias)} is {type_name(bias)}"))
        elif got is None or got.shape != weights.shape or not np.allclose(got, before * weights, rtol=1e-5, atol=0):
            faults.append(Fault("a bias scale is input scale * weight scale", label(bias, use.bias)))
    return faults
