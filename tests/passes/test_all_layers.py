# SPDX-License-Identifier: Apache-2.0
"""Networks of every kind of layer through all passes and the planner: the oracle's bytes."""

from __future__ import annotations

import pytest
from exact import assert_same, reference
from execute import Program, assert_within, inputs_of
from host_c import program
from random_layers import wide_network

from tinyq_deploy.check import check
from tinyq_deploy.optimize import optimize
from tinyq_deploy.passes.intervals import analyze
from tinyq_deploy.read import read


def assert_exact(seed: int) -> set[str]:
    """The graph after all passes computes what the oracle does, and values stay in their intervals. Returns the names
    of the passes that changed something."""
    data = wide_network(seed)
    graph = read(data, "x")
    check(graph)
    done = optimize(graph)
    check(done.graph)
    before, after, facts = Program(graph), Program(done.graph), analyze(graph)
    inputs = inputs_of(graph, seed, 2)
    for row, expected in zip(inputs, reference(data).run_many(inputs), strict=True):
        values = after.run(row)
        for index, right in zip(graph.outputs, expected, strict=True):
            assert_same(values[index].tobytes(), right, f"seed {seed}, tensor {index}")
        assert_within({index: seen for index, seen in before.run(row).items() if index in facts.intervals}, facts)
    return {report.name for report in done.reports if report.changed}


@pytest.mark.parametrize("seed", range(30))
def test_all_passes_together_keep_every_byte(seed: int) -> None:
    assert_exact(seed)


@pytest.mark.exhaustive
def test_all_passes_together_keep_every_byte_of_many_more() -> None:
    changed = [assert_exact(seed) for seed in range(30, 800)]
    names = set.union(*changed)
    assert {"tables", "dead channels", "pads", "reshapes", "transposes", "activation merging"} <= names


SEEDS = (1, 4, 7, 9)


@pytest.mark.parametrize("optimize_for", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_rendered_networks_compute_what_the_oracle_does(optimize_for: str) -> None:
    models = {f"net{seed}": wide_network(seed) for seed in SEEDS}
    built = program(models, optimize=optimize_for, guards=True, passes=True)
    for name, data in models.items():
        inputs = inputs_of(read(data, name), 3, 2)
        for found, expected in zip(built.run(name, inputs), reference(data).run_many(inputs), strict=True):
            for output, right in zip(found, expected, strict=True):
                assert_same(output, right, name)
