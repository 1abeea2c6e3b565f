# SPDX-License-Identifier: Apache-2.0
"""Small .tflite files from a description: tensors with quantisation, constants, operators with options.

`tree` gives the object tree, for tests that break something in it; `pack` its bytes; `model` both at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Shape = tuple[int, ...]
Option = int | float | bool | str

_OPTIONS = {
    "ABS": "AbsOptions",
    "ADD": "AddOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "CALL_ONCE": "CallOnceOptions",
    "VAR_HANDLE": "VarHandleOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "BROADCAST_TO": "BroadcastToOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "DIV": "DivOptions",
    "EQUAL": "EqualOptions",
    "EXP": "ExpOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "GATHER_ND": "GatherNdOptions",
    "GELU": "GeluOptions",
    "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
    "HARD_SWISH": "HardSwishOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "LESS": "LessOptions",
    "LESS_EQUAL": "LessEqualOptions",
    "LOGICAL_AND": "LogicalAndOptions",
    "LOGICAL_NOT": "LogicalNotOptions",
    "LOGICAL_OR": "LogicalOrOptions",
    "LOG_SOFTMAX": "LogSoftmaxOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "MUL": "MulOptions",
    "NEG": "NegOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "PACK": "PackOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SELECT": "SelectOptions",
    "SELECT_V2": "SelectV2Options",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SHAPE": "ShapeOptions",
    "SLICE": "SliceOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SUM": "ReducerOptions",
    "SVDF": "SVDFOptions",
    "TILE": "TileOptions",
    "TRANSPOSE": "TransposeOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "UNPACK": "UnpackOptions",
}
_ENUMERATIONS = {
    "padding": schema.Padding,
    "fused_activation_function": schema.ActivationFunctionType,
    "mode": schema.MirrorPadMode,
    "weights_format": schema.FullyConnectedOptionsWeightsFormat,
}


@dataclass(frozen=True, eq=False)
class T:
    """A tensor. No scale: not quantised. `data` makes it a constant."""

    shape: Shape
    scale: float | Sequence[float] | None = None
    zero_point: int | Sequence[int] = 0
    dtype: str = "int8"
    data: npt.NDArray[Any] | None = None
    axis: int = 0
    name: str | bytes | None = None
    variable: bool = False


@dataclass(frozen=True, eq=False)
class Op:
    """An operator on tensor numbers, -1 for an input left out. `options` None: the union is empty."""

    name: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Mapping[str, Option] | None = field(default_factory=dict)
    version: int = 1


def constant(values: npt.ArrayLike, scale: float | Sequence[float] | None = None, *, dtype: str = "int8", axis: int = 0,
             zero_point: int | Sequence[int] | None = None) -> T:  # fmt: skip
    """A constant of these values; zero points are 0 unless given."""
    data = np.asarray(values, "int8" if dtype == "int4" else dtype)
    count = 1 if scale is None or np.isscalar(scale) else len(scale)  # type: ignore[arg-type]
    return T(data.shape, scale, [0] * count if zero_point is None else zero_point, dtype, data, axis)


Subgraph = tuple[Sequence[T], Sequence[Op]]


def model(tensors: Sequence[T], ops: Sequence[Op], inputs: Sequence[int], outputs: Sequence[int],
          others: Sequence[Subgraph] = ()) -> bytes:  # fmt: skip
    """The bytes of a .tflite; `others` are further subgraphs, without inputs and outputs."""
    return pack(tree(tensors, ops, inputs, outputs, others))


def tree(tensors: Sequence[T], ops: Sequence[Op], inputs: Sequence[int], outputs: Sequence[int],
         others: Sequence[Subgraph] = ()) -> Any:  # fmt: skip
    """The same as an object tree (ModelT of the generated schema)."""
    made = schema.ModelT()
    made.version = 3
    made.description = "a test"
    made.buffers = [schema.BufferT()]
    every = [*ops, *(op for _, more in others for op in more)]
    names = list(dict.fromkeys(op.name for op in every))
    made.operatorCodes = [_code(name, max(op.version for op in every if op.name == name)) for name in names]
    graph = _subgraph(made, tensors, ops, names)
    graph.inputs, graph.outputs = list(inputs), list(outputs)
    made.subgraphs = [graph, *(_subgraph(made, *other, names) for other in others)]
    return made


def _subgraph(made: Any, tensors: Sequence[T], ops: Sequence[Op], names: list[str]) -> Any:
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(made, tensor, index) for index, tensor in enumerate(tensors)]
    graph.operators = [_operator(op, names.index(op.name)) for op in ops]
    graph.inputs, graph.outputs = [], []
    return graph


def packed_int4(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Two numbers a byte, the first in the lower half, as the format has them."""
    flat = [int(value) & 15 for value in values.reshape(-1)] + [0] * (values.size % 2)
    return np.array([low | high << 4 for low, high in zip(flat[::2], flat[1::2], strict=True)], np.uint8)


def pack(made: Any) -> bytes:
    """An object tree as the bytes of a file."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(name: str, version: int) -> Any:
    code = schema.OperatorCodeT()
    number = getattr(schema.BuiltinOperator, name)
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = version
    return code


def _tensor(made: Any, tensor: T, index: int) -> Any:
    entry = schema.TensorT()
    entry.name = f"t{index}" if tensor.name is None else tensor.name
    entry.shape = list(tensor.shape)
    entry.type = getattr(schema.TensorType, tensor.dtype.upper())
    entry.buffer = 0
    entry.isVariable = tensor.variable
    if tensor.scale is not None:
        quantization = schema.QuantizationParametersT()
        quantization.scale = np.atleast_1d(np.asarray(tensor.scale, np.float32))
        quantization.zeroPoint = np.atleast_1d(np.asarray(tensor.zero_point, np.int64))
        quantization.quantizedDimension = tensor.axis
        entry.quantization = quantization
    if tensor.data is not None:
        buffer = schema.BufferT()
        data = packed_int4(tensor.data) if tensor.dtype == "int4" else np.ascontiguousarray(tensor.data)
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        made.buffers.append(buffer)
        entry.buffer = len(made.buffers) - 1
    return entry


def _operator(op: Op, code: int) -> Any:
    entry = schema.OperatorT()
    entry.opcodeIndex = code
    entry.inputs, entry.outputs = list(op.inputs), list(op.outputs)
    kind = _OPTIONS.get(op.name)
    if kind is not None and op.options is not None:
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        entry.builtinOptions = getattr(schema, kind + "T")()
        for name, value in op.options.items():
            _set(entry.builtinOptions, name, value)
    return entry


def _set(options: Any, name: str, value: Option) -> None:
    """stride_w -> strideW; dilation_h_factor -> dilationHFactor; enumerations by name."""
    first, *rest = name.split("_")
    attribute = first + "".join(part.capitalize() for part in rest)
    assert hasattr(options, attribute), f"{type(options).__name__} has no {attribute}"
    named = isinstance(value, str) and name in _ENUMERATIONS
    setattr(options, attribute, getattr(_ENUMERATIONS[name], value) if named else value)
