# SPDX-License-Identifier: Apache-2.0
"""RESHAPEs go where their reader does not see the shape, and stay elsewhere."""

from __future__ import annotations

import nets
import numpy as np
import pytest
from exact import reference
from execute import Program, inputs_of
from models import Op, T, constant, model

from tinyq_deploy.passes.reshapes import Reshapes
from tinyq_deploy.read import read


def shaped(*shape: int) -> T:
    return T(shape, 0.5, 3)


FILTER = constant(np.arange(-12, 12).reshape(2, 12), 0.02)
DENSE = Op("FULLY_CONNECTED", [1, 2], [3], {}, 4)
POOL = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 2}
MODELS = {
    "before a matrix product": (
        model([shaped(1, 3, 2, 2), shaped(1, 12), FILTER, T((1, 2), 0.3, 0)], [Op("RESHAPE", [0], [1]), DENSE], [0],
              [3]), [0],
    ),
    "the same shape": (
        model([shaped(1, 3, 2, 2), shaped(1, 3, 2, 2), shaped(1, 3, 1, 2)],
              [Op("RESHAPE", [0], [1]), Op("MAX_POOL_2D", [1], [2], POOL, 2)], [0], [2]), [0],
    ),
    "one after the other": (
        model([shaped(1, 12), shaped(1, 3, 4), shaped(1, 6, 2, 1), shaped(1, 6, 1, 1)],
              [Op("RESHAPE", [0], [1]), Op("RESHAPE", [1], [2]), Op("MAX_POOL_2D", [2], [3], POOL, 2)], [0], [3]), [0],
    ),
    "an output": (model([shaped(1, 12), shaped(1, 3, 4)], [Op("RESHAPE", [0], [1])], [0], [1]), []),
    "before a window": (
        model([shaped(1, 12), shaped(1, 6, 2, 1), shaped(1, 6, 1, 1)],
              [Op("RESHAPE", [0], [1]), Op("MAX_POOL_2D", [1], [2], POOL, 2)], [0], [2]), [],
    ),
    "an output that is read": (
        model([shaped(1, 3, 2, 2), shaped(1, 12), FILTER, T((1, 2), 0.3, 0)], [Op("RESHAPE", [0], [1]), DENSE], [0],
              [1, 3]), [],
    ),
    "computed weights": (
        model([shaped(1, 2, 1, 12), shaped(2, 12), T((1, 12), 0.1, 5), T((1, 2), 9.0, 0)],
              [Op("RESHAPE", [0], [1]), Op("FULLY_CONNECTED", [2, 1], [3], {}, 4)], [0, 2], [3]), [],
    ),
    "every kind of layer": (nets.small(), [4]),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_it_goes_or_stays(name: str) -> None:
    data, removed = MODELS[name]
    graph = read(data, name)
    smaller, report = Reshapes().run(graph)
    assert list(report.removed) == removed
    assert report.changed == bool(removed)
    assert [node.index for node in smaller.nodes] == [n.index for n in graph.nodes if n.index not in removed]
    inputs = inputs_of(graph, 1)
    after = Program(smaller)
    for row, expected in zip(inputs, reference(data).run_many(inputs), strict=True):
        values = after.run(row)
        assert [values[index].tobytes() for index in graph.outputs] == list(expected)


def test_the_line_names_the_layers() -> None:
    graph = read(MODELS["one after the other"][0], "x")
    assert Reshapes().run(graph)[1].line == "reshapes removed: layer 0"
    assert Reshapes().run(read(nets.chain(2), "x"))[1].line == "reshapes removed: none"
