# SPDX-License-Identifier: Apache-2.0
"""Rewrites a checked graph into a smaller one that computes the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinyq_deploy.graph import Graph
from tinyq_deploy.passes import PASSES
from tinyq_deploy.passes.base import Pass, Report


@dataclass(frozen=True)
class Optimized:
    """A graph, and what each pass did to get there, in order. Nodes keep the index that they have in the model."""

    graph: Graph
    reports: tuple[Report, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each pass that changed something."""
        return tuple(report.line for report in self.reports if report.changed)


def optimize(graph: Graph, passes: Sequence[Pass] = PASSES) -> Optimized:
    """`graph` after all passes. Each is exact for every input, so the result is."""
    reports = []
    for item in passes:
        graph, report = item.run(graph)
        reports.append(report)
    return Optimized(graph, tuple(reports))
