# SPDX-License-Identifier: Apache-2.0
"""What a model and the operators look like, at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from tinyq_deploy import report_states
from tinyq_deploy.operator_table import ABOUT, COLUMNS, Row
from tinyq_deploy.report import console, say, titled_table, warn

if TYPE_CHECKING:
    from tinyq_deploy.inspect_model import Inspection, LayerInfo, TensorInfo

WIDTH = 80
_NUMBERS = ("#", "MACs", "params", "life")


def inspected(found: Inspection) -> None:
    """The table of inspect: a row for each input of the model and each output of a layer."""
    usual = _usual(found)
    title = escape(f"{found.name}: {found.macs:,} MACs, {found.parameters:,} parameters, {usual} unless told")
    table = _narrow(titled_table(title, "#", "operator", "output", "MACs", "params", "scale, zero", "life",
                                 right=_NUMBERS, whole=("scale, zero",)))  # fmt: skip
    for cells, style in _rows(found, usual):
        table.add_row(*cells, style=style)
    console.print(table, width=WIDTH)
    say("life: the layers from which to which a tensor is needed; * while the most memory is in use; ! not supported")
    if found.arena_bytes is not None:
        _memory(found)
    for line in report_states.lines(found.states):
        say(line)
    for layer in found.layers:
        if not layer.supported:
            warn(f"layer {layer.index} {layer.op} is not supported. Instead: {layer.hint}")
    for fault in found.faults:
        if fault.rule != "every operator is supported":
            warn(f"does not compile: {fault}")


def _memory(found: Inspection) -> None:
    peak = [tensor for tensor in found.tensors if tensor.peak]
    largest = sorted(peak, key=lambda tensor: -(tensor.bytes or 0))[:5]
    shown = ", ".join(f"{_life(tensor)} {_shape(tensor.shape)} {tensor.bytes:,}" for tensor in largest)
    say(
        f"arena {found.arena_bytes:,} bytes (at least {found.arena_lower_bound:,}), peak at layer {found.peak_layer} "
        f"with {len(peak)} tensors: {shown} bytes; portable kernels, no graph passes\n"
        f"constants {found.flash_bytes:,} bytes"
    )


def _usual(found: Inspection) -> str:
    """The type of most tensors."""
    kinds = [tensor.dtype for tensor in found.tensors]
    return max(sorted(set(kinds)), key=kinds.count, default="int8")


def _rows(found: Inspection, usual: str) -> Iterator[tuple[tuple[str, ...], str | None]]:
    tensors = {tensor.index: tensor for tensor in found.tensors}
    for tensor in found.tensors:
        if tensor.first is None:
            yield ("", "input", *_about(tensor, usual)), None
    for layer in found.layers:
        numbers = ("" if layer.macs is None else f"{layer.macs:,}", f"{layer.parameters:,}" if layer.parameters else "")
        outputs = [tensors[index] for index in layer.tensors if index in tensors]
        yield (
            (str(layer.index), _operator(layer), *_about(outputs[0] if outputs else None, usual, *numbers)),
            _style(layer),
        )
        for tensor in outputs[1:]:
            yield ("", "", *_about(tensor, usual)), None


def _operator(layer: LayerInfo) -> str:
    return escape(layer.op if layer.supported else f"! {layer.op}")


def _style(layer: LayerInfo) -> str | None:
    return None if layer.supported else "red"


def _about(tensor: TensorInfo | None, usual: str, macs: str = "", params: str = "") -> tuple[str, ...]:
    """The cells from the output on; a shape that is computed by the compiler lives nowhere."""
    if tensor is None:
        return "a shape", macs, params, "", ""
    kind = "" if tensor.dtype == usual else f" {tensor.dtype}"
    scale = "" if tensor.scale is None else f"{tensor.scale:.4g}, {tensor.zero_point}"
    return _shape(tensor.shape) + kind, macs, params, scale, _life(tensor) + ("*" if tensor.peak else "")


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _life(tensor: TensorInfo) -> str:
    first = "in" if tensor.first is None else str(tensor.first)
    return f"{first}-{'out' if tensor.last is None else tensor.last}"


def operators(found: Sequence[Row]) -> None:
    """The table of operators, and their rules."""
    table = _narrow(titled_table("operators", "operator", *COLUMNS, whole=("operator",)))
    for row in found:
        table.add_row(row.name, *map(", ".join, row.kernels.values()))
    console.print(table, width=WIDTH)
    console.print(escape(ABOUT), width=WIDTH)
    for row in found:
        console.print(f"[bold]{row.name}[/]")
        for rule in row.rules:
            console.print(escape(f"  - {rule}"), width=WIDTH)


def _narrow(table: Table) -> Table:
    """Without lines between columns, and one space."""
    table.box, table.pad_edge, table.padding = box.SIMPLE_HEAD, False, (0, 1, 0, 0)
    return table
