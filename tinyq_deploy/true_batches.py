# SPDX-License-Identifier: Apache-2.0
"""The batches that a model really has behind SPACE_TO_BATCH_ND.

A converter that is not told the batch leaves it open and writes 1 for every tensor, although SPACE_TO_BATCH_ND makes
an image for each place in a block. Interpreters that compute shapes, as LiteRT does, do not mind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from tinyq_deploy.graph import Graph, Node

SPLIT, JOIN = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"
MOST_IMAGES = 1 << 16


def with_true_batches(graph: Graph) -> Graph:
    """`graph` with the batches that its tensors have; itself where they are stated. Shapes may be wrong in other ways:
    the check finds out."""
    factors = _factors(graph)
    if any(factors.get(index, 1) != 1 for index in graph.outputs):
        return graph
    changed = {index: factor for index, factor in factors.items() if factor != 1 and graph.tensors[index].shape}
    tensors = tuple(
        replace(t, shape=(t.shape[0] * changed[t.index], *t.shape[1:])) if t.index in changed else t
        for t in graph.tensors
    )
    return replace(graph, tensors=tensors) if changed else graph


def _factors(graph: Graph) -> Mapping[int, int]:
    """How many times more batches each tensor has than it states."""
    factors: dict[int, int] = {}
    for node in graph.nodes:
        factor = max((factors.get(index, 1) for index in node.inputs), default=1)
        images = _unstated(graph, node)
        if node.op == SPLIT and factor * images <= MOST_IMAGES:
            factor *= images
        elif node.op == JOIN and factor % images == 0:
            factor //= images
        factors.update((index, factor) for index in node.outputs if graph.tensors[index].data is None)
    return factors


def _unstated(graph: Graph, node: Node) -> int:
    """The places in the block of such a node, if its input and output state one batch; else 1."""
    if node.op not in (SPLIT, JOIN) or len(node.inputs) < 2 or len(node.outputs) != 1 or min(node.inputs[:2]) < 0:
        return 1
    source, block, output = (graph.tensors[index] for index in (*node.inputs[:2], node.outputs[0]))
    if block.data is None or source.shape[:1] != output.shape[:1]:
        return 1
    return max(1, math.prod(int(count) for count in block.data.reshape(-1)[:4]))
