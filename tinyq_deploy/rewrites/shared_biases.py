# SPDX-License-Identifier: Apache-2.0
"""One bias tensor for several operators."""

from __future__ import annotations

from tinyq_deploy.flatbuffer import ModelT, constant, graph_of, op_name
from tinyq_deploy.quantizers.constants import POSITIONS
from tinyq_deploy.rewrites.base import Rewrite, add_constant


class SharedBiases(Rewrite):
    """A bias that several operators read is copied for each: its integer form depends on the scales of the input and
    the weights. Converters share the zeros of convolutions without bias."""

    def apply(self, tree: ModelT) -> None:
        """See Rewrite.apply."""
        seen: set[int] = set()
        for node in graph_of(tree).operators:
            at = POSITIONS.get(op_name(tree, node))
            if at is None or len(node.inputs) <= at[2] or node.inputs[at[2]] < 0:
                continue
            index = int(node.inputs[at[2]])
            values = constant(tree, graph_of(tree).tensors[index])
            if index in seen and values is not None:
                inputs = list(node.inputs)
                inputs[at[2]] = add_constant(tree, values, f"bias_{len(graph_of(tree).tensors)}")
                node.inputs = inputs
            seen.add(index)
