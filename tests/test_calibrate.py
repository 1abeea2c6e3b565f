# SPDX-License-Identifier: Apache-2.0
"""Ranges are those of the float model, of every activation, and the same from every runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy.calibrate import activations, collect
from tinyq_deploy.calibrators import MinMax, Range
from tinyq_deploy.data import load_data
from tinyq_deploy.errors import DataError
from tinyq_deploy.flatbuffer import graph_of, op_name, parse, serialise
from tinyq_deploy.runtimes import RUNTIMES, find_runtime


def digit_ranges(digits: Path, runtime: str | None = None) -> Mapping[int, Range]:
    data = load_data(digits / "representative.npz")
    return collect((digits / "digits_float.tflite").read_bytes(), data.inputs, MinMax(), runtime)


def test_every_activation_and_no_constant(digits: Path) -> None:
    ranges = digit_ranges(digits)
    assert sorted(ranges) == [0, *range(14, 25)]
    assert ranges[0] == Range(0.0, 1.0)
    assert ranges[24].low >= 0
    assert ranges[24].high <= 1


def test_inputs_of_an_addition_are_read_before_it_may_overwrite_them(shared_model: Callable[[str], Path]) -> None:
    """The range of each ADD input equals what the model cut off at that tensor gives as its output."""
    model = shared_model("ic_resnet8_float.tflite").read_bytes()
    x = np.random.default_rng(1).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    whole = collect(model, [x], MinMax())
    graph = graph_of(parse(model, "ic"))
    sums = [n for n in graph.operators if op_name(parse(model, "ic"), n) == "ADD"]
    for index in {index for node in sums for index in node.inputs}:
        cut = parse(model, "ic")
        nodes = graph_of(cut).operators
        last = next(number for number, node in enumerate(nodes) if index in node.outputs)
        graph_of(cut).operators, graph_of(cut).outputs = nodes[: last + 1], [index]
        assert collect(serialise(cut), [x], MinMax())[index] == whole[index]


@pytest.mark.parametrize("name", RUNTIMES)
def test_ranges_do_not_depend_on_the_runtime(digits: Path, shared_model: Callable[[str], Path], name: str) -> None:
    if find_spec(name.replace("tf.lite", "tensorflow")) is None:
        pytest.skip(f"{name} is not installed")
    if name == "tflite_runtime" and np.__version__ >= "2":
        pytest.skip(f"tflite_runtime does not work beside numpy {np.__version__}")
    assert find_runtime(name).name == name
    assert digit_ranges(digits, name) == digit_ranges(digits, "ai_edge_litert")
    x = np.random.default_rng(1).normal(-20, 10, (5, 49, 10, 1)).astype(np.float32)
    model = shared_model("kws_ref_model_float.tflite").read_bytes()
    assert collect(model, [x], MinMax(), name) == collect(model, [x], MinMax(), "ai_edge_litert")


def test_values_that_are_not_finite_name_sample_and_tensor(digits: Path) -> None:
    x = np.zeros((3, 8, 8, 1), np.float32)
    x[2] = 3e38
    with pytest.raises(DataError, match=r"sample 2: NaN or infinity in tensor \d+"):
        collect((digits / "digits_float.tflite").read_bytes(), [x], MinMax())


def test_labels_of_activations(digits: Path) -> None:
    names = activations((digits / "digits_float.tflite").read_bytes())
    assert names[0] == "tensor 0 'image'"
