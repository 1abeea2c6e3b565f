# SPDX-License-Identifier: Apache-2.0
"""What a .tflite holds, layer by layer and tensor by tensor, whether it compiles or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyq_deploy.check import check, unsupported_hint
from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node, NodeView, Tensor
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.load import read_model
from tinyq_deploy.lower import lower
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.plan import Plan, constant_bytes, live_tensors, plan
from tinyq_deploy.read import read

# What operators raise whose rules a node does not keep.
_BROKEN = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class LayerInfo:
    """One node. `outputs` are tensor indices; macs is None where they cannot be told; `parameters` are the elements of
    its constants; `hint` says what to do instead of an operator that is not supported, and is empty for others."""

    index: int
    op: str
    name: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    tensors: tuple[int, ...]
    macs: int | None
    parameters: int
    constant_bytes: int
    supported: bool
    hint: str


@dataclass(frozen=True)
class TensorInfo:
    """One tensor that is computed. It lives from layer `first`, which writes it, to layer `last`, the last that reads
    it; None: it is an input of the model, or an output. `scale` and `zero_point` are None where it has none or several.
    `peak`: it lives while the most memory is in use."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None
    bytes: int | None
    first: int | None
    last: int | None
    peak: bool


@dataclass(frozen=True)
class StateInfo:
    """What a model remembers from one inference to the next: a resource variable or a variable tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int


@dataclass(frozen=True)
class Inspection:
    """A model. `arena_bytes`, how many of them no layout could spare, and `flash_bytes` (constants as emitted) are None
    where it does not compile; `faults` say why. `peak_layer` is the index of the layer at which the most is live."""

    name: str
    sha256: str
    inputs: tuple[tuple[str, tuple[int, ...], str], ...]
    outputs: tuple[tuple[str, tuple[int, ...], str], ...]
    layers: tuple[LayerInfo, ...]
    tensors: tuple[TensorInfo, ...]
    arena_bytes: int | None
    arena_lower_bound: int | None
    flash_bytes: int | None
    peak_layer: int | None
    faults: tuple[Fault, ...]
    states: tuple[StateInfo, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, as far as they are known."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Elements of the constants that layers read, counted for each that reads them."""
        return sum(layer.parameters for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dumps."""
        return {
            "schema": "tinyq-deploy/inspect/1", **asdict(self), "macs": self.macs, "parameters": self.parameters,
        }  # fmt: skip


def inspect(path: Path) -> Inspection:
    """The model at `path`. Raises ModelError only where the file is no sound .tflite."""
    graph = read(read_model(path), path.name)
    faults: tuple[Fault, ...] = ()
    program = None
    try:
        check(graph)
        program = plan(graph, lower(graph, Target("cortex-m4"), "portable"))
    except ModelError as error:
        faults = error.faults
    return Inspection(
        graph.name, graph.sha256,
        tuple((t.name, t.shape, t.dtype) for t in graph.input_tensors()),
        tuple((t.name, t.shape, t.dtype) for t in graph.output_tensors()),
        tuple(_layer(NodeView(graph, node)) for node in _all_nodes(graph)),
        _tensors(graph, program),
        program.arena_bytes if program else None, program.lower_bound if program else None,
        constant_bytes(program) if program else None,
        program.layers[program.peak_layer].node.index if program else None, faults,
        tuple(StateInfo(s.name, s.initial.shape, s.initial.dtype.name, s.initial.nbytes) for s in graph.states),
    )  # fmt: skip


def _all_nodes(graph: Graph) -> list[Node]:
    """Those that only compute shapes too, in the file's order."""
    return sorted((*graph.nodes, *graph.shape_nodes), key=lambda node: node.index)


def _layer(view: NodeView) -> LayerInfo:
    op = view.node.op
    inputs = [tensor for i in range(len(view.node.inputs)) if (tensor := view.input(i)) is not None]
    outputs = [view.output(i) for i in range(len(view.node.outputs))]
    constants = [tensor for tensor in inputs if tensor.data is not None]
    return LayerInfo(
        view.node.index, op, outputs[0].name if outputs else "",
        tuple(t.shape for t in inputs if t.data is None), tuple(t.shape for t in outputs), view.node.outputs,
        _macs(view), sum(t.size for t in constants), sum(_bytes(t) or 0 for t in constants),
        op in OPERATORS, "" if op in OPERATORS else unsupported_hint(op),
    )  # fmt: skip


def _macs(view: NodeView) -> int | None:
    """Those of a float layer too: they follow from its shapes alone."""
    operator = OPERATORS.get(view.node.op)
    try:
        return operator.macs(view) if operator is not None else None
    except _BROKEN:
        return None


def _bytes(tensor: Tensor) -> int | None:
    """None for a type that has no fixed size."""
    try:
        return tensor.bytes
    except TypeError:
        return None


def _tensors(graph: Graph, program: Plan | None) -> tuple[TensorInfo, ...]:
    """The inputs, then what layers write, in the order in which they come to life."""
    first = {index: node.index for node in reversed(graph.nodes) for index in node.outputs}
    last = {index: node.index for node in graph.nodes for index in node.inputs if index != NO_TENSOR}
    peak = set(live_tensors(program, program.peak_layer)) if program else set()
    order = dict.fromkeys((*graph.inputs, *(index for node in graph.nodes for index in node.outputs)))
    return tuple(_tensor(graph, index, first.get(index), last.get(index), index in peak) for index in order)


def _tensor(graph: Graph, index: int, first: int | None, last: int | None, peak: bool) -> TensorInfo:
    tensor, ends = graph.tensors[index], index in graph.results
    found = tensor.quantization
    whole = found if found is not None and len(found.scale) == len(found.zero_point) == 1 else None
    return TensorInfo(
        index, tensor.name, tensor.shape, tensor.dtype, whole.scale[0] if whole else None,
        whole.zero_point[0] if whole else None, _bytes(tensor), None if index in graph.inputs else first,
        None if ends else last if last is not None else first, peak,
    )  # fmt: skip
