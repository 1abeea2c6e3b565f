# SPDX-License-Identifier: Apache-2.0
"""The passes run in order and report; a build without them keeps every layer; removed layers leave names, not gaps."""

from __future__ import annotations

import json
from pathlib import Path

import nets
import numpy as np
import pytest
from exact import assert_same, reference, samples
from host_c import planned, program, rendered
from models import Op, T, constant, model
from test_plan import run_symbolically

from tinyq_deploy import board, deploy, records
from tinyq_deploy.check import check
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import Graph
from tinyq_deploy.optimize import optimize
from tinyq_deploy.passes import PASSES
from tinyq_deploy.plan import check_fit
from tinyq_deploy.read import read

POOL = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1}


def shortened() -> bytes:
    """A RESHAPE that changes nothing, an unread pool, then two layers that stay: 2 and 4, with a kept branch."""
    tensors = [T((1, 2, 2, 4), 0.5, 3) for _ in range(5)]
    tensors += [constant(np.arange(-16, 16).reshape(2, 16), 0.02), T((1, 2), 0.3, 0), T((1, 2), 1 / 256, -128)]
    ops = [
        Op("RESHAPE", [0], [1]), Op("MAX_POOL_2D", [1], [2], POOL, 2), Op("MAX_POOL_2D", [1], [3], POOL, 2),
        Op("RESHAPE", [3], [4]), Op("FULLY_CONNECTED", [4, 5], [6], {}, 4), Op("SOFTMAX", [6], [7], {"beta": 1.0}, 2),
    ]  # fmt: skip
    return model(tensors, ops, [0], [7])


def test_all_passes_report_in_order() -> None:
    graph = read(shortened(), "x")
    done = optimize(graph)
    check(done.graph)
    assert [report.name for report in done.reports] == [
        "dilations", "transposes", "reshapes", "constant layers", "unread layers", "common layers",
        "activation merging", "tables", "pads", "dead channels",
    ]  # fmt: skip
    assert len(done.reports) == len(PASSES)
    assert done.lines == ("reshapes removed: layer 0, layer 3", "unread layers: 1 MAX_POOL_2D")
    assert [node.index for node in done.graph.nodes] == [2, 4, 5]
    json.dumps([report.to_json() for report in done.reports])


def test_no_pass_changes_nothing() -> None:
    graph = read(nets.chain(2), "x")
    done = optimize(graph, ())
    assert done.graph is graph
    assert done.lines == ()


def test_the_plan_goes_by_position_and_names_by_index() -> None:
    made = planned(shortened(), passes=True)
    run_symbolically(made)
    assert [layer.symbol for layer in made.layers] == [
        "layer_02_max_pool_2d", "layer_04_fully_connected", "layer_05_softmax",
    ]  # fmt: skip
    project = rendered(shortened(), passes=True)
    text = project.files["README.md"].decode()
    assert "| 0 | 16 | input to 2 |" in text
    assert "the peak is at layer 2 MAX_POOL_2D" in project.files["model/model.c"].decode()
    assert [entry.index for entry in project.manifest.layers] == [2, 4, 5]


def test_shortened_models_are_exact() -> None:
    models = {"shortened": shortened(), "small": nets.small(), "two": nets.two_in_two_out()}
    built = program(models, passes=True)
    for name, data in models.items():
        given = samples(read(data, name))
        for row, right in zip(built.run(name, given), reference(data).run_many(given), strict=True):
            for output, wanted in zip(row, right, strict=True):
                assert_same(output, wanted, name)


def test_a_model_that_does_not_fit_names_what_is_left() -> None:
    made = planned(shortened(), passes=True)
    target = board.load("nucleo-f446re")
    assert target.memory is not None
    ram = target.memory.ram.model_copy(update={"bytes": 100})
    tight = target.model_copy(update={"memory": target.memory.model_copy(update={"ram": ram})})
    with pytest.raises(FitError) as caught:
        check_fit(made, tight)
    assert "the peak is at layer 2 MAX_POOL_2D" in str(caught.value)


@pytest.mark.parametrize("keep", [False, True])
def test_build_runs_them_unless_layers_are_to_be_kept(keep: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(shortened())
    request = deploy.BuildRequest(path, board.load("host"), out=tmp_path / "out", export=True, keep_layers=keep)
    result = deploy.build(request)
    assert len(result.manifest.layers) == (6 if keep else 3)
    assert bool(result.manifest.passes) != keep
    data = records.build_json(result)
    assert [item["pass"] for item in data["passes"]] == ([] if keep else [report.name for report in result.passes])
    assert ("Changes to the model" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")) != keep


def test_the_oracles_graph_is_untouched() -> None:
    graph = read(nets.small(), "x")
    before = [None if t.data is None else t.data.tobytes() for t in graph.tensors]
    optimize(graph)
    assert [None if t.data is None else t.data.tobytes() for t in graph.tensors] == before
    assert isinstance(graph, Graph)
