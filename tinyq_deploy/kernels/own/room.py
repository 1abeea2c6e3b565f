# SPDX-License-Identifier: Apache-2.0
"""How much working memory a node may have without enlarging the arena."""

from __future__ import annotations

from tinyq_deploy.graph import Graph, Node


def room(graph: Graph, node: Node) -> int:
    """Bytes between what is live while `node` runs and what is live at the peak, where each output lies over the
    largest input that dies with it."""
    live = _live_bytes(graph)
    return max(live) - live[[other.index for other in graph.nodes].index(node.index)]


def _live_bytes(graph: Graph) -> list[int]:
    last = {tensor: position for position, node in enumerate(graph.nodes) for tensor in node.inputs}
    last.update(dict.fromkeys(graph.outputs, len(graph.nodes)))
    held = {tensor: graph.tensors[tensor].bytes for tensor in graph.inputs}
    found = []
    for position, node in enumerate(graph.nodes):
        dying = {t: held[t] for t in node.inputs if t in held and last[t] == position}
        made = {t: graph.tensors[t].bytes for t in node.outputs}
        shared = min(max(dying.values(), default=0), sum(made.values()))
        found.append(sum(held.values()) + sum(made.values()) - shared)
        held = {t: size for t, size in (held | made).items() if t not in dying and t in last}
    return found
