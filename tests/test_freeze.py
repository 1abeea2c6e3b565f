# SPDX-License-Identifier: Apache-2.0
"""Float models get fixed shapes; open batches that are computed at run time fold away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyq_deploy.errors import ModelError
from tinyq_deploy.flatbuffer import ModelT, graph_of, op_name, parse, serialise, set_constant
from tinyq_deploy.freeze import freeze
from tinyq_deploy.runtimes import find_runtime


def run(model: bytes, x: Any) -> bytes:
    interpreter = find_runtime().open(model)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    output: bytes = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes()
    return output


def load(digits: Path) -> ModelT:
    return parse((digits / "digits_float.tflite").read_bytes(), "digits")


def with_computed_shape(digits: Path) -> bytes:
    """The digits model with RESHAPE's target computed as [SHAPE(input)[0], 96], as open batches are exported."""
    from ai_edge_litert import schema_py_generated as schema

    tree = load(digits)
    graph = graph_of(tree)

    def tensor(name: str, values: list[int] | None, size: int) -> int:
        new = schema.TensorT()
        new.name, new.type, new.shape = name.encode(), schema.TensorType.INT32, [size] if size else []
        if values is not None:
            set_constant(tree, new, np.array(values, np.int32))
        graph.tensors.append(new)
        return len(graph.tensors) - 1

    def node(name: str, inputs: list[int], output: int, options: Any = None, kind: int = 0) -> Any:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        tree.operatorCodes.append(code)
        new = schema.OperatorT()
        new.opcodeIndex, new.inputs, new.outputs = len(tree.operatorCodes) - 1, inputs, [output]
        new.builtinOptions, new.builtinOptionsType = options, kind
        return new

    number = next(i for i, n in enumerate(graph.operators) if op_name(tree, n) == "RESHAPE")
    before = graph.operators[number].inputs[0]
    sizes, batch = tensor("sizes", None, 4), tensor("batch", None, 0)
    joined, rest = tensor("joined", None, 2), tensor("rest", [96], 0)
    begin, end, stride = tensor("begin", [0], 1), tensor("end", [1], 1), tensor("stride", [1], 1)
    shape_options, slice_options = schema.ShapeOptionsT(), schema.StridedSliceOptionsT()
    pack_options = schema.PackOptionsT()
    shape_options.outType, slice_options.shrinkAxisMask, pack_options.valuesCount = schema.TensorType.INT32, 1, 2
    options = schema.BuiltinOptions
    graph.operators[number:number] = [
        node("SHAPE", [before], sizes, shape_options, options.ShapeOptions),
        node("STRIDED_SLICE", [sizes, begin, end, stride], batch, slice_options, options.StridedSliceOptions),
        node("PACK", [batch, rest], joined, pack_options, options.PackOptions),
        node("RESHAPE", [before, joined], tensor("unused", None, 0)),
    ]
    graph.tensors[-1].type, graph.tensors[-1].shape = schema.TensorType.FLOAT32, [1, 96]
    graph.operators[number + 4].inputs = [before, joined]
    for index in (0, graph.outputs[0]):
        graph.tensors[index].shapeSignature = [-1, *graph.tensors[index].shape[1:]]
    return serialise(tree)


def test_shape_computations_fold_and_nothing_else_changes(digits: Path) -> None:
    model = with_computed_shape(digits)
    frozen = freeze(model, "model")
    tree = parse(frozen, "frozen")
    names = [op_name(tree, node) for node in graph_of(tree).operators]
    assert names == [op_name(load(digits), node) for node in graph_of(load(digits)).operators]
    x = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 1)).astype(np.float32)
    assert run(frozen, x) == run(model, x) == run((digits / "digits_float.tflite").read_bytes(), x)


def test_nothing_unused_is_left(digits: Path) -> None:
    tree, plain = parse(freeze(with_computed_shape(digits), "model"), "frozen"), load(digits)
    assert len(graph_of(tree).tensors) == len(graph_of(plain).tensors)
    assert len(tree.operatorCodes) == len(plain.operatorCodes)
    assert len(tree.buffers) <= len(plain.buffers)


def test_open_batches_are_closed(digits: Path) -> None:
    tree = parse(freeze(with_computed_shape(digits), "model"), "frozen")
    assert all(tensor.shapeSignature is None for tensor in graph_of(tree).tensors)


@pytest.mark.parametrize(
    ("shape", "signature"), [([4, 8, 8, 1], None), ([1, 8, 8, 1], [-1, -1, 8, 1]), ([1, 8, 8, 1], [1, 8, -1, 1])]
)
def test_other_batches_and_open_axes_are_refused(digits: Path, shape: list[int], signature: list[int] | None) -> None:
    tree = load(digits)
    graph_of(tree).tensors[0].shape, graph_of(tree).tensors[0].shapeSignature = shape, signature
    with pytest.raises(ModelError, match=r"digits: input tensor 0 'image' has shape \[(4|-1|1), "):
        freeze(serialise(tree), "digits")
