# SPDX-License-Identifier: Apache-2.0
"""Layers that compute the same are computed once; layers that differ in anything stay."""

from __future__ import annotations

import numpy as np
import pytest
from models import Op, T, constant, model
from same import assert_same_bytes

from tinyq_deploy.passes.common import CommonLayers

SHAPE = (1, 3, 4, 2)
SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
WEIGHTS = np.random.default_rng(2).integers(-127, 128, (2, 1, 1, 2))


def q(scale: float = 0.05, zero: int = 3) -> T:
    return T(SHAPE, scale, zero)


def twice(second: T | None = None, weights: np.ndarray = WEIGHTS, options: dict[str, object] | None = None,
          outputs: tuple[int, ...] = (5,)) -> bytes:  # fmt: skip
    """Two convolutions of the input and their sum; the second one may differ."""
    tensors = [q(), constant(WEIGHTS, 0.02), constant(weights, 0.02), q(), second or q(), q(0.1)]
    ops = [
        Op("CONV_2D", [0, 1], [3], SAME, 3),
        Op("CONV_2D", [0, 2], [4], {**SAME, **(options or {})}, 3),  # type: ignore[dict-item]
        Op("ADD", [3, 4], [5], {}, 2),
    ]
    return model(tensors, ops, [0], outputs)


def test_the_second_goes() -> None:
    graph, report = assert_same_bytes(twice(), CommonLayers())
    assert report.removed == ((1, 0),)
    assert report.line == "common layers: 1 is 0"
    assert graph.nodes[1].inputs == (3, 3)


def test_what_follows_from_equal_layers_is_equal() -> None:
    tensors = [q(), q(), q(), q(), q(), q(0.1)]
    ops = [Op("ABS", [0], [1]), Op("ABS", [0], [2]), Op("RELU", [1], [3]), Op("RELU", [2], [4]),
           Op("SUB", [3, 4], [5], {}, 2)]  # fmt: skip
    graph, report = assert_same_bytes(model(tensors, ops, [0], [5]), CommonLayers())
    assert report.removed == ((1, 0), (3, 2))
    assert [node.index for node in graph.nodes] == [0, 2, 4]


DIFFERENT = {
    "weights": twice(weights=WEIGHTS + 1),
    "scale": twice(second=q(0.06)),
    "options": twice(options={"fused_activation_function": "RELU"}),
    "a model output": twice(outputs=(4, 5)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_layers_that_differ_stay(name: str) -> None:
    _, report = assert_same_bytes(DIFFERENT[name], CommonLayers())
    assert report.removed == ()
    assert report.line == "common layers: none"
