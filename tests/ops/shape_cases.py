# SPDX-License-Identifier: Apache-2.0
"""Models of one operator that moves elements of one tensor, by constants beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import host_c
import numpy as np
import numpy.typing as npt
from exact import assert_same, reference, samples
from models import Op, T, constant, model

from tinyq_deploy.check import check
from tinyq_deploy.graph import NodeView
from tinyq_deploy.lower import lower
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.read import read

Shape = Sequence[int]


def q(*shape: int, zero: int = 3, scale: float = 0.5) -> T:
    return T(shape, scale, zero)


def numbers(values: npt.ArrayLike) -> T:
    return constant(values, dtype="int32")


def node(op: str, shape: Shape, output: Shape, *parameters: T, options: Mapping[str, Any] | None = None,
         dtype: str = "int8", zero: int = 3) -> bytes:  # fmt: skip
    """The operator from `shape` to `output`; its other inputs are constants."""
    scale = 0.5 if dtype == "int8" else None
    tensors = [T(tuple(shape), scale, zero, dtype), T(tuple(output), scale, zero, dtype), *parameters]
    inputs = [0, *range(2, 2 + len(parameters))]
    return model(tensors, [Op(op, inputs, [1], options or {})], [0], [1])


def assert_moves(data: bytes, kind: str = "tflite-micro") -> None:
    """The kernel, if there is one, and what the compiler computes of constants are what the oracle computes."""
    graph = read(data, "test.tflite")
    check(graph)
    (lowered,) = lower(graph, host_c.TARGET, "portable")
    call = lowered.candidates[0]
    given = samples(graph, 1)[-2:]
    for sample, (expected,) in zip(given, reference(data, kind).run_many(given), strict=True):
        assert_same(evaluated(data, sample[0]), expected, "in the compiler")
        if call.function is not None:
            found = host_c.kernels().run(call, {0: sample[0]}, {1: graph.tensors[1].bytes})
            assert_same(found, expected, f"{call.function} {dict(call.params)}")


def evaluated(data: bytes, values: npt.NDArray[Any]) -> bytes:
    """What the compiler computes of a node whose input 0 is `values`."""
    graph = read(data, "test.tflite")
    first = graph.nodes[0]
    tensors = list(graph.tensors)
    source = tensors[first.inputs[0]]
    tensors[source.index] = type(source)(
        source.index, source.name, source.shape, source.dtype, source.quantization, values.reshape(source.shape)
    )
    view = NodeView(type(graph)(**{**vars(graph), "tensors": tuple(tensors)}), first)
    found = OPERATORS[first.op].evaluate(view)
    assert found is not None
    assert found[0].dtype == np.dtype(view.output().dtype)
    assert found[0].shape == view.output().shape
    return found[0].tobytes()
