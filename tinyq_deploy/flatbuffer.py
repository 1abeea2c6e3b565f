# SPDX-License-Identifier: Apache-2.0
"""A .tflite file as a mutable object tree, for the steps that edit one (loading and quantisation).

The schema is ai_edge_litert's generated one; nothing here interprets a model. Compilation reads models with read.py,
which gives frozen data instead. Schema: tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.errors import ModelError

# ModelT, SubGraphT, TensorT and OperatorT of the generated schema carry no types of their own.
ModelT = Any
SubGraphT = Any
TensorT = Any
OperatorT = Any

IDENTIFIER = b"TFL3"
_DAMAGE = (struct.error, ValueError, TypeError, IndexError, AttributeError, KeyError, OverflowError, MemoryError)
_NUMPY_TYPES = {
    "FLOAT32": "float32", "FLOAT16": "float16", "FLOAT64": "float64", "INT8": "int8", "INT16": "int16",
    "INT32": "int32", "INT64": "int64", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "BOOL": "bool",
}  # fmt: skip


@cache
def _names(kind: str) -> dict[int, str]:
    """The names of a schema enumeration ("BuiltinOperator", "TensorType") by value."""
    from ai_edge_litert import schema_py_generated

    values = vars(getattr(schema_py_generated, kind))
    return {value: name for name, value in values.items() if isinstance(value, int)}


def parse(data: bytes, where: str) -> ModelT:
    """The object tree of a .tflite file, with operator codes normalised.

    Data outside the flatbuffer proper (files over 2 GB) is resolved. Raises ModelError naming `where` when the file
    is truncated or damaged, or holds no subgraph or some that CALL_ONCE does not name.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    try:
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(data))
        graphs = len(model.subgraphs)
        normalise(model)
        for graph in model.subgraphs:
            _check_indices(model, graph)
        single = graphs == 1 or (graphs > 1 and _called_once(model) >= set(range(1, graphs)))
    except _DAMAGE as error:
        raise ModelError(
            "a .tflite file is complete and undamaged",
            f"{where}: {len(data)} bytes that do not parse ({type(error).__name__}: {error})",
            "copy or convert the file again",
        ) from error
    if not single:
        raise ModelError(
            "a model has exactly one subgraph, and those that CALL_ONCE names",
            f"{where}: {graphs} subgraphs",
            "convert it without control flow (no while, if or call)",
        )
    return model


def normalise(model: ModelT) -> None:
    """Make both operator code fields say the same.

    Files from writers older than schema 3a keep the code in `deprecated_builtin_code` alone, newer ones may keep it
    in `builtin_code` alone; a reader of one field then takes code 0, which is ADD. Codes above 127 (the limit of the
    old field, an int8) keep its place holder 127.
    """
    for entry in model.operatorCodes or []:
        code = max(entry.builtinCode, entry.deprecatedBuiltinCode)
        entry.builtinCode = code
        entry.deprecatedBuiltinCode = min(code, 127)
        entry.version = max(entry.version, 1)


def _called_once(model: ModelT) -> set[int]:
    """The subgraphs that initialise the variables of the first one."""
    calls = [node for node in graph_of(model).operators or [] if op_name(model, node) == "CALL_ONCE"]
    return {int(node.builtinOptions.initSubgraphIndex) for node in calls if node.builtinOptions is not None}


def _check_indices(model: ModelT, graph: SubGraphT) -> None:
    """Every tensor, buffer and operator code named exists; a flatbuffer does not promise that itself."""
    count, codes = len(graph.tensors), len(model.operatorCodes or [])
    used = [index for node in graph.operators or [] for index in (*node.inputs, *node.outputs)]
    for index in (*graph.inputs, *graph.outputs, *used):
        if not -1 <= index < count:
            raise IndexError(f"tensor {index} of {count}")
    for node in graph.operators or []:
        if not 0 <= node.opcodeIndex < codes:
            raise IndexError(f"operator code {node.opcodeIndex} of {codes}")
    for tensor in graph.tensors:
        if not 0 <= tensor.buffer < len(model.buffers):
            raise IndexError(f"buffer {tensor.buffer} of {len(model.buffers)}")


def serialise(model: ModelT) -> bytes:
    """The bytes of the object tree as a .tflite file, without buffers and operator codes that nothing refers to."""
    from ai_edge_litert.tools import flatbuffer_utils

    _drop_unused_buffers(model)
    _drop_unused_codes(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _drop_unused_buffers(model: ModelT) -> None:
    """Buffer 0 stays: by convention it is empty, and activations refer to it."""
    users = [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *(model.metadata or [])]
    kept = sorted({0, *(int(user.buffer) for user in users)})
    place = {old: new for new, old in enumerate(kept)}
    model.buffers = [model.buffers[old] for old in kept]
    for user in users:
        user.buffer = place[int(user.buffer)]


def _drop_unused_codes(model: ModelT) -> None:
    """Interpreters refuse a file for an operator that they lack even where no node is one."""
    nodes = [node for graph in model.subgraphs for node in graph.operators or []]
    kept = sorted({int(node.opcodeIndex) for node in nodes})
    place = {old: new for new, old in enumerate(kept)}
    model.operatorCodes = [model.operatorCodes[old] for old in kept]
    for node in nodes:
        node.opcodeIndex = place[int(node.opcodeIndex)]


def graph_of(model: ModelT) -> SubGraphT:
    """The subgraph that is the model; others only initialise its variables."""
    return model.subgraphs[0]


def has_variables(model: ModelT) -> bool:
    """Whether operators of the model share memory that none of them alone holds."""
    return any(op_name(model, node) in ("VAR_HANDLE", "CALL_ONCE") for node in graph_of(model).operators or [])


def with_outputs(model: bytes, indices: Iterable[int]) -> bytes:
    """The model with these activations as further outputs, so that an interpreter keeps their values.

    Interpreters let an operator write over its input; tflite_runtime 2.14 does so for ADD even when it is asked to
    preserve all tensors. An output is never written over.
    """
    tree = parse(model, "the model")
    graph = graph_of(tree)
    known = {*map(int, graph.inputs), *map(int, graph.outputs)}
    graph.outputs = [*graph.outputs, *(index for index in indices if index not in known)]
    tree.signatureDefs = None
    return serialise(tree)


def type_name(tensor: TensorT) -> str:
    """The schema's name of the element type, e.g. "INT8"."""
    return _names("TensorType").get(tensor.type, f"type {tensor.type}")


def op_name(model: ModelT, node: OperatorT) -> str:
    """The builtin operator's name; a custom operator's is "CUSTOM:<its own name>"."""
    entry = model.operatorCodes[node.opcodeIndex]
    name = _names("BuiltinOperator").get(entry.builtinCode, f"operator {entry.builtinCode}")
    return f"CUSTOM:{text(entry.customCode)}" if name == "CUSTOM" else name


def text(raw: bytes | str | None) -> str:
    """A name from a model, printable: names are raw bytes, UTF-8 or not."""
    decoded = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
    return "".join(char if char.isprintable() else "?" for char in decoded)


def label(tensor: TensorT, index: int) -> str:
    """A tensor as messages name it: its index and its name, cut to 80 characters."""
    name = text(tensor.name)
    return f"tensor {index} {name[:80]!r}"


def constant(model: ModelT, tensor: TensorT) -> npt.NDArray[Any] | None:
    """The data of a constant tensor in its shape, None for an activation. Raises ModelError on a wrong size."""
    raw = model.buffers[tensor.buffer].data
    if raw is None or len(raw) == 0:
        return None
    kind = type_name(tensor)
    flat = np.frombuffer(bytes(raw), _NUMPY_TYPES.get(kind, "uint8"))
    shape = tuple(int(size) for size in tensor.shape) if tensor.shape is not None else ()
    if kind in _NUMPY_TYPES and flat.size != int(np.prod(shape, dtype=np.int64)):
        raise ModelError(
            "a constant has as many elements as its shape says",
            f"{text(tensor.name)!r}: {flat.size} elements, shape {list(shape)}",
            "convert the model again",
        )
    return flat.reshape(shape) if kind in _NUMPY_TYPES else flat


def set_constant(model: ModelT, tensor: TensorT, values: npt.NDArray[Any]) -> None:
    """Give a tensor new data in a buffer of its own (another tensor may share the old one)."""
    from ai_edge_litert import schema_py_generated

    buffer = schema_py_generated.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer = len(model.buffers) - 1
