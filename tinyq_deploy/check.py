# SPDX-License-Identifier: Apache-2.0
"""Checks a graph against every rule at once, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.graph import NO_TENSOR, Graph, NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import sentence
from tinyq_deploy.ops.nearest import instead

_BOUNDARY = "int8, int16, int32, int64 or bool, or float32 or uint8 that is only moved or converted"
# Numbers that have no scale.
PLAIN_INTEGERS = ("int32", "int64", "bool")
_REQUANTIZE = "quantise it to full int8: `tinyq-deploy quantize MODEL --representative-data DATA`"

_AGAIN = "the file is damaged, or its converter was wrong: convert the model again"
_LARGEST_SCALE = float(1 << 64)
_OTHERWISE = "change the layer or convert the model again; `tinyq-deploy ops` lists what each operator takes"


def check(graph: Graph) -> None:
    """Raises ModelError with every broken rule of `graph`; returns when it compiles."""
    faults = [*_whole(graph), *_order(graph), *_unsupported(graph)]
    if not faults:
        faults = [fault for node in graph.nodes for fault in _node(NodeView(graph, node))] or [*_scales(graph)]
    if faults:
        raise ModelError.of(faults)


def _whole(graph: Graph) -> Iterator[Fault]:
    if not graph.nodes:
        yield Fault("a model has at least one operator", "0 operators", _AGAIN)
    for what, tensors in (("inputs", graph.input_tensors()), ("outputs", graph.output_tensors())):
        if not tensors:
            yield Fault(f"a model has {what}", f"0 {what}", _AGAIN)
        for tensor in tensors:
            if tensor.dtype not in ("int8", "int16", *PLAIN_INTEGERS) and not _converted(graph, tensor):
                yield Fault(
                    f"the model's {what} are {_BOUNDARY}", f"{tensor.name[:60]!r} is {tensor.dtype}", _REQUANTIZE
                )
            elif tensor.dtype == "int8" and (tensor.quantization is None or len(tensor.quantization.scale) != 1):
                yield Fault(
                    f"the model's {what} have one scale", f"{tensor.name[:60]!r} has none or several", _REQUANTIZE
                )
            elif tensor.data is not None:
                yield Fault(f"the model's {what} are computed", f"{tensor.name[:60]!r} is a constant", _AGAIN)
    if graph.outputs and set(graph.outputs) <= set(graph.inputs):
        labels = ", ".join(tensor.label for tensor in graph.output_tensors())
        yield Fault("a layer computes an output of the model", f"the outputs are inputs: {labels}", _AGAIN)
    if len(set(graph.inputs)) != len(graph.inputs):
        yield Fault("each model input is its own tensor", f"inputs {list(graph.inputs)}", _AGAIN)


def _converted(graph: Graph, tensor: Tensor) -> bool:
    """Whether only operators that take real values read and write a tensor of the model's boundary."""
    users = {OPERATORS.get(node.op) for node in graph.nodes if tensor.index in (*node.inputs, *node.outputs)}
    return tensor.dtype in ("float32", "uint8") and all(user is not None and user.takes_reals for user in users)


def _order(graph: Graph) -> Iterator[Fault]:
    """Every tensor is written once, and before it is read."""
    known = set(graph.sources) | {t.index for t in graph.tensors if t.data is not None}
    for node in graph.nodes:
        for index in node.inputs:
            if index != NO_TENSOR and index not in known:
                found = f"layer {node.index} {node.op} reads {graph.tensors[index].label}"
                yield Fault("a tensor is computed before it is read", found, _AGAIN)
        for index in node.outputs:
            if index in known:
                found = f"layer {node.index} {node.op} writes {graph.tensors[index].label}"
                yield Fault("a tensor is written once", found, _AGAIN)
            known.add(index)
    for index in graph.outputs:
        if index not in known:
            yield Fault("a model output is computed", graph.tensors[index].label, _AGAIN)


def _scales(graph: Graph) -> Iterator[Fault]:
    """Tables and factors are computed in float32 as the oracle does; beyond these scales it overflows."""
    for tensor in graph.tensors:
        scales = tensor.quantization.scale if tensor.quantization and tensor.data is None else ()
        odd = [scale for scale in scales if not 1 / _LARGEST_SCALE <= scale <= _LARGEST_SCALE]
        if odd:
            yield Fault("scales of activations are 2^-64 to 2^64", f"{tensor.label}: scale {odd[0]:g}", _REQUANTIZE)


def _unsupported(graph: Graph) -> Iterator[Fault]:
    layers: dict[str, list[int]] = {}
    for node in graph.nodes:
        if node.op not in OPERATORS:
            layers.setdefault(node.op, []).append(node.index)
    for op, where in sorted(layers.items()):
        shown = ", ".join(str(index) for index in where[:10]) + (", ..." if len(where) > 10 else "")
        yield Fault("every operator is supported", f"{op} in layers {shown}", unsupported_hint(op))


def unsupported_hint(op: str) -> str:
    """What to do about an operator that is not supported."""
    known = ", ".join(sorted(name for name, operator in OPERATORS.items() if operator.builtin))
    return instead(op) or f"supported: {known}"


def _node(view: NodeView) -> Iterator[Fault]:
    """The first broken rule of one node: later rules rely on earlier ones."""
    operator = OPERATORS[view.node.op]
    broken = operator.broken(view)
    if broken is not None:
        rule, found = broken
        hint = _REQUANTIZE if "float32" in found else _OTHERWISE
        yield Fault(f"{operator.name}: {sentence(rule)}", f"{view.label}: {found}", hint)
