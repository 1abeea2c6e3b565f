# SPDX-License-Identifier: Apache-2.0
"""Plans in which everything that can run in bands of rows does, whether it spares memory or not."""

from __future__ import annotations

from collections.abc import Iterator

from tinyq_deploy.bands import Banding
from tinyq_deploy.choose import Choice, Chooser, first_candidates
from tinyq_deploy.graph import Graph
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import lower
from tinyq_deploy.plan import Plan, planned


def banded(
    graph: Graph, target: Target, kernels: str, *, rows: int, nodes: int, tight: bool = False, keep_input: bool = False
) -> Plan:
    """Chains of up to `nodes` nodes in bands of `rows` rows, wherever there can be one; the last band may be lower."""
    banding = Banding(graph, target, kernels)
    chooser = Chooser(graph, keep_input, banding)
    rest, made = list(first_candidates(lower(graph, target, kernels))), []
    while rest:
        count, choice = next(chains(chooser, banding, rest, rows, nodes, tight), (1, rest[0]))
        made.append(choice)
        del rest[:count]
    return planned(chooser, made)


def chains(
    chooser: Chooser, banding: Banding, rest: list[Choice], rows: int, nodes: int, tight: bool
) -> Iterator[tuple[int, Choice]]:
    """(nodes, choice) of each chain that `rest` can begin with, longest first."""
    for count in range(min(nodes, len(rest)), 1, -1):
        items = tuple(choice.items[0] for choice in rest[:count])
        chain = banding.chain(items, rows, tight) if chooser.consecutive(items) else None
        if chain is not None:
            yield count, Choice(items, chain.call, chain)
