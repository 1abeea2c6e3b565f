# SPDX-License-Identifier: Apache-2.0
"""Ranges are those of the float model, of every activation, and the same from every runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy.calibrate import activations, collect
from tinyq_deploy.calibrators import MinMax, Range
from tinyq_deploy.data import load_data
from tinyq_deploy.errors import DataError
from tinyq_deploy.flatbuffer import graph_of, op_name, parse, serialise
from tinyq_deploy.quantize import float_inputs
from tinyq_deploy.runtimes import RUNTIMES, find_runtime, installed


def digit_ranges(digits: Path) -> Mapping[int, Range]:
    data = load_data(digits / "representative.npz")
    return collect((digits / "digits_float.tflite").read_bytes(), data.inputs, MinMax()).ranges


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
    whole = collect(model, [x], MinMax()).ranges
    graph = graph_of(parse(model, "ic"))
    sums = [n for n in graph.operators if op_name(parse(model, "ic"), n) == "ADD"]
    for index in {index for node in sums for index in node.inputs}:
        cut = parse(model, "ic")
        nodes = graph_of(cut).operators
        last = next(number for number, node in enumerate(nodes) if index in node.outputs)
        graph_of(cut).operators, graph_of(cut).outputs = nodes[: last + 1], [index]
        assert collect(serialise(cut), [x], MinMax()).ranges[index] == whole[index]


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("model", ["digits", "kws_ref_model", "ic_resnet8", "ad_autoencoder", "vww_mobilenet96"])
def test_ranges_do_not_depend_on_the_runtime(
    digits: Path, shared_model: Callable[[str], Path], name: str, model: str
) -> None:
    """Equal, not close; digits and ResNet8 have additions whose inputs a runtime may overwrite."""
    if name not in installed():
        pytest.skip(f"{name} is not installed, or not usable beside numpy {np.__version__}")
    path = digits / "digits_float.tflite" if model == "digits" else shared_model(f"{model}_float.tflite")
    data = path.read_bytes()
    (tensor,) = float_inputs(data)
    x = np.random.default_rng(1).uniform(0, 1, (5, *tensor.shape[1:])).astype(np.float32)
    assert find_runtime(name).name == name
    ours, reference = (collect(data, [x], MinMax(), runtime) for runtime in (name, "ai_edge_litert"))
    assert ours.ranges == reference.ranges
    assert ours.runtime.startswith(f"{name} ")
    assert ours.runtime.endswith(", reference kernels")
    assert ours.doubt == ()


def test_operators_without_a_reference_kernel_take_the_optimised_one_and_say_so(digits: Path) -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    tree = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    softmax = graph_of(tree).operators[-1]
    code = tree.operatorCodes[softmax.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.ELU
    softmax.builtinOptions, softmax.builtinOptionsType = None, 0
    found = collect(serialise(tree), load_data(digits / "representative.npz").inputs, MinMax())
    assert found.runtime.endswith(", optimised kernels")
    assert "ELU" in found.doubt[0].found
    assert found.ranges[24].low >= -1  # the least that ELU gives


def test_values_that_are_not_finite_name_sample_and_tensor(digits: Path) -> None:
    x = np.zeros((3, 8, 8, 1), np.float32)
    x[2] = 3e38
    with pytest.raises(DataError, match=r"sample 2: NaN or infinity in tensor \d+"):
        collect((digits / "digits_float.tflite").read_bytes(), [x], MinMax())


def test_labels_of_activations(digits: Path) -> None:
    names = activations((digits / "digits_float.tflite").read_bytes())
    assert names[0] == "tensor 0 'image'"
