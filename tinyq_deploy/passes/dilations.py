# SPDX-License-Identifier: Apache-2.0
"""Makes SPACE_TO_BATCH_ND, a convolution of its images and BATCH_TO_SPACE_ND one dilated convolution.

TensorFlow writes a dilated convolution like this; those of one spatial axis have a RESHAPE on both sides of the
convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.conv_2d import EXPLICIT_PADDING, FILTER, INPUT, window
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.ops.space_to_batch import blocks, margins
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.passes.pads import CONVOLUTIONS
from tinyq_deploy.passes.rewire import readers

Pair = tuple[int, int]
Number = TypeVar("Number")


@dataclass(frozen=True)
class DilationsReport(Report):
    """The convolutions that are dilated now, as (SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND) indices."""

    name = "dilations"
    proof = (
        "Image r of SPACE_TO_BATCH_ND holds the rows r, r + B, r + 2B, ... of the padded input, and so do those of "
        "BATCH_TO_SPACE_ND. A filter of dilation B that starts at row r meets these rows alone. The padding holds the "
        "zero point, as a convolution takes what lies outside its input."
    )

    made: tuple[tuple[int, int, int], ...]

    @property
    def changed(self) -> bool:
        """Whether a convolution changed."""
        return bool(self.made)

    @property
    def line(self) -> str:
        """Which layers went where."""
        told = (f"layers {first} and {last} into {conv}" for first, conv, last in self.made)
        return "dilations: " + (", ".join(told) or "none")


class Dilations(Pass):
    """Dilated convolutions of one piece."""

    def run(self, graph: Graph) -> tuple[Graph, DilationsReport]:
        """The graph with such convolutions."""
        made = []
        for node in [node for node in graph.nodes if node.op == "SPACE_TO_BATCH_ND"]:
            path = _path(graph, node)
            dilated = None if path is None else _dilated(graph, path)
            if path is not None and dilated is not None:
                graph = dilated
                made.append((path.split.index, path.conv.index, path.join.index))
        return graph, DilationsReport(tuple(made))


@dataclass(frozen=True)
class _Path:
    """The layers from one SPACE_TO_BATCH_ND on, each of which alone reads the one before."""

    split: Node
    before: tuple[Node, ...]
    conv: Node
    behind: tuple[Node, ...]
    join: Node


def _path(graph: Graph, split: Node) -> _Path | None:
    before, conv = _through_views(graph, split)
    if conv is None or conv.op not in CONVOLUTIONS:
        return None
    behind, join = _through_views(graph, conv)
    if join is None or join.op != "BATCH_TO_SPACE_ND":
        return None
    same = blocks(NodeView(graph, split)) == blocks(NodeView(graph, join))
    return _Path(split, before, conv, behind, join) if same else None


def _through_views(graph: Graph, node: Node) -> tuple[tuple[Node, ...], Node | None]:
    """The views behind a node, and the layer that reads the last of them alone; None where there is no such layer."""
    views: list[Node] = []
    while True:
        output = (views[-1] if views else node).outputs[0]
        found = readers(graph, output)
        if len(found) != 1 or found[0].inputs[0] != output or output in graph.outputs:
            return tuple(views), None
        if found[0].op not in VIEWS:
            return tuple(views), found[0]
        views.append(found[0])


def _dilated(graph: Graph, path: _Path) -> Graph | None:
    """The graph with one convolution for the path; None where none does the same."""
    view, split, join = (NodeView(graph, node) for node in (path.conv, path.split, path.join))
    at = _axes(view.given(INPUT).shape, split.output().shape)
    if at is None or at != _axes(view.output().shape, join.given(0).shape):
        return None
    found = window(view, view.given(FILTER).shape[1:3])
    if (found.stride_height, found.stride_width) != (1, 1):
        return None
    own = ((found.pad_top, found.dilation_height), (found.pad_left, found.dilation_width))
    sizes = [_spread(split.given(0).shape, at), _spread(join.output().shape, at)]
    block, edges = _spatial(blocks(split), at, 1), _spatial(_first(split, join), at, (0, 0))
    axes = []
    for axis in range(2):
        made = _axis(view.given(FILTER).shape[1 + axis], own[axis], block[axis], edges[axis],
                     (sizes[0][1 + axis], sizes[1][1 + axis]))  # fmt: skip
        if made is None:
            return None
        axes.append(made)
    return _rewritten(graph, path, sizes, axes)


def _axes(shape: Sequence[int], images: Sequence[int]) -> tuple[int, ...] | None:
    """Which axes of a convolution's tensor are the spatial ones of the images; None where it is another tensor."""
    if tuple(shape) == tuple(images):
        return (1, 2)
    if len(images) == 3 and tuple(shape) == (images[0], 1, *images[1:]):
        return (2,)
    return (1,) if len(images) == 3 and tuple(shape) == (images[0], images[1], 1, images[2]) else None


def _spread(shape: Sequence[int], at: tuple[int, ...]) -> tuple[int, ...]:
    """[N,H,C] or [N,H,W,C] as the convolution's [N,H,W,C]."""
    height, width = _spatial(shape[1:-1], at, 1)
    return (shape[0], height, width, shape[-1])


def _spatial(numbers: Sequence[Number], at: tuple[int, ...], other: Number) -> tuple[Number, Number]:
    """A number for height and width: `other` for an axis that the images lack."""
    given = dict(zip(at, numbers, strict=True))
    return given.get(1, other), given.get(2, other)


def _first(split: NodeView, join: NodeView) -> list[Pair]:
    """Padding and what is cut off before each spatial axis."""
    return [(pad[0], cut[0]) for pad, cut in zip(margins(split), margins(join), strict=True)]


def _axis(taps: int, own: Pair, block: int, edges: Pair, sizes: Pair) -> tuple[int, int, int] | None:
    """Dilation and padding on both sides along one axis. `own` is the convolution's padding and dilation."""
    dilation = block * own[1]
    before = edges[0] - edges[1] + block * own[0]
    reach = (taps - 1) * dilation
    behind = sizes[1] - sizes[0] - before + reach
    return (dilation, before, behind) if 0 <= before <= reach and 0 <= behind <= reach else None


def _rewritten(
    graph: Graph, path: _Path, sizes: Sequence[tuple[int, ...]], axes: Sequence[tuple[int, int, int]]
) -> Graph | None:
    """The graph with the dilated convolution between a view of the first layer's input and one of the last one's
    output, where these have another shape."""
    source, output = path.split.inputs[0], path.join.outputs[0]
    (rows, top, bottom), (columns, left, right) = axes
    margins = dict(zip(EXPLICIT_PADDING, (top, bottom, left, right), strict=True))
    options = {
        **path.conv.options, **margins, "padding": "VALID", "dilation_h_factor": rows, "dilation_w_factor": columns,
    }  # fmt: skip
    tensors, nodes = list(graph.tensors), {}
    ends = [source, output]
    for side, (views, end) in enumerate(((path.before, source), (path.behind, output))):
        if views:
            ends[side] = path.conv.inputs[0] if side == 0 else path.conv.outputs[0]
            tensors[ends[side]] = replace(tensors[ends[side]], shape=sizes[side])
            inputs, outputs = ((end,), (ends[0],)) if side == 0 else ((ends[1],), (end,))
            nodes[views[0].index] = replace(
                views[0], op="RESHAPE", inputs=inputs, outputs=outputs, options=MappingProxyType({})
            )
    conv = replace(
        path.conv, inputs=(ends[0], *path.conv.inputs[1:]), outputs=(ends[1],), options=MappingProxyType(options)
    )
    nodes[conv.index] = conv
    gone = {node.index for node in (path.split, *path.before, *path.behind, path.join)} - set(nodes)
    kept = tuple(nodes.get(node.index, node) for node in graph.nodes if node.index not in gone)
    changed = replace(graph, tensors=tuple(tensors), nodes=kept)
    return changed if OPERATORS[conv.op].broken(NodeView(changed, conv)) is None else None
