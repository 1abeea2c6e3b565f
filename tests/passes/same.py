# SPDX-License-Identifier: Apache-2.0
"""A pass keeps what a model computes: the oracle's bytes, or the portable kernels' before it."""

from __future__ import annotations

from typing import TypeVar

from exact import reference
from execute import Program, inputs_of

from tinyq_deploy.check import check
from tinyq_deploy.graph import Graph
from tinyq_deploy.passes.base import Pass, Report
from tinyq_deploy.read import read

R = TypeVar("R", bound=Report)


def assert_same_bytes(data: bytes, item: Pass, kind: str = "tflite-micro", seed: int = 1) -> tuple[Graph, Report]:
    """Runs `item` on the model; its outputs stay those of the oracle. Returns the graph and the report."""
    graph = read(data, "x")
    check(graph)
    after, report = item.run(graph)
    check(after)
    program, inputs = Program(after), inputs_of(graph, seed, 8)
    for row, expected in zip(inputs, reference(data, kind).run_many(inputs), strict=True):
        values = program.run(row)
        assert [values[index].tobytes() for index in graph.outputs] == list(expected)
    assert report.changed == (after is not graph)
    return after, report
