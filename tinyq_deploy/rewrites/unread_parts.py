# SPDX-License-Identifier: Apache-2.0
"""SPLIT, SPLIT_V and UNPACK of which a part is never read."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.flatbuffer import ModelT, OperatorT, constant, graph_of, op_name
from tinyq_deploy.rewrites.base import Rewrite, add_constant, is_read, operator


class UnreadParts(Rewrite):
    """SPLIT, SPLIT_V or UNPACK with a part that nobody reads becomes one STRIDED_SLICE for each part that is read:
    quantizers leave the operator float, because nothing says how the unread part is quantised. The forget gate of the
    first step of an unrolled LSTM is such a part."""

    def apply(self, tree: ModelT) -> None:
        """See Rewrite.apply."""
        graph = graph_of(tree)
        kept = []
        for node in graph.operators:
            name = op_name(tree, node)
            divides = name in ("SPLIT", "SPLIT_V", "UNPACK")
            if divides and not all(is_read(tree, int(index)) for index in node.outputs):
                kept += _slices(tree, node, name)
            else:
                kept.append(node)
        graph.operators = kept


def _slices(tree: ModelT, node: OperatorT, name: str) -> list[OperatorT]:
    from ai_edge_litert.schema_py_generated import StridedSliceOptionsT

    tensors = graph_of(tree).tensors
    source = int(node.inputs[1 if name == "SPLIT" else 0])
    shape = [int(size) for size in tensors[source].shape]
    axis = _axis(tree, node, name) % len(shape)
    made, start = [], 0
    for index in map(int, node.outputs):
        size = 1 if name == "UNPACK" else int(tensors[index].shape[axis])
        if is_read(tree, index):
            begin, end = np.zeros(len(shape), np.int32), np.array(shape, np.int32)
            begin[axis], end[axis] = start, start + size
            bounds = [add_constant(tree, values, "slice") for values in (begin, end, np.ones(len(shape), np.int32))]
            options = StridedSliceOptionsT()
            options.shrinkAxisMask = 1 << axis if name == "UNPACK" else 0
            made.append(operator(tree, "STRIDED_SLICE", [source, *bounds], index, options))
        start += size
    return made


def _axis(tree: ModelT, node: OperatorT, name: str) -> int:
    if name == "UNPACK":
        return int(node.builtinOptions.axis)
    values = constant(tree, graph_of(tree).tensors[int(node.inputs[0 if name == "SPLIT" else 2])])
    assert values is not None
    return int(values.reshape(()))
