# SPDX-License-Identifier: Apache-2.0
"""Both back ends against TensorFlow's own post-training quantisation, tensor by tensor.

Every difference is in a list here with its reason. Needs tensorflow; skips with a word where it is absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyq_deploy.calibrate import collect
from tinyq_deploy.calibrators import MinMax, Range
from tinyq_deploy.data import Dataset
from tinyq_deploy.errors import ModelError
from tinyq_deploy.flatbuffer import constant, graph_of, op_name, parse, type_name
from tinyq_deploy.freeze import freeze
from tinyq_deploy.load import Kind, classify
from tinyq_deploy.quantize import float_inputs, quantize
from tinyq_deploy.quantizers import Precision
from tinyq_deploy.quantizers.constants import POSITIONS, scales
from tinyq_deploy.quantizers.litert import LiteRtQuantizer
from tinyq_deploy.quantizers.tensorflow import TensorFlowQuantizer, with_ranges
from tinyq_deploy.recipe import Recipe

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
tf = pytest.importorskip("tensorflow", reason="tensorflow is not installed", exc_type=ImportError)

MODELS = {
    "kws": "kws_ref_model_float.tflite",
    "ad": "ad_autoencoder_float.tflite",
    "ic": "ic_resnet8_float.tflite",
    "vww": "vww_mobilenet96_float.tflite",
}
DEAD = 5e-7  # a channel all of whose weights are below this has no influence TensorFlow or we would keep


@dataclass(frozen=True)
class Difference:
    """`what` differs in `count` places of one tensor of operator `node`, by at most `size` (relative for scales)."""

    node: int
    what: str
    count: int
    size: float


def samples(model: bytes, count: int = 24) -> np.ndarray:
    """Noise in the range of the model's training data."""
    (tensor,) = float_inputs(model)
    rng = np.random.default_rng(1)
    if tensor.shape == (1, 49, 10, 1):
        return rng.normal(-20, 10, (count, *tensor.shape[1:])).astype(np.float32)
    high = 255 if tensor.shape == (1, 32, 32, 3) else 1
    return rng.uniform(0, high, (count, *tensor.shape[1:])).astype(np.float32)


@pytest.fixture(scope="module")
def session() -> Iterator[TensorFlowQuantizer]:
    with TensorFlowQuantizer() as quantizer:
        yield quantizer


def differences(ours: bytes, theirs: bytes) -> list[Difference]:
    """All differences of two integer models with the same operators: types, shapes, scales, zero points, constants."""
    a, b = parse(ours, "ours"), parse(theirs, "theirs")
    nodes = list(zip(graph_of(a).operators, graph_of(b).operators, strict=True))
    assert [op_name(a, n) for n, _ in nodes] == [op_name(b, n) for _, n in nodes]
    versions = [(op_name(a, n), a.operatorCodes[n.opcodeIndex].version) for n, _ in nodes]
    assert versions == [(op_name(b, n), b.operatorCodes[n.opcodeIndex].version) for _, n in nodes]
    found: list[Difference] = []
    for number, (left, right) in enumerate(nodes):
        places = [("input", left.inputs, right.inputs), ("output", left.outputs, right.outputs)]
        for role, ours_at, theirs_at in places:
            for position, (i, j) in enumerate(zip(ours_at, theirs_at, strict=True)):
                if i >= 0 or j >= 0:
                    pair = graph_of(a).tensors[i], graph_of(b).tensors[j]
                    found += tensor_differences(a, b, pair, number, f"{role} {position}")
    return found


def tensor_differences(a: Any, b: Any, pair: tuple[Any, Any], node: int, role: str) -> list[Difference]:
    left, right = pair
    assert type_name(left) == type_name(right), (node, role)
    assert list(left.shape) == list(right.shape), (node, role)
    found = []
    if scales(left) is not None or scales(right) is not None:
        ours, theirs = scales(left), scales(right)
        assert ours is not None
        assert theirs is not None
        assert ours.shape == theirs.shape, (node, role)
        if len(ours) > 1:
            assert left.quantization.quantizedDimension == right.quantization.quantizedDimension
        found += difference(node, f"{role} scale", ours, theirs, relative=True)
        found += difference(node, f"{role} zero point", left.quantization.zeroPoint, right.quantization.zeroPoint)
    ours, theirs = constant(a, left), constant(b, right)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        found += difference(node, f"{role} data", ours, theirs)
    return found


def difference(node: int, what: str, ours: Any, theirs: Any, relative: bool = False) -> list[Difference]:
    left, right = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    apart = np.abs(left - right) / (np.maximum(np.abs(left), np.abs(right)) if relative else 1)
    count = int(np.count_nonzero(apart))
    return [Difference(node, what, count, float(apart.max()))] if count else []


def light_and_theirs(
    path: Path, session: TensorFlowQuantizer, precision: Precision
) -> tuple[bytes, bytes, bytes, Mapping[int, Range]]:
    """The float model as it is, not frozen: once shapes are fixed TensorFlow drops a RESHAPE before FULLY_CONNECTED,
    and the operators would no longer pair up."""
    model = path.read_bytes()
    ranges = collect(model, [samples(model)], MinMax()).ranges
    light = LiteRtQuantizer().quantize(model, ranges, precision)
    return model, light, session.quantize(model, ranges, precision), ranges


@pytest.mark.parametrize("name", ["kws", "ad", "ic", "vww"])
def test_int8_from_the_same_ranges_is_identical(
    shared_model: Callable[[str], Path], session: TensorFlowQuantizer, name: str
) -> None:
    """No difference: scales, zero points, weights, biases, versions; dead channels of MobileNet included."""
    _, light, theirs, _ = light_and_theirs(shared_model(MODELS[name]), session, "int8")
    assert differences(light, theirs) == []


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("kws", 0),
        # TensorFlow's int16 quantizer multiplies by 127 / max|w| where its int8 one multiplies by 1 / scale: a weight
        # half way between two integers may fall on the other side.
        ("ad", 1),
        ("ic", 2),
    ],
)
def test_int16x8_from_the_same_ranges_differs_in_single_weights_by_one(
    shared_model: Callable[[str], Path], session: TensorFlowQuantizer, name: str, weights: int
) -> None:
    _, light, theirs, _ = light_and_theirs(shared_model(MODELS[name]), session, "int16x8")
    found = differences(light, theirs)
    assert all(d.what == "input 1 data" and d.size == 1 for d in found)
    assert sum(d.count for d in found) <= weights


def test_int16x8_mobilenet_differs_in_dead_channels_alone(
    shared_model: Callable[[str], Path], session: TensorFlowQuantizer
) -> None:
    """TensorFlow's int16 quantizer does not widen channels that span less than 1e-6 and rounds a widened scale in
    another order. Weights of live channels, all activations and every bias as a real number agree."""
    model, light, theirs, _ = light_and_theirs(shared_model(MODELS["vww"]), session, "int16x8")
    found = differences(light, theirs)
    assert {d.what for d in found} <= {"input 1 scale", "input 2 scale", "input 1 data", "input 2 data"}
    trees = [parse(data, "model") for data in (model, light, theirs)]
    for nodes in zip(*(graph_of(tree).operators for tree in trees), strict=True):
        if op_name(trees[0], nodes[0]) in POSITIONS:
            assert_same_but_dead(trees, nodes)


def assert_same_but_dead(trees: list[Any], nodes: tuple[Any, ...]) -> None:
    weights = [graph_of(tree).tensors[node.inputs[1]] for tree, node in zip(trees, nodes, strict=True)]
    biases = [graph_of(tree).tensors[node.inputs[2]] for tree, node in zip(trees, nodes, strict=True)]
    real, ours, theirs = (constant(tree, tensor) for tree, tensor in zip(trees, weights, strict=True))
    ours_scale, theirs_scale = scales(weights[1]), scales(weights[2])
    real_bias = constant(trees[0], biases[0])
    for tree, bias in zip(trees[1:], biases[1:], strict=True):
        step = scales(bias).astype(float)
        assert (np.abs(constant(tree, bias) * step - real_bias) <= 0.51 * step + 1e-6 * np.abs(real_bias)).all()
    apart = np.flatnonzero(np.abs(ours_scale / theirs_scale - 1) > 3e-7)
    axis = weights[1].quantization.quantizedDimension
    for channel in apart:
        assert np.abs(np.take(real, channel, axis)).max() <= DEAD
    same = np.setdiff1d(np.arange(len(ours_scale)), apart)
    if len(ours_scale) > 1:
        ours, theirs = np.take(ours, same, axis), np.take(theirs, same, axis)
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert np.count_nonzero(ours != theirs) <= 1


def tensorflow_ranges(model: bytes, x: np.ndarray) -> dict[bytes, Range]:
    """What TensorFlow's own calibrator finds, by tensor name."""
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    calibrated = Calibrator(model).calibrate(lambda: ([sample[None]] for sample in x))
    return {
        tensor.name: Range(tensor.quantization.min[0], tensor.quantization.max[0])
        for tensor in graph_of(parse(bytes(calibrated), "calibrated")).tensors
        if tensor.quantization is not None and tensor.quantization.min is not None
    }


@pytest.mark.parametrize("name", ["kws", "ad", "ic", "vww"])
def test_ranges_are_those_of_tensorflows_calibrator(shared_model: Callable[[str], Path], name: str) -> None:
    """To float32 rounding of the kernels, but for inputs of ADD: TensorFlow reads them after the addition has
    overwritten them in place, so what it reports covers the addition's output as well. Ours is right
    (tests/test_calibrate.py)."""
    model = shared_model(MODELS[name]).read_bytes()
    x = samples(model)
    ours, theirs = collect(model, [x], MinMax()).ranges, tensorflow_ranges(model, x)
    tree = parse(model, name)
    sums = [node for node in graph_of(tree).operators if op_name(tree, node) == "ADD"]
    outputs = {index: node.outputs[0] for node in sums for index in node.inputs}
    overwritten = []
    for index, mine in ours.items():
        found = theirs.get(graph_of(tree).tensors[index].name)
        if found is None:
            continue
        span = mine.high - mine.low
        if abs(found.low - mine.low) <= 1e-5 * span and abs(found.high - mine.high) <= 1e-5 * span:
            continue
        overwritten.append(index)
        total = ours[outputs[index]]
        assert found.low == pytest.approx(min(mine.low, total.low), rel=1e-5)
        assert found.high == pytest.approx(max(mine.high, total.high), rel=1e-5)
    assert len(overwritten) <= {"ic": 3}.get(name, 0)


def test_keras_file_as_tensorflows_public_converter_does_it(shared_model: Callable[[str], Path]) -> None:
    """ResNet8 from .h5: the whole public converter against ours. All that differs are the scales of ADD inputs
    (see above), ranges in the last places, and the single weights and biases that follow from those."""
    import keras

    path = shared_model("ic_resnet8.h5")
    x = np.random.default_rng(1).uniform(0, 255, (24, 32, 32, 3)).astype(np.float32)
    ours = quantize(path, Dataset((x,)), trust_model=True)
    assert ours.report.reader.startswith("keras 3.")
    assert ours.report.backend == f"TensorFlow {tf.__version__} converter"
    theirs = public_converter(keras.models.load_model(path, compile=False), x)
    found = differences(ours.tflite, theirs)
    tree = parse(ours.tflite, "ours")
    names = [op_name(tree, node) for node in graph_of(tree).operators]
    added = {i for n in graph_of(tree).operators if op_name(tree, n) == "ADD" for i in n.inputs}
    for d in found:
        if "scale" in d.what and d.size <= 1e-5:
            continue
        if d.what in {"input 1 data", "input 2 data"}:
            assert d.size <= 1, d
            assert d.count <= 4, d
            continue
        if names[d.node] == "ADD":
            assert d.what.startswith("input"), d
        else:
            assert d.what.startswith("output 0"), d
            assert graph_of(tree).operators[d.node].outputs[0] in added, d
    assert [d for d in found if names[d.node] == "ADD" and d.size > 0.01]


def public_converter(model: Any, x: np.ndarray) -> bytes:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    call = tf.function(lambda image: model(image, training=False))
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec([1, *x.shape[1:]])))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], None)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


# Models as users make them.


def small(keras: Any) -> Any:
    image = keras.Input((8, 8, 3))
    x = keras.layers.DepthwiseConv2D(3, padding="same")(image)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(4, 1)(x)
    return keras.Model(image, keras.layers.Dense(5, activation="softmax")(keras.layers.Flatten()(x)))


def noise(*shape: int) -> Dataset:
    return Dataset((np.random.default_rng(2).normal(0, 1, (24, *shape)).astype(np.float32),))


def save(model: Any, tmp_path: Path, form: str) -> Path:
    path = tmp_path / f"model{form}"
    if form == "":
        model.export(path)
    else:
        model.save(path)
    return path


@pytest.mark.parametrize("form", [".keras", ".h5", ""])
@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_every_keras_format(tmp_path: Path, form: str, precision: Precision) -> None:
    import keras

    path = save(small(keras), tmp_path, form)
    with pytest.raises(ModelError, match="vouch"):
        quantize(path, noise(8, 8, 3))
    result = quantize(path, noise(8, 8, 3), recipe=Recipe(precision=precision), trust_model=True)
    tree = parse(result.tflite, "model")
    assert [op_name(tree, node) for node in graph_of(tree).operators][:2] == ["DEPTHWISE_CONV_2D", "CONV_2D"]
    dense = next(node for node in graph_of(tree).operators if op_name(tree, node) == "FULLY_CONNECTED")
    per_channel = scales(graph_of(tree).tensors[dense.inputs[1]])
    assert per_channel is not None
    assert len(per_channel) == (1 if precision == "int16x8" else 5)


def test_files_of_keras_2_are_read_by_tf_keras(tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras", reason="tf_keras is not installed")
    path = save(small(tf_keras), tmp_path, ".h5")
    result = quantize(path, noise(8, 8, 3), trust_model=True)
    assert result.report.reader.startswith("tf_keras 2.")
    saved = tmp_path / "saved"
    tf.saved_model.save(small(tf_keras), str(saved))
    assert quantize(saved, noise(8, 8, 3), trust_model=True).report.reader.startswith("TensorFlow")


def test_a_file_nobody_can_read_says_what_both_said(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match=r"keras: .* \| tf_keras: "):
        quantize(tmp_path / "m.h5", noise(8, 8, 3), trust_model=True)


@pytest.mark.parametrize("form", [".keras", ""])
def test_inputs_keep_their_order(tmp_path: Path, form: str) -> None:
    import keras

    first, second = keras.Input((4,), name="z_first"), keras.Input((6,), name="a_second")
    joined = keras.layers.Concatenate()([keras.layers.Dense(3)(first), keras.layers.Dense(3)(second)])
    path = save(keras.Model([first, second], keras.layers.Dense(2)(joined)), tmp_path, form)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(0, 1, (24, size)).astype(np.float32) for size in (4, 6)]
    if form == "":
        arrays.reverse()  # a SavedModel's signature has names and no order: they are taken in sorted order
    result = quantize(path, Dataset(tuple(arrays)), trust_model=True)
    assert result.float_tflite is not None
    assert [tensor.shape[1] for tensor in float_inputs(result.float_tflite)] == [a.shape[1] for a in arrays]


def many_operators(keras: Any) -> Any:
    ops, layers = keras.ops, keras.layers
    image = keras.Input((12, 12, 4))
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(8, 3, strides=2, activation="relu6")(x)
    gate = layers.Conv2D(8, 1, activation="sigmoid")(x)
    x = layers.Subtract()([layers.Multiply()([x, gate]), layers.Activation("tanh")(x)])
    x = layers.Concatenate()([x, layers.MaxPooling2D(3, strides=1, padding="same")(x)])
    x = layers.Conv2DTranspose(6, 2, strides=2, use_bias=True)(x)
    x = ops.transpose(x, (0, 2, 1, 3))[:, 1:11, :, :]
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3)(layers.ReLU()(x)))


def test_more_operators_from_the_same_ranges(tmp_path: Path, session: TensorFlowQuantizer) -> None:
    """PAD, LOGISTIC, MUL, TANH, SUB, CONCATENATION, TRANSPOSE_CONV, TRANSPOSE, STRIDED_SLICE, MEAN."""
    import keras

    keras.utils.set_random_seed(3)
    path = save(many_operators(keras), tmp_path, ".keras")
    model = freeze(session.convert(path, Kind.KERAS_ZIP), "model")
    ranges = collect(model, noise(12, 12, 4).inputs, MinMax()).ranges
    light, theirs = LiteRtQuantizer().quantize(model, ranges, "int8"), session.quantize(model, ranges, "int8")
    assert differences(light, theirs) == []


def exported(model: Any, **options: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in options.items():
        setattr(converter, name, value)
    return bytes(converter.convert())


def test_open_batch_exports_take_the_light_path(tmp_path: Path) -> None:
    import keras

    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.Reshape((9, 16))(x)
    data = exported(keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(x))))
    tree = parse(data, "open")
    assert "SHAPE" in {op_name(tree, node) for node in graph_of(tree).operators}
    (tmp_path / "open.tflite").write_bytes(data)
    tree = parse(quantize(tmp_path / "open.tflite", noise(8, 8, 3)).tflite, "closed")
    assert not {"SHAPE", "PACK", "STRIDED_SLICE"} & {op_name(tree, node) for node in graph_of(tree).operators}


def test_dynamic_range_and_float16_exports_are_refused() -> None:
    import keras

    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(32, 3)(image)
    model = keras.Model(image, keras.layers.Dense(64)(keras.layers.Flatten()(x)))
    with pytest.raises(ModelError, match="dynamic-range"):
        classify(exported(model, optimizations=[tf.lite.Optimize.DEFAULT]), "dynamic")
    half = tf.lite.TargetSpec(supported_types=[tf.float16])
    with pytest.raises(ModelError, match="FLOAT16"):
        classify(exported(model, optimizations=[tf.lite.Optimize.DEFAULT], target_spec=half), "half")


def test_semi_private_names_are_where_we_use_them() -> None:
    import inspect

    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    assert {"fully_quantize", "input_data_type", "output_data_type"} <= set(inspect.signature(mlir_quantize).parameters)
    wanted = {"activations_type", "bias_type", "disable_per_channel_quantization_for_dense_layers"}
    assert wanted <= set(inspect.signature(Calibrator.calibrate_and_quantize).parameters)
    assert callable(convert_variables_to_constants_v2)


def test_ranges_reach_tensorflow_as_they_are(shared_model: Callable[[str], Path]) -> None:
    model = shared_model(MODELS["kws"]).read_bytes()
    tree = parse(with_ranges(model, {0: Range(-1.5, 2.5)}), "kws")
    assert list(graph_of(tree).tensors[0].quantization.min) == [-1.5]
    assert list(graph_of(tree).tensors[0].quantization.max) == [2.5]
    untouched = graph_of(tree).tensors[22].quantization
    assert untouched is None or untouched.min is None
