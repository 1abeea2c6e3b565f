# SPDX-License-Identifier: Apache-2.0
"""Takes a PAD into the convolution or maximum that reads it: the window's own padding costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tinyq_deploy.fixed_point import limits
from tinyq_deploy.graph import Graph, Node, NodeView, Tensor
from tinyq_deploy.ops.conv_2d import EXPLICIT_PADDING, FILTER, window
from tinyq_deploy.ops.pad import padding_value, paddings
from tinyq_deploy.ops.pool_2d import kernel_size
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.rewire import readers, reading, without

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True)
class PadsReport(Report):
    """The readers that pad now, as (PAD, reader) indices, and the PADs that are gone."""

    name = "pads"
    proof = (
        "A convolution counts what lies outside its input as the input's zero point, which is the value that the PAD "
        "put there; MAX_POOL_2D leaves it out, and the PAD's value was the least of its type, below which no maximum "
        "lies. Each window meets the same elements as before. An axis of one element may be added before the padding "
        "or behind it."
    )

    taken: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]

    @property
    def changed(self) -> bool:
        """Whether a layer pads what another one padded before."""
        return bool(self.taken)

    @property
    def line(self) -> str:
        """Which layers went where."""
        return "pads: " + (", ".join(f"layer {pad} into {reader}" for pad, reader in self.taken) or "none")


class Pads(Pass):
    """Padding into windows."""

    def run(self, graph: Graph) -> tuple[Graph, PadsReport]:
        """The graph whose windows pad for themselves."""
        taken, removed = [], []
        for node in [node for node in graph.nodes if node.op in ("PAD", "PADV2")]:
            pad, (found, into) = node, _taken(graph, node)
            swapped = None if into else _behind_view(graph, node)
            if swapped is not None:
                pad, (found, into) = swapped[1], _taken(*swapped)
            if not into:
                continue
            graph = found
            taken += [(pad.index, index) for index in into]
            if pad.outputs[0] not in graph.outputs and not readers(graph, pad.outputs[0]):
                graph = without(graph, {pad.index})
                removed.append(pad.index)
        return graph, PadsReport(tuple(taken), tuple(removed))


def _taken(graph: Graph, pad: Node) -> tuple[Graph, list[int]]:
    """The graph in which each reader of the PAD that can pads for itself, and the indices of these."""
    moved = {node.index: _padded(graph, pad, node) for node in readers(graph, pad.outputs[0])}
    into = {index: node for index, node in moved.items() if node is not None}
    return replace(graph, nodes=tuple(into.get(node.index, node) for node in graph.nodes)), list(into)


def _behind_view(graph: Graph, pad: Node) -> tuple[Graph, Node] | None:
    """The graph in which the PAD and a RESHAPE that alone reads it, and adds an axis of one element, have changed
    places, and the PAD there: so convolutions over one axis are written."""
    found, padding = readers(graph, pad.outputs[0]), NodeView(graph, pad)
    if len(found) != 1 or found[0].op != "RESHAPE" or pad.outputs[0] in graph.outputs:
        return None
    (view,) = found
    source, before, rows = padding.given(0), padding.output(), paddings(padding)
    at = _new_axis(before.shape, graph.tensors[view.outputs[0]].shape)
    if at is None or source.data is not None:
        return None
    data = np.array([*rows[:at], (0, 0), *rows[at:]], np.int32)
    data.setflags(write=False)
    numbers = Tensor(len(graph.tensors), graph.tensors[pad.inputs[1]].name, data.shape, "int32", None, data)
    tensors = [*graph.tensors, numbers]
    tensors[before.index] = replace(before, shape=(*source.shape[:at], 1, *source.shape[at:]))
    first = replace(view, inputs=(source.index,), outputs=(before.index,), options=MappingProxyType({}))
    second = replace(pad, inputs=(before.index, numbers.index, *pad.inputs[2:]), outputs=view.outputs)
    places = {pad.index: first, view.index: second}
    nodes = tuple(places.get(node.index, node) for node in graph.nodes)
    return replace(graph, tensors=tuple(tensors), nodes=nodes), second


def _new_axis(before: tuple[int, ...], after: tuple[int, ...]) -> int | None:
    """The axis of one element that `after` has and `before` lacks; None where they differ in other ways."""
    places = (at for at in range(len(before) + 1) if (*before[:at], 1, *before[at:]) == after)
    return next(places, None)


def _padded(graph: Graph, pad: Node, reader: Node) -> Node | None:
    """`reader` on the PAD's input with padding of its own; None where that is not the same."""
    view, padding = NodeView(graph, reader), NodeView(graph, pad)
    rows = paddings(padding)
    if padding.given(0).data is not None or len(rows) != 4 or rows[0] != (0, 0) or rows[3] != (0, 0):
        return None
    if not _is_outside(reader, padding):
        return None
    margins = _margins(view, (*rows[1], *rows[2]))
    if margins is None:
        return None
    options = {**reader.options, "padding": "VALID", **dict(zip(EXPLICIT_PADDING, margins, strict=True))}
    return replace(reading(reader, pad.outputs[0], pad.inputs[0]), options=MappingProxyType(options))


def _is_outside(reader: Node, padding: NodeView) -> bool:
    """Whether the PAD's value is what the reader takes for what lies outside its input."""
    if reader.op in CONVOLUTIONS:
        return padding_value(padding) == padding.output().zero_point
    lowest, _ = limits(padding.output().dtype)
    return reader.op == "MAX_POOL_2D" and padding_value(padding) == lowest


def _margins(view: NodeView, extra: tuple[int, ...]) -> tuple[int, ...] | None:
    """Rows and columns of padding of a window with those of the PAD before it, in the order of EXPLICIT_PADDING; None
    where a window may miss the input, for which kernels are not made."""
    kernel = view.given(FILTER).shape[1:3] if view.node.op in CONVOLUTIONS else kernel_size(view)
    found = window(view, kernel)
    extents = (
        (kernel[0] - 1) * found.dilation_height + 1,
        (kernel[1] - 1) * found.dilation_width + 1,
    )
    _, height, width, _ = view.given(0).shape
    bottom = max(0, (found.output_height - 1) * found.stride_height + extents[0] - height - found.pad_top)
    right = max(0, (found.output_width - 1) * found.stride_width + extents[1] - width - found.pad_left)
    own = (found.pad_top, bottom, found.pad_left, right)
    margins = tuple(a + b for a, b in zip(own, extra, strict=True))
    top, bottom, left, right = margins
    fits = max(top, bottom) < extents[0] and max(left, right) < extents[1]
    return margins if fits else None
