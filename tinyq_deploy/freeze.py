# SPDX-License-Identifier: Apache-2.0
"""A float .tflite with every shape fixed at batch 1, before it is quantised.

Converters that leave the batch open write -1 into `shape_signature` and compute shapes at run time (SHAPE,
STRIDED_SLICE, PACK); with batch 1 those are constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.flatbuffer import (
    ModelT,
    OperatorT,
    constant,
    graph_of,
    has_variables,
    label,
    op_name,
    parse,
    serialise,
    set_constant,
    type_name,
    with_outputs,
)
from tinyq_deploy.runtimes import find_runtime


def freeze(model: bytes, where: str, runtime: str | None = None) -> bytes:
    """`model` with fixed shapes and without operators that only compute shapes.

    Raises ModelError naming the inputs whose batch is not 1 or whose other axes are open.
    """
    tree = parse(model, where)
    if has_variables(tree):
        raise ModelError(
            "a model to quantise keeps no state",
            f"{where}: it has resource variables",
            "quantise it with TensorFlow's converter and pass the int8 .tflite",
        )
    _check_inputs(tree, where)
    if any(op_name(tree, node) == "SHAPE" for node in graph_of(tree).operators or []):
        _fold_shapes(tree, model, runtime)
        _drop_dead(tree)
        _renumber(tree)
    for tensor in graph_of(tree).tensors:
        tensor.shapeSignature = None
    return serialise(tree)


def _check_inputs(tree: ModelT, where: str) -> None:
    faults = []
    for index in graph_of(tree).inputs:
        tensor = graph_of(tree).tensors[index]
        shape = [int(size) for size in tensor.shape]
        signature = [int(size) for size in tensor.shapeSignature] if tensor.shapeSignature is not None else shape
        if not shape or shape[0] != 1 or any(size < 1 for size in signature[1:]):
            found = f"{where}: input {label(tensor, index)} has shape {signature}"
            faults.append(Fault("inputs have batch 1 and fixed shapes", found, "export the model with batch size 1"))
    if faults:
        raise ModelError.of(faults)


def _fold_shapes(tree: ModelT, model: bytes, runtime: str | None) -> None:
    """Replace integer tensors that depend on shapes and constants alone by what they evaluate to."""
    graph = graph_of(tree)
    computed = [int(index) for node in graph.operators for index in node.outputs]
    interpreter = find_runtime(runtime).open(with_outputs(model, computed))
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    kept = []
    for node in graph.operators:
        if not _is_static(tree, node):
            kept.append(node)
            continue
        for index in node.outputs:
            values = np.asarray(interpreter.get_tensor(index))
            set_constant(tree, graph.tensors[index], values)
            graph.tensors[index].shape = list(values.shape)
    graph.operators = kept
    _take_shapes(tree, interpreter)


def _is_static(tree: ModelT, node: OperatorT) -> bool:
    tensors = graph_of(tree).tensors
    if any(type_name(tensors[index]) not in ("INT32", "INT64") for index in node.outputs):
        return False
    known = all(index < 0 or constant(tree, tensors[index]) is not None for index in node.inputs)
    return known or op_name(tree, node) == "SHAPE"


def _take_shapes(tree: ModelT, interpreter: Any) -> None:
    """Activations get the shapes the interpreter worked out; the file may hold placeholders."""
    tensors = graph_of(tree).tensors
    for detail in interpreter.get_tensor_details():
        if detail["index"] < len(tensors) and constant(tree, tensors[detail["index"]]) is None:
            tensors[detail["index"]].shape = [int(size) for size in detail["shape"]]


def _drop_dead(tree: ModelT) -> None:
    """Remove operators whose results nobody uses any more, from the last to the first."""
    graph = graph_of(tree)
    needed, kept = set(graph.outputs), []
    for node in reversed(graph.operators):
        if needed & set(node.outputs):
            kept.append(node)
            needed |= set(node.inputs)
    graph.operators = kept[::-1]


def _renumber(tree: ModelT) -> None:
    """Leave out the tensors that no operator refers to."""
    graph = graph_of(tree)
    used = {*graph.inputs, *graph.outputs, *(i for n in graph.operators for i in (*n.inputs, *n.outputs))}
    tensors = {old: new for new, old in enumerate(sorted(int(i) for i in used if i >= 0))}
    graph.tensors = [graph.tensors[old] for old in tensors]
    for node in graph.operators:
        node.inputs = [tensors.get(int(i), -1) for i in node.inputs]
        node.outputs = [tensors[int(i)] for i in node.outputs]
    graph.inputs, graph.outputs = ([tensors[int(i)] for i in places] for places in (graph.inputs, graph.outputs))
    for signature in tree.signatureDefs or []:
        for place in (*(signature.inputs or []), *(signature.outputs or [])):
            place.tensorIndex = tensors[int(place.tensorIndex)]
