# SPDX-License-Identifier: Apache-2.0
"""Runs a graph layer by layer through the portable kernels on this computer, and compares two tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import host_c
import numpy as np
import numpy.typing as npt

from tinyq_deploy.check import check
from tinyq_deploy.graph import Graph, Tensor
from tinyq_deploy.kernels.base import KernelCall, Read, Write
from tinyq_deploy.lower import lower
from tinyq_deploy.passes.intervals import Analysis

Array = npt.NDArray[np.int8]


class Program:
    """A checked graph, lowered once."""

    def __init__(self, graph: Graph) -> None:
        check(graph)
        self.graph = graph
        self.calls = [item.candidates[0] for item in lower(graph, host_c.TARGET, "portable")]

    def run(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Every activation by tensor number."""
        values = dict(zip(self.graph.inputs, inputs, strict=True))
        for call in self.calls:
            values |= self._one(call, values)
        return values

    def _one(self, call: KernelCall, values: Mapping[int, Array]) -> dict[int, Array]:
        outputs = [self.graph.tensors[a.tensor] for a in call.arguments if isinstance(a, Write)]
        if call.function is None:
            (source,) = (argument.tensor for argument in call.arguments if isinstance(argument, Read))
            data = values[source].tobytes()
        else:
            data = host_c.kernels().run(call, values, {tensor.index: tensor.bytes for tensor in outputs})
        found, at = {}, 0
        for tensor in outputs:
            piece = data[at : at + tensor.bytes]
            found[tensor.index] = np.frombuffer(piece, tensor.dtype).reshape(tensor.shape)
            at += tensor.bytes
        return found


def inputs_of(graph: Graph, seed: int, count: int = 4) -> list[list[Array]]:
    """Flat inputs at the ends and at the zero point, noise, and noise at the two ends alone."""
    rng = np.random.default_rng(seed)
    tensors = graph.input_tensors()
    flat = [[typed(t, np.full(t.shape, value)) for t in tensors] for value in (-128, 127)]
    flat.append([typed(t, np.full(t.shape, t.zero_point if t.quantized else 0)) for t in tensors])
    noise = [[typed(t, rng.integers(-128, 128, t.shape)) for t in tensors] for _ in range(count)]
    ends = [[typed(t, rng.choice([-128, 127], t.shape)) for t in tensors] for _ in range(count)]
    return [*flat, *noise, *ends]


def typed(tensor: Tensor, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """int8 values in the tensor's type: bytes as they are, true where they are above 0, as real values."""
    if tensor.dtype == "bool":
        return values > 0
    return values.astype(tensor.dtype) if tensor.dtype == "float32" else values.astype(np.int8).view(tensor.dtype)


def assert_within(values: Mapping[int, Array], facts: Analysis) -> None:
    """Every value that was seen lies in the interval of its channel."""
    for index, seen in values.items():
        interval = facts.intervals[index]
        rows = seen.reshape(-1, interval.low.size).astype(int)
        assert (rows.min(0) >= interval.low).all(), f"tensor {index}"
        assert (rows.max(0) <= interval.high).all(), f"tensor {index}"


def assert_cut(
    before: Mapping[int, Array], after: Mapping[int, Array], kept: Mapping[int, npt.NDArray[np.bool_]]
) -> None:
    """`after` holds the kept channels of `before`, byte for byte, in every tensor that both have."""
    for index, values in after.items():
        assert (before[index][..., kept[index]] == values).all(), f"tensor {index}"
