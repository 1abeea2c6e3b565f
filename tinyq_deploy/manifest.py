# SPDX-License-Identifier: Apache-2.0
"""manifest.json of an emitted project: what later steps (flash, bench, compare) need to know of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyq_deploy import __version__
from tinyq_deploy.board import Board
from tinyq_deploy.errors import DataError, UsageError
from tinyq_deploy.graph import State, Tensor
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.plan import Plan

MANIFEST = "manifest.json"
SCHEMA = "tinyq-deploy/manifest/1"


@dataclass(frozen=True)
class Io:
    """One model input or output; real values have no scale."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None
    bytes: int
    offset: int


@dataclass(frozen=True)
class StateEntry:
    """What the model remembers from one inference to the next, at an offset in the arena."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    offset: int


@dataclass(frozen=True)
class LayerEntry:
    """One layer; `index` is its number in the model, where passes may have removed others; `symbol` is empty for a
    view, which runs no code. One that computes several nodes has all their operators, as in "CONV_2D + ADD", and the
    index of the last, or of the first where they run in bands of rows. `predicted` is what it is thought to cost in
    `predicted_unit`, `predicted_by` whether that was modelled or measured, `code_bytes` the modelled flash of its own
    code; None where nothing is known."""

    index: int
    op: str
    name: str
    symbol: str
    kernel_set: str
    function: str
    macs: int
    scratch_bytes: int
    constant_bytes: int = 0
    code_bytes: int | None = None
    predicted: int | None = None
    predicted_unit: str = ""
    predicted_by: str = ""


@dataclass(frozen=True)
class Manifest:
    """One emitted project. `peak_layer` is a position in `layers`; `passes` has a line for each graph pass that changed
    the model, empty with --keep-layers; `savings` one for each thing done to need less memory; `ram` is --ram's.
    The arena begins with `state_bytes` of `states`, which need a reset at the start of each sequence of inputs."""

    schema: str
    tool: str
    name: str
    model: str
    model_sha256: str
    board: str
    core: str
    kernels: str
    cmsis_nn: str
    optimize: str
    build_id: str
    arena_bytes: int
    arena_lower_bound: int
    peak_layer: int
    inputs: tuple[Io, ...]
    outputs: tuple[Io, ...]
    layers: tuple[LayerEntry, ...]
    files: Mapping[str, str]
    passes: tuple[str, ...] = ()
    savings: tuple[str, ...] = ()
    ram: int | None = None
    state_bytes: int = 0
    states: tuple[StateEntry, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dumps."""
        return asdict(self)


def manifest(plan: Plan, board: Board, target: Target, name: str, kernels: str, optimize: str, build_id: str,
             everything: Mapping[str, bytes], passes: tuple[str, ...] = ()) -> Manifest:  # fmt: skip
    """The manifest of a project with these files."""
    graph = plan.graph
    used = any(layer.call.library_functions for layer in plan.code_layers())
    return Manifest(
        schema=SCHEMA, tool=f"tinyq-deploy {__version__}", name=name, model=graph.name, model_sha256=graph.sha256,
        board=board.name, core=board.core, kernels=kernels,
        cmsis_nn=target.cmsis_nn.describe() if target.cmsis_nn is not None and used else "",
        optimize=optimize, build_id=build_id, arena_bytes=plan.arena_bytes, arena_lower_bound=plan.lower_bound,
        peak_layer=plan.peak_layer,
        inputs=tuple(_io(plan, t) for t in graph.input_tensors()),
        outputs=tuple(_io(plan, t) for t in graph.output_tensors()),
        layers=tuple(_layer(plan, position) for position in range(len(plan.layers))),
        files={path: hashlib.sha256(data).hexdigest() for path, data in sorted(everything.items())},
        passes=passes, savings=plan.savings, ram=plan.ram,
        state_bytes=plan.state_bytes, states=tuple(_state(plan, state) for state in plan.graph.states),
    )  # fmt: skip


def _io(plan: Plan, t: Tensor) -> Io:
    scale, zero_point = (t.scale, t.zero_point) if t.quantized else (None, None)
    return Io(t.name[:80], t.shape, t.dtype, scale, zero_point, t.bytes, plan.offsets[t.index])


def _state(plan: Plan, state: State) -> StateEntry:
    held = state.initial
    return StateEntry(state.name[:80], held.shape, held.dtype.name, held.nbytes, plan.offsets[state.before])


def _layer(plan: Plan, position: int) -> LayerEntry:
    layer = plan.layers[position]
    function, cost = layer.call.function or "", layer.call.cost
    told = (cost.code_bytes, cost.amount, cost.unit, cost.source) if cost else ()
    name = plan.graph.tensors[layer.nodes[-1].outputs[0]].name[:80]
    return LayerEntry(
        layer.node.index, layer.op, name, layer.symbol if function else "", layer.call.kernel_set, function,
        layer.macs, layer.call.scratch_bytes, layer.constant_bytes, *told,
    )  # fmt: skip


def load(project: Path) -> Manifest:
    """The manifest of the project in `project`. Raises UsageError when there is none or it is another version's."""
    try:
        data = json.loads((project / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        found = f"{project / MANIFEST}: {error}"
        raise UsageError(
            "DIR is a project that `tinyq-deploy build` made", found, "run `tinyq-deploy build` first"
        ) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise UsageError("the project is of this version's format", f"{project / MANIFEST}", "build it again")
    try:
        ios = {
            key: tuple(Io(**{**io, "shape": tuple(io["shape"])}) for io in data[key]) for key in ("inputs", "outputs")
        }
        layers = tuple(LayerEntry(**layer) for layer in data["layers"])
        states = tuple(StateEntry(**{**state, "shape": tuple(state["shape"])}) for state in data.get("states", ()))
        lines = {key: tuple(data.get(key, ())) for key in ("passes", "savings")}
        return Manifest(**{**data, **ios, "layers": layers, "states": states, **lines})
    except (TypeError, KeyError) as error:
        raise UsageError(
            "the project's manifest is whole", f"{project / MANIFEST}: {error}", "build it again"
        ) from error


def model_of(folder: Path, about: Manifest) -> bytes:
    """The .tflite that the project in `folder` was built from. Raises DataError when it is another one now."""
    path = folder / "model" / "model.tflite"
    model = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(model).hexdigest() != about.model_sha256:
        raise DataError(
            "the project's model is the one it was built from", f"{path} is missing or changed", "build it again"
        )
    return model
