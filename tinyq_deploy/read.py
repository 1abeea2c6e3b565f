# SPDX-License-Identifier: Apache-2.0
"""Reads a .tflite flatbuffer into a Graph. The one module that knows the flatbuffer; it trusts no byte of it.

Source: the TFLite schema, version 3 (tensorflow/lite/schema/schema.fbs).
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.fold import shape_arithmetic
from tinyq_deploy.graph import INT4, NO_TENSOR, Graph, Node, Option, Quantization, Tensor
from tinyq_deploy.states import resolve
from tinyq_deploy.true_batches import with_true_batches

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
MOST_BYTES = 500_000_000
MOST_ITEMS = 100_000
# All lists of one file together: tables may share a list, so that a small file asks for endless reading.
MOST_ENTRIES = 1_000_000
MOST_NAME_BYTES = 50_000_000
MOST_INT4 = 1 << 27
MOST_DIMENSIONS = 8
MOST_OPERATORS = 20_000
MOST_SUBGRAPHS = 100
# Of a tensor that is computed; kernels index by int32, and the compiler's own memory stays bounded.
MOST_ELEMENTS = 1 << 24

_DAMAGED = "the file is truncated or damaged: convert or download it again"
_TOO_LARGE = "no microcontroller holds it"

# Types of the schema that are numpy's own. Others (int4, bfloat16) it knows only once another package has taught it.
_NUMPY_TYPES = frozenset(
    "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64 complex128".split()
)

# What flatbuffers' accessors raise when an offset leads outside the file or a number outside its type.
_DAMAGE = (struct.error, ValueError, TypeError, IndexError, OverflowError, AttributeError, UnicodeDecodeError)

_COMPRESSION = b"COMPRESSION_METADATA"

# Options whose numbers are enumerations of the schema, by their name there.
_ENUMERATIONS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "mode": "MirrorPadMode",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
}


def read(data: bytes, name: str) -> Graph:
    """The model in `data` as a Graph called `name`, with true batches and the values of shape arithmetic. Raises
    ModelError for anything that is not a sound model file."""
    from ai_edge_litert import schema_py_generated as schema

    if len(data) > MOST_BYTES:
        raise ModelError("a model file has at most 500 MB", f"{name}: {len(data):,} bytes", _TOO_LARGE)
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        found = f"{name}: {len(data):,} bytes that start with {data[:8].hex(' ') or 'nothing'}"
        raise ModelError("a .tflite file carries the identifier TFL3 in bytes 4 to 7", found, _DAMAGED)
    try:
        graph = _Reader(schema, data).graph(name)
    except _DAMAGE as error:
        raise ModelError(
            "every offset in a .tflite file leads inside it",
            f"{name}: {len(data):,} bytes, not all of which are there or right ({error})",
            _DAMAGED,
        ) from error
    return shape_arithmetic(with_true_batches(graph))


def snake_case(name: str) -> str:
    """strideW -> stride_w, dilationHFactor -> dilation_h_factor."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def enumeration(kind: type) -> dict[int, str]:
    """Value -> name of a generated enumeration class."""
    return {value: name for name, value in vars(kind).items() if isinstance(value, int)}


class _Reader:
    def __init__(self, schema: Any, data: bytes) -> None:
        self.schema = schema
        self.data = data
        self.model = schema.Model.GetRootAs(data, 0)
        self.types = {value: name.lower() for value, name in enumeration(schema.TensorType).items()}
        self.builtins = enumeration(schema.BuiltinOperator)
        self.options = enumeration(schema.BuiltinOptions)
        self.entries = 0
        self.name_bytes = 0
        self.int4 = 0

    def graph(self, name: str) -> Graph:
        if self.model.Version() != SCHEMA_VERSION:
            raise ModelError("the schema version is 3", f"version {self.model.Version()}", "convert the model again")
        count = self.model.SubgraphsLength()
        if count < 1:
            raise ModelError("a model has a subgraph", "0 subgraphs", _DAMAGED)
        self._limit("subgraphs", count, MOST_SUBGRAPHS)
        self._refuse_compression()
        self._limit("buffers", self.model.BuffersLength(), MOST_ITEMS)
        main = self.model.Subgraphs(0)
        variables = {i for i in range(main.TensorsLength()) if main.Tensors(i).IsVariable()}
        others = {i: self._subgraph(self.model.Subgraphs(i), f"{name}, subgraph {i}") for i in range(1, count)}
        return resolve(self._subgraph(main, name), variables, others)

    def _subgraph(self, table: Any, name: str) -> Graph:
        self._limit("tensors", table.TensorsLength(), MOST_ITEMS)
        self._limit("operators", table.OperatorsLength(), MOST_OPERATORS)
        nodes = tuple(self._node(table.Operators(i), i) for i in range(table.OperatorsLength()))
        inputs = self._indices(table.InputsLength, table.Inputs)
        outputs = self._indices(table.OutputsLength, table.Outputs)
        used = {*inputs, *outputs, *(index for node in nodes for index in (*node.inputs, *node.outputs))}
        tensors = tuple(self._tensor(table.Tensors(i), i, i in used) for i in range(table.TensorsLength()))
        graph = Graph(name, hashlib.sha256(self.data).hexdigest(), tensors, nodes, inputs, outputs)
        faults = list(_bad_indices(graph))
        if faults:
            raise ModelError.of(faults)
        return graph

    def _refuse_compression(self) -> None:
        """tflite-micro's compression keeps bits of an index where the tensor's type asks for values."""
        self._limit("metadata entries", self.model.MetadataLength(), MOST_ITEMS)
        names = (self.model.Metadata(i).Name() or b"" for i in range(self.model.MetadataLength()))
        if any(name == _COMPRESSION for name in names):
            found = f"metadata {_COMPRESSION.decode()}"
            raise ModelError("weights are stored uncompressed", found, "pass the model as it was before compression")

    @staticmethod
    def _limit(what: str, count: int, most: int) -> None:
        if count > most:
            raise ModelError(f"a model has at most {most:,} {what}", f"{count:,}", _TOO_LARGE)

    def _budget(self, count: int) -> None:
        self.entries += count
        self._limit("entries in all lists together", self.entries, MOST_ENTRIES)

    def _indices(self, length: Any, item: Any) -> tuple[int, ...]:
        self._budget(length())
        return tuple(int(item(i)) for i in range(length()))

    def _tensor(self, table: Any, index: int, used: bool) -> Tensor:
        """One tensor. Those that no node uses, such as the intermediate ones of an LSTM, may be empty."""
        name = self._name(table.Name() or b"")
        self._limit("dimensions in one tensor", table.ShapeLength(), MOST_DIMENSIONS)
        shape = self._indices(table.ShapeLength, table.Shape)
        dtype = self.types.get(table.Type(), f"type {table.Type()}")
        where = f"tensor {index} {name[:60]!r}"
        if any(extent < 1 for extent in shape):
            if not used:
                return Tensor(index, name, (0,), dtype)
            raise ModelError("every dimension is fixed and at least 1", f"{where}: shape {list(shape)}",
                             "fix the batch size and the input shape, then convert again")  # fmt: skip
        if math.prod(shape) > MOST_ELEMENTS:
            found = f"{where}: shape {list(shape)}, {math.prod(shape):,} elements"
            raise ModelError(f"a tensor has at most {MOST_ELEMENTS:,} elements", found, _TOO_LARGE)
        if table.Sparsity() is not None:
            raise ModelError("weights are stored densely", f"{where}: sparse", "convert it without sparsity")
        data = self._constant(table, shape, dtype, where)
        return Tensor(index, name, shape, dtype, self._quantization(table.Quantization(), where), data)

    def _name(self, raw: bytes) -> str:
        self.name_bytes += len(raw)
        self._limit("bytes of names", self.name_bytes, MOST_NAME_BYTES)
        return raw.decode("utf-8", "replace")

    def _constant(self, table: Any, shape: tuple[int, ...], dtype: str, where: str) -> npt.NDArray[np.generic] | None:
        if not 0 <= table.Buffer() < self.model.BuffersLength():
            found = f"{where}: buffer {table.Buffer()} of {self.model.BuffersLength()}"
            raise ModelError("a tensor's buffer exists", found, _DAMAGED)
        buffer = self.model.Buffers(table.Buffer())
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise ModelError(
                "weights are stored inside the flatbuffer", f"{where}: external buffer",
                "convert it to a single file of less than 2 GB",
            )  # fmt: skip
        if buffer.DataIsNone() or buffer.DataLength() == 0:
            return None
        raw = np.asarray(buffer.DataAsNumpy(), np.uint8)
        if dtype not in _NUMPY_TYPES and dtype != INT4:
            return _frozen(raw)
        kind, size = np.dtype(np.int8 if dtype == INT4 else dtype), math.prod(shape)
        if raw.size != (-(-size // 2) if dtype == INT4 else size * kind.itemsize):
            found = f"{where}: {raw.size} bytes for {dtype} {list(shape)}"
            raise ModelError("a constant has as many bytes as its shape asks for", found, _DAMAGED)
        raw = self._unpacked(raw, size) if dtype == INT4 else raw
        return _frozen(raw.view(kind.newbyteorder("<")).astype(kind, copy=False).reshape(shape))

    def _unpacked(self, raw: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
        """Copies, unlike all other constants, which are views: tensors may share a buffer."""
        self.int4 += size
        self._limit("int4 constants in all", self.int4, MOST_INT4)
        return unpacked_int4(raw, size)

    def _quantization(self, table: Any, where: str) -> Quantization | None:
        if table is None or table.ScaleLength() == 0:
            return None
        self._budget(table.ScaleLength() + table.ZeroPointLength())
        scales = tuple(float(table.Scale(i)) for i in range(table.ScaleLength()))
        bad = [scale for scale in scales if not (math.isfinite(scale) and scale > 0)]
        if bad:
            raise ModelError("scales are finite and above 0", f"{where}: scale {bad[0]}", "convert the model again")
        points = tuple(int(table.ZeroPoint(i)) for i in range(table.ZeroPointLength())) or (0,) * len(scales)
        return Quantization(scales, points, table.QuantizedDimension())

    def _node(self, table: Any, index: int) -> Node:
        if not 0 <= table.OpcodeIndex() < self.model.OperatorCodesLength():
            found = f"layer {index}: code {table.OpcodeIndex()} of {self.model.OperatorCodesLength()}"
            raise ModelError("a node's operator code exists", found, _DAMAGED)
        code = self.model.OperatorCodes(table.OpcodeIndex())
        # Files older than schema 3a keep the code in the int8 field; both are written since, the larger one counts.
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        op = self.builtins.get(builtin, f"BUILTIN_{builtin}")
        if op == "CUSTOM":
            op = "CUSTOM:" + (code.CustomCode() or b"").decode("utf-8", "replace")[:60]
        return Node(
            index, op, code.Version(), self._indices(table.InputsLength, table.Inputs),
            self._indices(table.OutputsLength, table.Outputs), MappingProxyType(self._options(table)),
        )  # fmt: skip

    def _options(self, table: Any) -> dict[str, Option]:
        kind = self.options.get(table.BuiltinOptionsType(), "NONE")
        union = table.BuiltinOptions()
        if kind == "NONE" or union is None:
            return {}
        unpacked = getattr(self.schema, kind + "T").InitFromBuf(union.Bytes, union.Pos)
        found: dict[str, Option] = {}
        for name, value in vars(unpacked).items():
            if isinstance(value, (bool, int, float)):
                found[snake_case(name)] = self._named(snake_case(name), value)
            elif isinstance(value, bytes):
                found[snake_case(name)] = self._name(value)
        return found

    def _named(self, name: str, value: int | float | bool) -> Option:
        if name not in _ENUMERATIONS:
            return value
        names = enumeration(getattr(self.schema, _ENUMERATIONS[name]))
        return names.get(int(value), f"{_ENUMERATIONS[name]} {value}")


def unpacked_int4(packed: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """[size] numbers in -8..7 as bytes, from two a byte, the first in the lower four bits."""
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:size]
    return np.asarray((nibbles ^ 8) - np.uint8(8), np.uint8)  # modulo 256


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[np.generic]:
    array.flags.writeable = False
    return array


def _bad_indices(graph: Graph) -> Iterator[Fault]:
    """Tensor indices that lead nowhere, wherever the graph holds one."""
    count = len(graph.tensors)
    for what, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        yield from (_no_such_tensor(f"model {what}", i, count) for i in indices if not 0 <= i < count)
    for node in graph.nodes:
        where = f"layer {node.index} {node.op}"
        yield from (_no_such_tensor(where, i, count) for i in node.inputs if i != NO_TENSOR and not 0 <= i < count)
        yield from (_no_such_tensor(where, i, count) for i in node.outputs if not 0 <= i < count)


def _no_such_tensor(where: str, index: int, count: int) -> Fault:
    return Fault("a tensor index exists", f"{where}: tensor {index} of {count}", _DAMAGED)
