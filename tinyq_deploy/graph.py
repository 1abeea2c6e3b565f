# SPDX-License-Identifier: Apache-2.0
"""The model as plain, frozen data. Only read.py knows the flatbuffer it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

Option = int | float | bool | str
NO_TENSOR = -1
# What a node computes on: int16 activations, with int8 weights if any; int8 with int4 weights; int8 is all the rest.
Kind = Literal["int8", "int16", "int4"]
INT4 = "int4"


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation, real = scale * (q - zero_point). One entry per tensor, or one per slice along `axis`.

    TFLite quantisation specification, https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """One tensor. `data` is a read-only array of `shape` for a constant, None for an activation. An int4 constant has
    an int8 array, each number in -8..7."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: npt.NDArray[np.generic] | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """How messages name the tensor."""
        return f"tensor {self.index} {self.name[:60]!r}"

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes in memory; of int4, two numbers share one."""
        return -(-self.size // 2) if self.dtype == INT4 else self.size * np.dtype(self.dtype).itemsize

    @property
    def quantized(self) -> bool:
        """Whether its values stand for real ones by a scale."""
        return self.quantization is not None and self.dtype in ("int8", "uint8", "int16")

    @property
    def scale(self) -> float:
        """The scale of a tensor quantised as a whole."""
        assert self.quantization is not None
        return self.quantization.scale[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor quantised as a whole."""
        assert self.quantization is not None
        return self.quantization.zero_point[0]


@dataclass(frozen=True)
class Node:
    """One operator. `op` is the TFLite builtin name; absent optional inputs are NO_TENSOR; `options` carries the
    builtin options by their schema names in snake_case (enumerations as their names, e.g. padding="SAME")."""

    index: int
    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class State:
    """Memory that lasts from one inference to the next. `before` is the tensor that it holds as an inference begins,
    `after` the one that it holds as that ends, the same where no node writes it. `initial` is what it holds after a
    reset, a read-only array of its shape and type."""

    name: str
    before: int
    after: int
    initial: npt.NDArray[np.generic] = field(repr=False)


@dataclass(frozen=True)
class Graph:
    """One subgraph with fixed shapes; nodes are in execution order. `shape_nodes` computed shapes in the file; their
    outputs are constants here. `states` are to nodes what inputs and outputs are: a node that reads a state's old value
    reads `before`, the one that gives it its new value writes `after`."""

    name: str
    sha256: str
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape_nodes: tuple[Node, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def sources(self) -> tuple[int, ...]:
        """The tensors that are there when an inference begins: inputs and states."""
        return (*self.inputs, *(state.before for state in self.states))

    @property
    def results(self) -> tuple[int, ...]:
        """The tensors that have to be there when an inference ends: outputs and states."""
        return (*self.outputs, *(state.after for state in self.states))

    def input_tensors(self) -> tuple[Tensor, ...]:
        """The model's inputs in order."""
        return tuple(self.tensors[i] for i in self.inputs)

    def output_tensors(self) -> tuple[Tensor, ...]:
        """The model's outputs in order."""
        return tuple(self.tensors[i] for i in self.outputs)


@dataclass(frozen=True)
class NodeView:
    """One node together with its graph: the form in which rules, operators and kernels look at it."""

    graph: Graph
    node: Node

    def input(self, position: int) -> Tensor | None:
        """The tensor at an input position, None where it is absent."""
        if position >= len(self.node.inputs) or self.node.inputs[position] == NO_TENSOR:
            return None
        return self.graph.tensors[self.node.inputs[position]]

    def given(self, position: int) -> Tensor:
        """The tensor at an input position that the operator's rules guarantee."""
        tensor = self.input(position)
        assert tensor is not None, f"{self.label}: input {position}"
        return tensor

    def output(self, position: int = 0) -> Tensor:
        """The tensor at an output position."""
        return self.graph.tensors[self.node.outputs[position]]

    def option(self, name: str, default: Option) -> Option:
        """A builtin option, or the schema's default where the file leaves it out."""
        return self.node.options.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An integer builtin option."""
        return int(self.option(name, default))

    @property
    def kind(self) -> Kind:
        """The types that it computes on: those of its first input and output decide, then its constants."""
        read = [self.input(position) for position in range(len(self.node.inputs))]
        decide = [*read[:1], *(self.graph.tensors[index] for index in self.node.outputs[:1])]
        if any(tensor is not None and tensor.dtype == "int16" for tensor in decide):
            return "int16"
        return "int4" if any(tensor is not None and tensor.dtype == INT4 for tensor in read) else "int8"

    @property
    def label(self) -> str:
        """How messages name the node."""
        return f"layer {self.node.index} {self.node.op}"
