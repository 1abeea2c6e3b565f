# SPDX-License-Identifier: Apache-2.0
"""Layers that clamp go into the layer before them where that gives the same bytes, and stay elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from models import Op, T, constant, model
from same import assert_same_bytes

from tinyq_deploy.passes.activations import Activations
from tinyq_deploy.passes.dead_channels import DeadChannels
from tinyq_deploy.passes.intervals import analyze

SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
POOL = {**SAME, "filter_height": 2, "filter_width": 2}
RNG = np.random.default_rng(5)
SHAPE = (1, 3, 4, 2)


def q(scale: float = 0.05, zero: int = -20, shape: tuple[int, ...] = SHAPE) -> T:
    return T(shape, scale, zero)


PRODUCERS = {
    "CONV_2D": ([q(0.03, 5), constant(RNG.integers(-127, 128, (2, 3, 3, 2)), 0.01)], {**SAME}, 3),
    "DEPTHWISE_CONV_2D": ([q(0.03, 5), constant(RNG.integers(-127, 128, (1, 3, 3, 2)), 0.01, axis=3)],
                          {**SAME, "depth_multiplier": 1}, 3),
    "FULLY_CONNECTED": ([q(0.03, 5), constant(RNG.integers(-127, 128, (2, 2)), 0.02)], {"keep_num_dims": True}, 5),
    "ADD": ([q(0.03, 5), constant(RNG.integers(-128, 128, SHAPE), 0.04)], {}, 2),
    "SUB": ([q(0.03, 5), constant(RNG.integers(-128, 128, SHAPE), 0.04)], {}, 2),
    "MUL": ([q(0.03, 5), constant(RNG.integers(-128, 128, SHAPE), 0.04)], {}, 2),
    "MAX_POOL_2D": ([q()], {**POOL}, 2),
    "AVERAGE_POOL_2D": ([q()], {**POOL}, 2),
    "DIV": ([q(0.03, 5), constant(RNG.choice([-90, 40], SHAPE), 0.005)], {}, 2),
}  # fmt: skip


def followed(op: str, then: str, activation: str = "NONE", outputs: tuple[int, ...] = (1,), after: T | None = None,
             more: tuple[T, ...] = ()) -> bytes:  # fmt: skip
    """`op`, then `then` on its output."""
    given, options, version = PRODUCERS[op]
    first = len(given)
    tensors = [*given, q(), after or q(), *more]
    inputs = [first, *(first + 2 + i for i in range(len(more)))]
    ops = [
        Op(op, range(first), [first], {**options, "fused_activation_function": activation}, version),
        Op(then, inputs, [first + 1], {}, 1),
    ]
    return model(tensors, ops, [0], [first + index for index in outputs])


@pytest.mark.parametrize("then", ["RELU", "RELU6"])
@pytest.mark.parametrize("op", PRODUCERS)
def test_a_clamp_in_the_same_scale_is_merged(op: str, then: str) -> None:
    graph, report = assert_same_bytes(followed(op, then), Activations())
    assert [node.op for node in graph.nodes] == [op]
    (merged,) = report.merged
    assert (merged.index, merged.into, merged.low, merged.high) == (1, 0, -20, 127 if then == "RELU" else 100)
    assert report.line == f"activations merged: 1 {then} into 0 {op} (-20..{merged.high})"


@pytest.mark.parametrize("op", ["MAXIMUM", "MINIMUM"])
def test_a_bound_is_a_clamp(op: str) -> None:
    bound = T((1,), 0.05, -20, data=np.array([33], np.int8))
    graph, report = assert_same_bytes(followed("CONV_2D", op, more=(bound,)), Activations())
    assert [node.op for node in graph.nodes] == ["CONV_2D"]
    assert (report.merged[0].low, report.merged[0].high) == ((33, 127) if op == "MAXIMUM" else (-128, 33))


def test_a_change_of_quantisation_that_changes_nothing_goes() -> None:
    graph, _ = assert_same_bytes(followed("CONV_2D", "QUANTIZE"), Activations())
    assert [node.op for node in graph.nodes] == ["CONV_2D"]
    kept, _ = assert_same_bytes(followed("CONV_2D", "QUANTIZE", after=q(0.06)), Activations())
    assert [node.op for node in kept.nodes] == ["CONV_2D", "QUANTIZE"]


def test_clamps_in_a_row_are_merged_one_by_one() -> None:
    tensors = [*PRODUCERS["CONV_2D"][0], *(q() for _ in range(4))]
    ops = [Op("CONV_2D", [0, 1], [2], {**SAME, "fused_activation_function": "RELU"}, 3), Op("RELU6", [2], [3]),
           Op("RELU", [3], [4]), Op("RELU6", [4], [5])]  # fmt: skip
    graph, report = assert_same_bytes(model(tensors, ops, [0], [5]), Activations())
    assert [m.index for m in report.merged] == [1, 2, 3]
    assert graph.nodes[0].outputs == (5,)


def test_intervals_know_the_merged_limits() -> None:
    graph, _ = assert_same_bytes(followed("CONV_2D", "RELU6"), Activations())
    interval = analyze(graph).intervals[graph.outputs[0]]
    assert interval.low.min() >= -20
    assert interval.high.max() <= 100
    DeadChannels().run(graph)


def test_a_layer_that_changes_nothing_goes_behind_any_other() -> None:
    tensors = [q(shape=(1, 5)), T((1, 5), 1 / 256, -128), T((1, 5), 1 / 256, -128)]
    data = model(tensors, [Op("SOFTMAX", [0], [1], {"beta": 1.0}, 2), Op("RELU", [1], [2])], [0], [2])
    graph, _ = assert_same_bytes(data, Activations())
    assert [node.op for node in graph.nodes] == ["SOFTMAX"]
    assert "clamp_min" not in graph.nodes[0].options


STAY = {
    "another scale": followed("CONV_2D", "RELU", after=q(0.06)),
    "another zero point": followed("CONV_2D", "RELU", after=q(zero=-21)),
    "the input is an output too": followed("CONV_2D", "RELU", outputs=(0, 1)),
    "not a clamp": followed("CONV_2D", "ABS"),
    "the input is read twice": model(
        [*PRODUCERS["CONV_2D"][0], q(), q(), q(0.1)],
        [Op("CONV_2D", [0, 1], [2], SAME, 3), Op("RELU", [2], [3]), Op("ADD", [2, 3], [4], {}, 2)], [0], [4],
    ),
    "a model input": model([q(), q()], [Op("RELU", [0], [1])], [0], [1]),
    "behind what does not clamp": model(
        [q(), T(SHAPE, 1 / 128, 0), T(SHAPE, 1 / 128, 0)], [Op("TANH", [0], [1]), Op("RELU", [1], [2])], [0], [2]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STAY)
def test_others_stay(name: str) -> None:
    _, report = assert_same_bytes(STAY[name], Activations())
    assert report.merged == ()
    assert report.line == "activations merged: none"


def test_limits_that_the_layer_before_cannot_reach_stay() -> None:
    """RELU lies wholly above what the ADD's own clamp leaves."""
    tensors = [q(0.05, 100), constant(RNG.integers(-128, 128, SHAPE), 0.05), T(SHAPE, 0.05, 127), T(SHAPE, 0.05, 127)]
    ops = [Op("ADD", [0, 1], [2], {"fused_activation_function": "RELU_N1_TO_1"}, 2), Op("RELU", [2], [3])]
    graph, _ = assert_same_bytes(model(tensors, ops, [0], [3]), Activations())
    assert graph.nodes[-1].outputs == (3,)
