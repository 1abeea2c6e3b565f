# SPDX-License-Identifier: Apache-2.0
"""Layers and arena as the templates see them: text and addresses."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyq_deploy import c_text, weights
from tinyq_deploy.arena import Buffer
from tinyq_deploy.chain import Band, Chain, Move, Part, Place, Run
from tinyq_deploy.graph import Node
from tinyq_deploy.kernels.base import Constant, KernelCall, Read, Scratch, Write
from tinyq_deploy.plan import Layer, Plan


def layer_context(plan: Plan, layer: Layer, arrays: weights.Weights, prefix: str) -> dict[str, Any]:
    """One layer of model.c: its C functions, and for a chain the steps that call them."""
    reads = [a.tensor for a in layer.call.arguments if isinstance(a, Read)]
    writes = [a.tensor for a in layer.call.arguments if isinstance(a, Write)]
    places = [", ".join(_span(plan, t) for t in group) for group in (reads, writes)]
    scratch = (
        f", scratch {layer.call.scratch_bytes} bytes at {layer.scratch_offset}" if layer.call.scratch_bytes else ""
    )
    shapes = [", ".join(c_text.shape(plan.graph.tensors[t].shape) for t in group) for group in (reads, writes)]
    common = {
        "symbol": layer.symbol,
        "function": layer.call.function,
        "shapes": f"{shapes[0]} -> {shapes[1]}",
        "memory": f"Arena: {places[0]} -> {places[1]}{scratch}",
        "parts": [_part(plan, layer, part, arrays, prefix) for part in layer.parts],
        "chain": None,
    }
    return common if layer.chain is None else {**common, "chain": _chain(plan, layer, layer.chain, prefix)}


def _span(plan: Plan, tensor: int) -> str:
    offset = plan.offsets[tensor]
    return f"{offset}..{offset + plan.graph.tensors[tensor].bytes - 1}"


def _part(plan: Plan, layer: Layer, part: Part, arrays: weights.Weights, prefix: str) -> dict[str, Any]:
    banded = layer.chain is not None
    return {
        "index": part.node.index,
        "op": part.node.op if banded else layer.op,
        "name": c_text.comment(plan.graph.tensors[part.node.outputs[0]].name),
        "kernel": f"{part.call.function} ({part.call.kernel_set})",
        "symbol": part.symbol,
        "rows": _rows_of(plan, part) if banded else "",
        "function": part.call.function,
        "params_type": part.call.params_type,
        "numbers": part.arguments,
        "batches": part.call.batches,
        "params": [f".{name} = {part.varying.get(name) or c_text.number(value)}," for name, value in part.call.params],
        "arguments": _passed(
            part.call, [_argument(plan, layer, part, argument, arrays, prefix) for argument in part.call.arguments]
        ),
    }


def _passed(call: KernelCall, arguments: list[str]) -> list[str]:
    """The arguments as the C function takes them."""
    if call.pointers is None:
        return arguments
    constant = "" if isinstance(call.arguments[call.pointers], Write) else "const "
    pointers = ",\n            ".join(arguments[call.pointers :])
    return [*arguments[: call.pointers], f"({constant}int8_t *const[]){{\n            {pointers},\n        }}"]


def _rows_of(plan: Plan, part: Part) -> str:
    source, output = (plan.graph.tensors[t].shape for t in (part.node.inputs[0], part.node.outputs[0]))
    return f"Some rows of {c_text.shape(source)} -> {c_text.shape(output)}"


def _argument(plan: Plan, layer: Layer, part: Part, argument: object, arrays: weights.Weights, prefix: str) -> str:
    match argument:
        case Read(tensor):
            return _activation(plan, layer, part, tensor, prefix, "const ", "input")
        case Write(tensor):
            return _activation(plan, layer, part, tensor, prefix, "", "output")
        case Constant(name):
            return f"{prefix}_weights.{arrays.member[(part.symbol, name)]}"
        case Scratch(size):
            begin = (layer.scratch_offset or 0) + (layer.chain.window_bytes if layer.chain else 0)
            return f"&{prefix}_arena[{begin}]" if size else "0"
    raise TypeError(argument)


def _activation(plan: Plan, layer: Layer, part: Part, tensor: int, prefix: str, const: str, chained: str) -> str:
    """A pointer to an activation: bytes, but for int16, which goes to kernels that want int16_t and to those that move
    bytes; in a chain the function's own argument."""
    if layer.chain:
        return chained
    found, count = plan.graph.tensors[tensor], part.call.batches
    place = f"&{prefix}_arena[{plan.offsets[tensor]}]"
    if found.dtype == "int16":
        return f"({const}void *)({place} + batch * {found.bytes // count})" if count > 1 else f"({const}void *){place}"
    return f"({const}int8_t *){place}" + (f" + batch * {found.bytes // count}" if count > 1 else "")


def _chain(plan: Plan, layer: Layer, chain: Chain, prefix: str) -> dict[str, Any]:
    begins = {
        "input": plan.offsets[chain.nodes[0].inputs[0]],
        "output": plan.offsets[chain.nodes[-1].outputs[0]],
        "scratch": layer.scratch_offset or 0,
    }
    return {
        "title": f"Layers {chain.nodes[0].index} to {chain.nodes[-1].index} in {len(chain.bands)} bands of rows",
        "between": ", ".join(_between(plan, node) for node in chain.nodes[:-1]),
        "bands": [
            {"first": band.first, "last": band.last, "lines": _lines(band, begins, prefix)} for band in chain.bands
        ],
    }


def _between(plan: Plan, node: Node) -> str:
    tensor = plan.graph.tensors[node.outputs[0]]
    return f'"{c_text.comment(tensor.name)}" {c_text.shape(tensor.shape)}'


def _lines(band: Band, begins: dict[str, int], prefix: str) -> list[str]:
    """The steps of a band as C."""

    def at(place: Place) -> str:
        return f"&{prefix}_arena[{begins[place.where] + place.offset}]"

    def line(step: Run | Move) -> str:
        if isinstance(step, Move):
            return f"memmove({at(step.to)}, {at(step.source)}, {step.bytes});"
        numbers = "".join(f", {number}" for number in step.numbers)
        return f"{step.part.symbol}({at(step.read)}, {at(step.write)}{numbers});"

    return [line(step) for step in band.steps]


def layer_row(layer: Layer) -> dict[str, Any]:
    """One layer in the README's table."""
    kernel = f"{layer.call.function} ({layer.call.kernel_set})" if layer.call.function else "none: a view"
    cost = layer.call.cost
    return {
        "index": layer.node.index, "op": layer.op, "kernel": kernel, "macs": layer.macs,
        "cost": f"{cost.amount} {cost.unit}, {cost.source}" if cost else "",
        "code": cost.code_bytes if cost and cost.code_bytes is not None else "",
        "shared": cost.shared_bytes if cost and cost.shared_bytes else "",
        "constants": layer.constant_bytes,
    }  # fmt: skip


def state_rows(plan: Plan, arrays: weights.Weights) -> list[dict[str, Any]]:
    """What each state holds after a reset: the array `constant`, or where that is None the byte `fill` throughout."""
    return [
        {
            "name": c_text.comment(state.name),
            "dtype": str(state.initial.dtype),
            "shape": c_text.shape(state.initial.shape),
            "bytes": state.initial.nbytes,
            "offset": plan.offsets[state.before],
            "fill": state.initial.reshape(-1)[:1].view(np.uint8)[0],
            "constant": arrays.member.get((weights.RESET, f"{position}")),
        }
        for position, state in enumerate(plan.graph.states)
    ]


def arena_row(plan: Plan, buffer: Buffer) -> dict[str, Any]:
    """One buffer in the README's map of the arena."""
    held = [
        f"{c_text.comment(plan.graph.tensors[t].name)} {c_text.shape(plan.graph.tensors[t].shape)}"
        for t in buffer.tensors
    ]
    names = [layer.node.index for layer in plan.layers]
    first = "input" if buffer.first < 0 else names[buffer.first]
    last = "output" if buffer.last >= len(names) else names[buffer.last]
    less = "".join(f", {size} from {names[since]} on" for since, size in buffer.shrinks if since < len(names))
    life, holds = f"{first} to {last}", ", ".join(held) or _scratch_of(plan, buffer)
    return {"offset": buffer.offset, "bytes": f"{buffer.bytes}{less}", "life": life, "holds": holds}


def _scratch_of(plan: Plan, buffer: Buffer) -> str:
    chain = plan.layers[buffer.first].chain
    return "scratch" if chain is None else f"{chain.window_bytes} of rows between the layers, scratch"
