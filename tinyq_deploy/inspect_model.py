# SPDX-License-Identifier: Apache-2.0
"""What a .tflite holds, layer by layer, whether it compiles or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyq_deploy.check import check
from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.load import read_model
from tinyq_deploy.lower import lower
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.plan import constant_bytes, plan
from tinyq_deploy.read import read


@dataclass(frozen=True)
class LayerInfo:
    """One node: shapes, multiply-accumulates and bytes of its constants. macs is None where the operator is unknown."""

    index: int
    op: str
    name: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    macs: int | None
    constant_bytes: int


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
    where it does not compile; `faults` say why."""

    name: str
    sha256: str
    inputs: tuple[tuple[str, tuple[int, ...], str], ...]
    outputs: tuple[tuple[str, tuple[int, ...], str], ...]
    layers: tuple[LayerInfo, ...]
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

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dumps."""
        return {"schema": "tinyq-deploy/inspect/1", **asdict(self), "macs": self.macs}


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
        tuple(_layer(NodeView(graph, node), compiles=program is not None) for node in _all_nodes(graph)),
        program.arena_bytes if program else None, program.lower_bound if program else None,
        constant_bytes(program) if program else None,
        program.peak_layer if program else None, faults,
        tuple(StateInfo(s.name, s.initial.shape, s.initial.dtype.name, s.initial.nbytes) for s in graph.states),
    )  # fmt: skip


def _all_nodes(graph: Graph) -> list[Node]:
    """Those that only compute shapes too, in the file's order."""
    return sorted((*graph.nodes, *graph.shape_nodes), key=lambda node: node.index)


def _layer(view: NodeView, compiles: bool) -> LayerInfo:
    operator = OPERATORS.get(view.node.op)
    inputs = [tensor for i in range(len(view.node.inputs)) if (tensor := view.input(i)) is not None]
    outputs = [view.output(i) for i in range(len(view.node.outputs))]
    return LayerInfo(
        view.node.index, view.node.op, outputs[0].name if outputs else "",
        tuple(t.shape for t in inputs if t.data is None), tuple(t.shape for t in outputs),
        operator.macs(view) if operator is not None and compiles else None,
        sum(t.bytes if t.data is not None else 0 for t in inputs),
    )  # fmt: skip
