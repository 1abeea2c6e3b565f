# SPDX-License-Identifier: Apache-2.0
"""Dead channel elimination: every tensor keeps its bytes, on random networks, by construction, and on the VWW model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from exact import reference
from execute import Program, assert_cut, assert_within, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model
from random_nets import network

from tinyq_deploy.check import check
from tinyq_deploy.graph import Graph
from tinyq_deploy.passes.cut import cut
from tinyq_deploy.passes.dead_channels import DeadChannels, DeadChannelsReport
from tinyq_deploy.passes.intervals import analyze
from tinyq_deploy.passes.needed import grouped, needed
from tinyq_deploy.read import read

QUICK = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))
SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
seeds = st.integers(0, 1 << 30)


def graph_of(data: bytes) -> Graph:
    graph = read(data, "net.tflite")
    check(graph)
    return graph


def run(data: bytes) -> tuple[Graph, DeadChannelsReport]:
    smaller, report = DeadChannels().run(graph_of(data))
    check(smaller)
    return smaller, report


def assert_exact(data: bytes, seed: int, *, oracle: bool) -> int:
    """Both graphs agree in every tensor, the intervals hold, the oracle agrees; how many channels went."""
    graph = graph_of(data)
    facts = analyze(graph)
    kept = needed(graph, facts)
    before, after = Program(graph), Program(cut(graph, facts, kept))
    inputs = inputs_of(graph, seed)
    rows = [(before.run(row), after.run(row)) for row in inputs]
    for full, small in rows:
        assert_within(full, facts)
        assert_cut(full, small, kept)
    if oracle:
        for (_, small), expected in zip(rows, reference(data).run_many(inputs), strict=True):
            assert [small[index].tobytes() for index in graph.outputs] == list(expected)
    return sum(int((~mask).sum()) for mask in kept.values())


@QUICK
@given(seed=seeds)
def test_random_networks_keep_every_byte(seed: int) -> None:
    assert_exact(network(seed), seed, oracle=True)


@settings(parent=QUICK, max_examples=120)
@given(seed=seeds)
def test_accumulators_that_wrap_keep_every_byte(seed: int) -> None:
    assert_exact(network(seed, wrapping=True), seed, oracle=False)


@pytest.mark.exhaustive
@THOROUGH
@given(seed=seeds, wrapping=st.booleans())
def test_many_random_networks(seed: int, wrapping: bool) -> None:
    assert_exact(network(seed, wrapping=wrapping), seed, oracle=not wrapping)


def test_the_random_networks_do_lose_channels() -> None:
    gone = [assert_exact(network(seed), seed, oracle=False) for seed in range(60)]
    assert sum(count > 0 for count in gone) > 30
    assert sum(gone) > 150


def pointwise_pair(value: int, weights: list[list[int]], kernel: int = 1, padding: str = "SAME") -> bytes:
    """A 1x1 convolution whose channel 1 is always `value`, then a convolution that reads both channels."""
    second = np.repeat(np.array(weights)[:, None, None, :], kernel, 1).repeat(kernel, 2)
    tensors = [
        T((1, 4, 4, 1), 0.5, 0),
        constant(np.array([1, 0]).reshape(2, 1, 1, 1), 1.0),
        constant([0, 4 * value], dtype="int32"),
        T((1, 4, 4, 2), 2.0, 0),
        constant(second, 1.0),
        constant([10, 20][: len(weights)], dtype="int32"),
        T((1, 4, 4, len(weights)) if padding == "SAME" or kernel == 1 else (1, 2, 2, len(weights)), 8.0, 0),
    ]
    options = {**SAME, "padding": padding}
    return model(tensors, [Op("CONV_2D", [0, 1, 2], [3], SAME, 3), Op("CONV_2D", [3, 4, 5], [6], options, 3)], [0], [6])


def test_a_constant_goes_into_the_next_bias() -> None:
    smaller, report = run(pointwise_pair(7, [[1, 3], [2, -5]]))
    _, second = smaller.nodes
    assert smaller.tensors[3].shape == (1, 4, 4, 1)
    assert smaller.tensors[second.inputs[1]].shape == (2, 1, 1, 1)
    bias = smaller.tensors[second.inputs[2]].data
    assert bias is not None
    assert bias.tolist() == [10 + 3 * 7, 20 - 5 * 7]
    assert [layer.constant for layer in report.layers] == [((1, 7),), ()]
    assert (report.layers[0].accumulator_low, report.layers[0].accumulator_high) == (28, 28)
    assert (report.macs_before, report.macs_after) == (16 * (2 + 4), 16 * (1 + 2))
    assert report.layers[1].folded_inputs == 1
    assert "1 of 4 removed (1 constant, 0 unread)" in report.line


def test_a_bias_that_overflows_wraps() -> None:
    data = pointwise_pair(100, [[1, 127], [1, 1]])
    graph = graph_of(data)
    bias = graph.tensors[5].data
    assert bias is not None
    bias = bias.copy()
    bias[0] = (1 << 31) - 1
    tensors = [*graph.tensors]
    tensors[5] = type(tensors[5])(5, "", (2,), "int32", None, bias)
    graph = Graph(graph.name, graph.sha256, tuple(tensors), graph.nodes, graph.inputs, graph.outputs)
    smaller, _ = DeadChannels().run(graph)
    folded = smaller.tensors[smaller.nodes[1].inputs[2]].data
    assert folded is not None
    assert folded[0] == (1 << 31) - 1 + 12700 - (1 << 32)


@pytest.mark.parametrize(
    ("value", "padding", "channels"),
    [(7, "SAME", 2), (0, "SAME", 1), (7, "VALID", 1)],
)
def test_padding_keeps_a_constant_that_is_not_the_zero_point(value: int, padding: str, channels: int) -> None:
    data = pointwise_pair(value, [[1, 3]], kernel=3, padding=padding)
    smaller, report = run(data)
    assert smaller.tensors[3].shape[3] == channels
    assert report.constants_kept == (channels == 2)
    assert_exact(data, 1, oracle=True)


def test_a_channel_without_readers_goes_with_what_computes_it() -> None:
    smaller, report = run(
        model(
            [
                T((1, 4, 4, 3), 0.5, 1), constant(np.full((4, 1, 1, 3), 9), 0.1), T((1, 4, 4, 4), 0.5, 2),
                constant(np.full((1, 3, 3, 4), 5), 0.1), T((1, 4, 4, 4), 0.5, 3),
                constant(np.array([[1, 0, 2, 0]]).reshape(1, 1, 1, 4), 0.1), T((1, 4, 4, 1), 0.5, 4),
            ],
            [
                Op("CONV_2D", [0, 1], [2], SAME, 3),
                Op("DEPTHWISE_CONV_2D", [2, 3], [4], {**SAME, "depth_multiplier": 1}, 3),
                Op("CONV_2D", [4, 5], [6], SAME, 3),
            ],
            [0], [6],
        )
    )  # fmt: skip
    assert [smaller.tensors[index].shape[3] for index in (0, 2, 4, 6)] == [3, 2, 2, 1]
    assert [layer.unread for layer in report.layers] == [(1, 3), (1, 3), ()]
    assert report.macs_after == 16 * (2 * 3 + 2 * 9 + 2)
    assert all(len(node.inputs) == 2 for node in smaller.nodes), "no bias was needed"


def test_a_depthwise_that_saturates_in_every_border_is_constant() -> None:
    """Its input is a constant other than the zero point, so borders add up to less, but the clamp hides it."""
    first = [T((1, 5, 5, 1), 0.5, 0), constant(np.array([1, 0]).reshape(2, 1, 1, 1), 1.0),
             constant([0, 200], dtype="int32"), T((1, 5, 5, 2), 0.5, -128)]  # fmt: skip
    middle = [constant(np.tile([1, 100], (1, 3, 3, 1)), 1.0), constant([0, 5000], dtype="int32"),
              T((1, 5, 5, 2), 0.5, -128)]  # fmt: skip
    last = [constant(np.array([3, 4]).reshape(1, 1, 1, 2), 0.1), T((1, 5, 5, 1), 0.5, 0)]
    ops = [
        Op("CONV_2D", [0, 1, 2], [3], SAME, 3),
        Op("DEPTHWISE_CONV_2D", [3, 4, 5], [6], {**SAME, "depth_multiplier": 1}, 3),
        Op("CONV_2D", [6, 7], [8], SAME, 3),
    ]
    data = model([*first, *middle, *last], ops, [0], [8])
    smaller, report = run(data)
    assert [smaller.tensors[index].shape[3] for index in (3, 6)] == [1, 1]
    assert report.layers[1].constant == ((1, 127),)
    assert report.layers[1].border_patterns == 9
    assert_exact(data, 2, oracle=True)


def test_one_channel_always_stays() -> None:
    data = pointwise_pair(7, [[0, 3]])
    smaller, _ = run(data)
    assert smaller.tensors[3].shape[3] == 1
    assert_exact(data, 3, oracle=True)


def test_inputs_and_outputs_stay() -> None:
    zero = constant(np.zeros((3, 1, 1, 2)), 1.0)
    data = model(
        [T((1, 2, 2, 2), 0.5, 0), zero, T((1, 2, 2, 3), 0.5, 0)], [Op("CONV_2D", [0, 1], [2], SAME, 3)], [0], [2]
    )
    smaller, report = run(data)
    assert smaller is not None
    assert not report.changed
    assert report.line == "dead channels: none"
    assert report.constants_kept == 3


def test_weights_that_only_meet_padding_are_no_reader() -> None:
    """A 3x3 filter over one pixel uses its centre alone."""
    filter_ = np.zeros((1, 3, 3, 2))
    filter_[0, :, :, 1] = 4
    filter_[0, 1, 1] = [4, 0]
    tensors = [T((1, 1, 1, 1), 0.5, 0), constant(np.full((2, 1, 1, 1), 3), 0.5), T((1, 1, 1, 2), 0.5, 0),
               constant(filter_, 0.5), T((1, 1, 1, 1), 0.5, 0)]  # fmt: skip
    data = model(tensors, [Op("CONV_2D", [0, 1], [2], SAME, 3), Op("CONV_2D", [2, 3], [4], SAME, 3)], [0], [4])
    smaller, report = run(data)
    assert smaller.tensors[2].shape[3] == 1
    assert report.layers[0].unread == (1,)
    assert_exact(data, 4, oracle=True)


def test_groups_stay_equal() -> None:
    reads = np.zeros((3, 2, 2), np.bool_)
    reads[0, 0, 1] = reads[2] = True
    inputs, outputs = grouped(reads, np.zeros(6, np.bool_), np.array([1, 0, 0, 0, 1, 1], np.bool_))
    assert inputs.reshape(3, 2).tolist() == [[True, True], [False, False], [True, True]]
    assert outputs.reshape(3, 2).tolist() == [[True, True], [False, False], [True, True]]


def test_the_report_is_plain_data_and_says_why() -> None:
    import json

    _, report = run(pointwise_pair(7, [[1, 3]]))
    data = json.loads(json.dumps(report.to_json()))
    assert (data["pass"], data["changed"]) == ("dead channels", True)
    assert "in every border pattern" in data["proof"]
    assert data["layers"][0]["constant"] == [[1, 7]]


def test_vww_loses_half_its_work(shared_model: Callable[[str], Path]) -> None:
    graph = graph_of(shared_model("vww_mobilenet96_int8.tflite").read_bytes())
    smaller, report = DeadChannels().run(graph)
    check(smaller)
    assert (report.macs_before, report.macs_after) == (7_489_664, 3_727_313)
    assert (report.weight_bytes_before, report.weight_bytes_after) == (208_112, 29_066)
    again, second = DeadChannels().run(smaller)
    assert again is smaller
    assert not second.changed, "a second run finds nothing"
    facts = analyze(graph)
    kept = needed(graph, facts)
    before, after = Program(graph), Program(smaller)
    for row in inputs_of(graph, 5, count=1):
        full = before.run(row)
        assert_within(full, facts)
        assert_cut(full, after.run(row), kept)
        for layer in report.layers:
            output = next(node.outputs[0] for node in graph.nodes if node.index == layer.index)
            assert all((full[output][..., channel] == value).all() for channel, value in layer.constant)


@pytest.mark.parametrize("name", ["ic_resnet8", "kws_ref_model", "ad_autoencoder", "sww_dscnn1d"])
def test_healthy_models_lose_nothing(name: str, shared_model: Callable[[str], Path]) -> None:
    graph = graph_of(shared_model(f"{name}_int8.tflite").read_bytes())
    smaller, report = DeadChannels().run(graph)
    assert smaller is graph
    assert not report.changed
