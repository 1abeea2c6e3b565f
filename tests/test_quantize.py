# SPDX-License-Identifier: Apache-2.0
"""Quantisation end to end without TensorFlow: the digits example and the shared models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy import quantize as stage
from tinyq_deploy.data import Dataset, load_data, to_model_input
from tinyq_deploy.errors import DataError, ModelError, UsageError
from tinyq_deploy.flatbuffer import constant, graph_of, op_name, parse, serialise, set_constant
from tinyq_deploy.graph import Quantization, Tensor
from tinyq_deploy.load import Kind
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.quantize import quantize
from tinyq_deploy.quantizers import Precision
from tinyq_deploy.quantizers.constants import scales
from tinyq_deploy.recipe import Recipe
from tinyq_deploy.runtimes import find_runtime


@pytest.fixture(scope="module")
def calibration(digits: Path) -> Dataset:
    return load_data(digits / "representative.npz")


def input_of(model: bytes) -> Tensor:
    graph = graph_of(parse(model, "model"))
    tensor = graph.tensors[graph.inputs[0]]
    scale, zero = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
    dtype = {9: "int8", 7: "int16"}[tensor.type]
    return Tensor(0, "x", tuple(int(s) for s in tensor.shape), dtype, Quantization((scale,), (zero,)))


def float_output(model: bytes, sample: np.ndarray) -> np.ndarray:
    runtime = find_runtime().open(model)
    runtime.set_tensor(runtime.get_input_details()[0]["index"], sample[None])
    runtime.invoke()
    output: np.ndarray = runtime.get_tensor(runtime.get_output_details()[0]["index"]).ravel()
    return output


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_digits_keep_their_accuracy(digits: Path, calibration: Dataset, precision: Precision) -> None:
    """360 held-out samples: float at least 97 %, integer within one point of it, agreement at least 99 %."""
    test = load_data(digits / "test.npz")
    model = digits / "digits_float.tflite"
    result = quantize(model, calibration, Recipe(precision=precision))
    tensor = input_of(result.tflite)
    with open_oracle(result.tflite) as oracle:
        outputs = list(oracle.run_many([to_model_input(x, tensor)] for x in test.inputs[0]))
    integer = np.array([np.frombuffer(output, tensor.dtype).argmax() for (output,) in outputs])
    real = np.array([float_output(model.read_bytes(), x).argmax() for x in test.inputs[0]])
    assert (real == test.labels).mean() >= 0.97
    assert abs((integer == test.labels).mean() - (real == test.labels).mean()) <= 0.01
    assert (integer == real).mean() >= 0.99


def test_the_example_is_what_its_readme_says(digits: Path, calibration: Dataset) -> None:
    test = load_data(digits / "test.npz")
    assert len(test) == 360
    assert len(calibration) == 100
    seen = {sample.tobytes() for sample in calibration.inputs[0]}
    assert not seen & {sample.tobytes() for sample in test.inputs[0]}
    assert sum(path.stat().st_size for path in digits.iterdir() if path.is_file()) < 200_000
    tree = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    ops = {op_name(tree, node) for node in graph_of(tree).operators}
    assert ops == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE",
                   "FULLY_CONNECTED", "SOFTMAX"}  # fmt: skip


def test_report(digits: Path, calibration: Dataset) -> None:
    result = quantize(digits / "digits_float.tflite", calibration)
    report = result.report
    assert report.source is Kind.FLOAT_TFLITE
    assert report.backend.startswith("litert-quantizer 0.11")
    assert report.runtime.startswith("ai_edge_litert 2.")
    assert (report.method, report.precision, report.samples) == ("minmax", "int8", 100)
    assert report.ranges[0][0] == "tensor 0 'image'"
    assert len(report.ranges) == 12
    assert report.warnings == ()


def test_same_input_same_bytes(digits: Path, calibration: Dataset) -> None:
    first, second = (quantize(digits / "digits_float.tflite", calibration).tflite for _ in range(2))
    assert first == second


def test_output_carries_names_versions_and_no_dead_weight(digits: Path, calibration: Dataset) -> None:
    tree = parse(quantize(digits / "digits_float.tflite", calibration).tflite, "digits")
    source = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    assert [t.name for t in graph_of(tree).tensors] == [t.name for t in graph_of(source).tensors]
    versions = {op_name(tree, n): tree.operatorCodes[n.opcodeIndex].version for n in graph_of(tree).operators}
    assert versions["CONV_2D"] == 3
    assert versions["FULLY_CONNECTED"] == 4
    used = {int(t.buffer) for t in graph_of(tree).tensors} | {int(m.buffer) for m in tree.metadata or []}
    assert used | {0} == set(range(len(tree.buffers)))


@pytest.mark.parametrize("name", ["kws_ref_model", "ic_resnet8", "ad_autoencoder", "vww_mobilenet96", "sww_dscnn1d"])
def test_integer_models_pass_byte_for_byte(shared_model: Callable[[str], Path], name: str) -> None:
    path = shared_model(f"{name}_int8.tflite")
    result = quantize(path, None)
    assert result.tflite == path.read_bytes()
    assert result.report.source is Kind.INTEGER_TFLITE
    assert result.report.backend == ""


def with_integer_weights(real: bytes, integer: bytes) -> bytes:
    """The float model with the weights that the integer model has."""
    floats, integers = parse(real, "float"), parse(integer, "integer")
    for target, source in zip(graph_of(floats).tensors, graph_of(integers).tensors, strict=True):
        values = constant(integers, source)
        if values is None or values.dtype != np.int8:
            continue
        scale, axis = np.array(source.quantization.scale, np.float32), source.quantization.quantizedDimension
        shape = [-1 if a == axis and len(scale) > 1 else 1 for a in range(values.ndim)]
        set_constant(floats, target, values * scale.reshape(shape))
    return serialise(floats)


@pytest.mark.parametrize(
    ("name", "precision", "bound"),
    [
        ("kws_ref_model", "int8", 0.1),
        ("ic_resnet8", "int8", 0.3),
        ("ad_autoencoder", "int8", 0.1),
        ("vww_mobilenet96", "int8", 0.1),
        ("kws_ref_model", "int16x8", 0.001),
        ("ic_resnet8", "int16x8", 0.001),
        # With one scale per layer its coarse weights leave the calibrated ranges, which clip by up to 10 %.
        ("ad_autoencoder", "int16x8", 0.1),
        ("vww_mobilenet96", "int16x8", 0.001),
    ],
)
def test_shared_models_follow_a_float_model_with_their_weights(
    shared_model: Callable[[str], Path], name: str, precision: Precision, bound: float
) -> None:
    """On noise the oracle's outputs lie within `bound` of the float outputs' span, plus two steps."""
    path = shared_model(f"{name}_float.tflite")
    (tensor,) = stage.float_inputs(path.read_bytes())
    x = np.random.default_rng(0).uniform(0, 1, (24, *tensor.shape[1:])).astype(np.float32)
    result = quantize(path, Dataset((x,)), Recipe(precision=precision))
    own = input_of(result.tflite)
    graph = graph_of(parse(result.tflite, name))
    step = graph.tensors[graph.outputs[0]].quantization
    real = with_integer_weights(path.read_bytes(), result.tflite)
    with open_oracle(result.tflite) as oracle:
        for sample in x[:5]:
            want = float_output(real, sample)
            (output,) = oracle.run([to_model_input(sample, own)])
            got = (np.frombuffer(output, own.dtype).astype(float) - step.zeroPoint[0]) * step.scale[0]
            assert np.abs(got - want).max() <= bound * np.ptp(want) + 2 * step.scale[0]


def test_odd_names_do_not_matter(digits: Path, calibration: Dataset, tmp_path: Path) -> None:
    """Names equal, empty, not UTF-8: the same integers."""
    tree = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    for index, tensor in enumerate(graph_of(tree).tensors):
        tensor.name = [b"same", b"", b"\xff*/{{ 7*7 }}"][index % 3]
    (tmp_path / "odd.tflite").write_bytes(serialise(tree))
    odd = parse(quantize(tmp_path / "odd.tflite", calibration).tflite, "odd")
    plain = parse(quantize(digits / "digits_float.tflite", calibration).tflite, "plain")
    for a, b in zip(graph_of(odd).tensors, graph_of(plain).tensors, strict=True):
        assert np.array_equal(odd.buffers[a.buffer].data, plain.buffers[b.buffer].data)
        assert np.array_equal(scales(a), scales(b))
    assert graph_of(odd).tensors[2].name == b"\xff*/{{ 7*7 }}"


def test_unsupported_operators_are_named(digits: Path, calibration: Dataset, tmp_path: Path) -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    tree = parse((digits / "digits_float.tflite").read_bytes(), "digits")
    softmax = graph_of(tree).operators[-1]
    tree.operatorCodes[softmax.opcodeIndex].builtinCode = BuiltinOperator.ELU
    tree.operatorCodes[softmax.opcodeIndex].deprecatedBuiltinCode = BuiltinOperator.ELU
    softmax.builtinOptions, softmax.builtinOptionsType = None, 0
    (tmp_path / "elu.tflite").write_bytes(serialise(tree))
    with pytest.raises(ModelError, match=r"operator \d+ \(ELU\)"):
        quantize(tmp_path / "elu.tflite", calibration)


def test_options_are_checked(digits: Path, calibration: Dataset) -> None:
    path = digits / "digits_float.tflite"
    with pytest.raises(UsageError, match="minmax"):
        quantize(path, calibration, Recipe(calibrate="magic"))
    with pytest.raises(UsageError, match="int8, int16x8"):
        quantize(path, calibration, Recipe(precision="int4"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--representative"):
        quantize(path, None)


def test_keras_files_need_trust(tmp_path: Path, calibration: Dataset) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match=r"Keras \.h5 file") as caught:
        quantize(tmp_path / "m.h5", calibration)
    assert "--trust-model" in caught.value.faults[0].hint


def test_quantised_calibration_data_are_refused(digits: Path) -> None:
    with pytest.raises(DataError, match="int8, which means already quantised"):
        quantize(digits / "digits_float.tflite", Dataset((np.ones((30, 8, 8, 1), np.int8),)))


def test_poor_calibration_data_are_warned_of(digits: Path, calibration: Dataset) -> None:
    few = Dataset((calibration.inputs[0][:3],), np.array([4, 4, 4]))
    warnings = quantize(digits / "digits_float.tflite", few).report.warnings
    assert [fault.found for fault in warnings] == ["memory: 3 samples", "memory: only class 4"]
