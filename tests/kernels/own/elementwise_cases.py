# SPDX-License-Identifier: Apache-2.0
"""Models of one node of the operators that do not multiply weights, large enough for whole vectors and their ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from models import Op, T, constant, model, pack

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ops"))

from ai_edge_litert import schema_py_generated as schema
from binary_cases import Pair, pair_model, shape_pairs

from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.unary import Unary

Shape = tuple[int, ...]


class Model(bytes):
    """A .tflite that a failing test need not print."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


lengths = st.sampled_from((1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 48)) | st.integers(1, 70)
few = st.integers(1, 5)
zeros = st.sampled_from((-128, 127, 0)) | st.integers(-128, 127)
seeds = st.integers(0, 1 << 16)
TABLES = ("HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "RELU", "TANH")


@st.composite
def operands(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Equal shapes, a channel's value for all pixels, a pixel's for all channels, one for all, and any other way."""
    pixels, channels = (draw(few), draw(few)), draw(lengths)
    full = (1, *pixels, channels)
    other = draw(st.sampled_from((full, (channels,), (1, 1, 1, channels), (1, *pixels, 1), (1, 1, 1, 1), (), None)))
    pair = draw(shape_pairs()) if other is None else (full, other)
    return pair if draw(st.booleans()) else (pair[1], pair[0])


@st.composite
def binaries(draw: st.DrawFn) -> bytes:
    """ADD, SUB and MUL with factors that make results spread, saturate or vanish."""
    op, shapes = draw(st.sampled_from(("ADD", "SUB", "MUL"))), draw(operands())
    first, second = (draw(st.floats(2.0**-9, 1, width=32)) for _ in range(2))
    spread = draw(st.sampled_from((0.3, 0.9, 1.0, 1.7, 2.0, 30.0, 1e-3, 300.0)))
    output = spread * (first * second * 127 if op == "MUL" else max(first, second))
    scales = (first, second, float(np.float32(output)))
    points = (draw(zeros), draw(zeros), draw(zeros))
    activation = draw(st.sampled_from(("NONE", "NONE", "RELU", "RELU6")))
    at = draw(st.sampled_from((None, 0, 1)))
    return pair_model(op, Pair(shapes, scales, points, activation, at, draw(seeds)))


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A function of one int8 of up to 200 elements."""
    op, size = draw(st.sampled_from(TABLES)), draw(st.integers(1, 200))
    assert issubclass(OPERATORS[op], Unary)
    fixed = (1 / 256, -128) if op == "LOGISTIC" else (1 / 128, 0) if op == "TANH" else (0.04, draw(zeros))
    options: dict[str, Any] = {"alpha": 0.2} if op == "LEAKY_RELU" else {}
    tensors = [T((1, size), 0.05, draw(zeros)), T((1, size), *fixed)]
    return model(tensors, [Op(op, [0], [1], options)], [0], [1])


@st.composite
def reductions(draw: st.DrawFn) -> bytes:
    """MEAN and SUM over any axes, of which one may be long."""
    rank, long = draw(st.integers(1, 4)), draw(st.sampled_from((1, 7, 16, 33, 300, 700)))
    shape = tuple(draw(st.sampled_from((1, 2, 3, 5))) for _ in range(rank))
    at = draw(st.integers(0, rank - 1))
    shape = (*shape[:at], long, *shape[at + 1 :])
    axes = tuple(sorted(draw(st.sets(st.integers(0, rank - 1), min_size=1))))
    output = np.zeros(shape).sum(axis=axes).shape
    ratio = draw(st.sampled_from((0.003, 0.1, 0.5, 1.0, 1.7, 2.0, 130.0)))
    tensors = [T(shape, 0.5, draw(zeros)), T(output, 0.5 / ratio, draw(zeros)), constant(axes, dtype="int32")]
    return model(tensors, [Op(draw(st.sampled_from(("MEAN", "SUM"))), [0, 2], [1], {"keep_dims": False}, 2)], [0], [1])


@st.composite
def copies(draw: st.DrawFn) -> bytes:
    """TRANSPOSE, PAD, SLICE and STRIDED_SLICE, backwards too."""
    rank = draw(st.integers(2, 4))
    shape = (*(draw(few) for _ in range(rank - 1)), draw(lengths))
    shape = tuple(draw(st.permutations(shape)))
    match draw(st.sampled_from(("TRANSPOSE", "PAD", "SLICE", "STRIDED_SLICE"))):
        case "TRANSPOSE":
            order = tuple(draw(st.permutations(range(rank))))
            return _moved("TRANSPOSE", shape, tuple(shape[axis] for axis in order), order)
        case "PAD":
            margins = [draw(st.tuples(st.integers(0, 3), st.integers(0, 20))) for _ in shape]
            return _moved("PAD", shape, tuple(n + sum(m) for n, m in zip(shape, margins, strict=True)), margins)
        case "SLICE":
            begin = [draw(st.integers(0, n - 1)) for n in shape]
            size = [draw(st.integers(1, n - b)) for n, b in zip(shape, begin, strict=True)]
            return _moved("SLICE", shape, tuple(size), begin, size)
    strides = [draw(st.sampled_from((-3, -2, -1, 1, 2, 3))) for _ in shape]
    begin = [0 if s > 0 else n - 1 for n, s in zip(shape, strides, strict=True)]
    end = [n if s > 0 else -n - 1 for n, s in zip(shape, strides, strict=True)]
    output = tuple(-(-n // abs(s)) for n, s in zip(shape, strides, strict=True))
    return _moved("STRIDED_SLICE", shape, output, begin, end, strides)


def _moved(op: str, shape: Shape, output: Shape, *numbers: Any) -> bytes:
    tensors = [T(shape, 0.5, 3), T(output, 0.5, 3), *(constant(values, dtype="int32") for values in numbers)]
    return model(tensors, [Op(op, [0, *range(2, 2 + len(numbers))], [1])], [0], [1])


@st.composite
def joins(draw: st.DrawFn) -> bytes:
    """CONCATENATION of 2 to 4 tensors along any axis."""
    shape, at = [draw(few), draw(few), draw(few)], draw(st.integers(0, 2))
    parts = [(*shape[:at], size, *shape[at + 1 :]) for size in draw(st.lists(lengths, min_size=2, max_size=4))]
    output = (*shape[:at], sum(part[at] for part in parts), *shape[at + 1 :])
    tensors, count = [T(part, 0.5, 3) for part in (*parts, output)], len(parts)
    return model(tensors, [Op("CONCATENATION", list(range(count)), [count], {"axis": at})], list(range(count)), [count])


@st.composite
def splits(draw: st.DrawFn) -> bytes:
    """SPLIT_V of 2 to 4 parts along any axis."""
    shape, at = [draw(few), draw(few), draw(few)], draw(st.integers(0, 2))
    sizes = draw(st.lists(lengths, min_size=2, max_size=4))
    parts = [(*shape[:at], size, *shape[at + 1 :]) for size in sizes]
    tensors = [
        T((*shape[:at], sum(sizes), *shape[at + 1 :]), 0.5, 3), constant(sizes, dtype="int32"),
        constant(at, dtype="int32"), *(T(part, 0.5, 3) for part in parts),
    ]  # fmt: skip
    outputs = list(range(3, 3 + len(parts)))
    return model(tensors, [Op("SPLIT_V", [0, 1, 2], outputs, {"num_splits": len(parts)})], [0], outputs)


def any_of(*strategies: st.SearchStrategy[bytes]) -> st.SearchStrategy[Model]:
    """A model of one of these."""
    return st.one_of(*strategies).map(Model)


def together(parts: Sequence[bytes]) -> bytes:
    """One model that holds the nodes of all, with all their inputs and outputs."""
    merged = schema.ModelT.InitFromPackedBuf(parts[0], 0)
    (graph,) = merged.subgraphs
    for data in parts[1:]:
        other = schema.ModelT.InitFromPackedBuf(data, 0)
        (more,) = other.subgraphs
        tensors, buffers, codes = len(graph.tensors), len(merged.buffers), len(merged.operatorCodes)
        for tensor in more.tensors:
            tensor.buffer += buffers
        for operator in more.operators:
            operator.opcodeIndex += codes
            operator.inputs = [i + tensors for i in operator.inputs]
            operator.outputs = [i + tensors for i in operator.outputs]
        graph.inputs = [*graph.inputs, *(i + tensors for i in more.inputs)]
        graph.outputs = [*graph.outputs, *(i + tensors for i in more.outputs)]
        graph.tensors += more.tensors
        graph.operators += more.operators
        merged.buffers += other.buffers
        merged.operatorCodes += other.operatorCodes
    return pack(merged)
