# SPDX-License-Identifier: Apache-2.0
"""Equalisation: the float model computes the same bits, the integer model finds back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from models import Op, T, constant, model

from tinyq_deploy.agreement import outputs
from tinyq_deploy.calibrate import collect
from tinyq_deploy.calibrators import MinMax, Range
from tinyq_deploy.cures.equalize import equalize
from tinyq_deploy.data import load_data
from tinyq_deploy.flatbuffer import constant as values_of
from tinyq_deploy.flatbuffer import graph_of, op_name, parse, serialise, set_constant
from tinyq_deploy.quantize import quantize
from tinyq_deploy.recipe import Recipe
from tinyq_deploy.runtimes import find_runtime

NETS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def float_outputs(data: bytes, x: np.ndarray) -> bytes:
    interpreter = find_runtime().open(data, reference=True)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    found: bytes = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes()
    return found


def unbalanced(digits: Path) -> bytes:
    """The digits model with three channels times 256 before a depthwise convolution, which takes them back."""
    tree = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    tensors = graph_of(tree).tensors
    nodes = graph_of(tree).operators
    chains = [(1, 2), (5, 6)]
    for first, second in chains:
        factor = np.ones(24, np.float32)
        factor[[2, 9, 17]] = 256
        assert [op_name(tree, nodes[n]) for n in (first, second)] == ["DEPTHWISE_CONV_2D", "CONV_2D"]
        for index, scaled in ((nodes[first].inputs[1], factor), (nodes[first].inputs[2], factor),
                              (nodes[second].inputs[1], 1 / factor)):  # fmt: skip
            set_constant(tree, tensors[index], values_of(tree, tensors[index]) * scaled)
    return serialise(tree)


def accuracy(path: Path, digits: Path, equal: bool) -> float:
    test = load_data(digits / "test.npz")
    made = quantize(path, load_data(digits / "representative.npz"), Recipe(equalize=equal))
    (found,) = outputs(made.tflite, test.inputs)
    assert bool(made.report.equalized) == equal
    return float((found.reshape(len(found), -1).argmax(1) == test.labels).mean())


def test_channels_of_unlike_size_are_cured(digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "unbalanced.tflite"
    path.write_bytes(unbalanced(digits))
    clean = accuracy(digits / "digits_float.tflite", digits, False)
    assert accuracy(path, digits, False) < clean - 0.2
    assert accuracy(path, digits, True) > clean - 0.01


def test_the_float_model_computes_the_same_bits(digits: Path) -> None:
    data, x = unbalanced(digits), load_data(digits / "test.npz").inputs[0].astype(np.float32)
    changed, found = equalize(data, {})
    assert len(found) >= 2
    assert max(entry.largest for entry in found) >= 128
    for sample in x[:20]:
        shaped = sample.reshape(1, 8, 8, 1)
        assert float_outputs(changed, shaped) == float_outputs(data, shaped)


def net(between: list[Op], shapes: list[tuple[int, ...]], last: str, activation: str = "RELU") -> bytes:
    """CONV_2D to 6 channels on [1,4,4,3], the operators `between`, then a layer."""
    rng = np.random.default_rng(6)

    def weights(*shape: int) -> T:
        return constant(rng.normal(0, 1, shape), dtype="float32")

    size = int(np.prod(shapes[-1]))
    then = {"CONV_2D": (2, 1, 1, 6), "DEPTHWISE_CONV_2D": (1, 1, 1, 12), "FULLY_CONNECTED": (5, size)}[last]
    first = rng.normal(0, 1, (6, 3, 3, 3)) * np.geomspace(0.01, 300, 6).reshape(-1, 1, 1, 1)
    tensors = [
        T((1, 4, 4, 3), dtype="float32"), constant(first, dtype="float32"), weights(6), weights(*then),
        constant([1, 2], dtype="int32"), *(T(shape, dtype="float32") for shape in shapes),
    ]  # fmt: skip
    out = {"CONV_2D": (*shapes[-1][:3], 2), "DEPTHWISE_CONV_2D": (*shapes[-1][:3], 12), "FULLY_CONNECTED": (1, 5)}[last]
    tensors += [T(out, dtype="float32"), weights(out[-1]), constant([1, size], dtype="int32")]
    window = {"stride_w": 1, "stride_h": 1, "padding": "SAME"}
    multiplied = {"depth_multiplier": 2} if last == "DEPTHWISE_CONV_2D" else {}
    conv = Op("CONV_2D", [0, 1, 2], [5], {**window, "fused_activation_function": activation})
    options = {} if last == "FULLY_CONNECTED" else {**window, **multiplied}
    end = Op(last, [4 + len(shapes), 3, 6 + len(shapes)], [5 + len(shapes)], options)
    return model(tensors, [conv, *between, end], [0], [5 + len(shapes)])


POOL = {"stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "padding": "VALID"}
FULL, HALF = (1, 4, 4, 6), (1, 2, 2, 6)


@pytest.mark.parametrize("last", NETS)
def test_what_may_lie_between(last: str) -> None:
    nets = [net([], [FULL], last)] if last != "FULLY_CONNECTED" else []
    if last == "FULLY_CONNECTED":
        nets += [
            net([Op("AVERAGE_POOL_2D", [5], [6], POOL), Op("RESHAPE", [6, 10], [7])], [FULL, HALF, (1, 24)], last),
            net([Op("MEAN", [5, 4], [6], {"keep_dims": False})], [FULL, (1, 6)], last),
        ]
    else:
        nets.append(net([Op("MAX_POOL_2D", [5], [6], POOL), Op("RELU", [6], [7])], [FULL, HALF, HALF], last))
    x = np.random.default_rng(2).normal(0, 1, (1, 4, 4, 3)).astype(np.float32)
    for data in nets:
        changed, found = equalize(data, {})
        assert [entry.channels > 2 for entry in found] == [True]
        assert float_outputs(changed, x) == float_outputs(data, x)


def ranges(data: bytes, scale: float) -> Mapping[int, Range]:
    x = np.random.default_rng(2).normal(0, scale, (8, 4, 4, 3)).astype(np.float32)
    return collect(data, [x], MinMax()).ranges


def test_a_relu6_that_clamps_stops_it_and_one_that_does_not_becomes_a_relu() -> None:
    data = net([], [FULL], "CONV_2D", "RELU6")
    assert equalize(data, ranges(data, 1.0))[1] == ()
    changed, found = equalize(data, {5: Range(0.0, 5.9)})
    assert len(found) == 1
    tree = parse(changed, "changed")
    assert graph_of(tree).operators[0].builtinOptions.fusedActivationFunction == 1


def test_what_another_reads_stays() -> None:
    tree = parse(net([], [FULL], "CONV_2D"), "net")
    graph_of(tree).outputs = [5, 6]
    assert equalize(serialise(tree), {})[1] == ()
