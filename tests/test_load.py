# SPDX-License-Identifier: Apache-2.0
"""A model file is what its content says; everything else is refused with what it looks like."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from models import Op, T, model

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError, UsageError
from tinyq_deploy.flatbuffer import constant, graph_of, parse, serialise, set_constant
from tinyq_deploy.load import MAX_MODEL_BYTES, Kind, classify, identify, read_model
from tinyq_deploy.read import read


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\x89HDF\r\n\x1a\n" + bytes(50), Kind.KERAS_H5), (zipped("config.json", "model.weights.h5"), Kind.KERAS_ZIP)],
)
def test_keras_files_by_content(tmp_path: Path, content: bytes, kind: Kind) -> None:
    (tmp_path / "model.bin").write_bytes(content)
    assert identify(tmp_path / "model.bin") is kind
    assert kind.needs_trust


def test_saved_model_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert identify(tmp_path) is Kind.SAVED_MODEL


@pytest.mark.parametrize(
    ("content", "looks", "hint"),
    [
        (b"", "0 bytes", "copy or convert"),
        (b"abc", "3 bytes", "copy or convert"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "HTML page", "raw"),
        (b"<html>", "HTML page", "raw"),
        (zipped("archive/data.pkl"), "zip archive", "convert"),
        (b"PK\x03\x04 damaged", "zip archive", "convert"),
        (b"\x80\x04\x95rest", "pickle", "export"),
        (b"\x08\x07\x12\x07pytorch", "ONNX", "onnx2tf"),
        (b"\x1f\x8b\x08 gzip", "gzip", "unpack"),
        (b"GGUF\x03\x00\x00\x00", "GGUF", "fits a microcontroller"),
        (b"#include <x>\nconst unsigned char m[] = {", "C source", "made from"),
        (b"something else entirely", "starts with 73 6f 6d", "convert"),
    ],
)
def test_what_is_no_model_is_told_what_it_looks_like(tmp_path: Path, content: bytes, looks: str, hint: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        identify(path)
    (fault,) = caught.value.faults
    assert str(path) in fault.found
    assert looks in fault.found
    assert hint in fault.hint


def test_paths_that_cannot_be_read_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.tflite", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            identify(path)


def test_huge_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "big.tflite"
    with path.open("wb") as stream:
        stream.write(b"\x1c\x00\x00\x00TFL3")
        stream.truncate(MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelError, match="at most 64 MiB"):
        identify(path)


def test_shared_models(shared_model: Callable[[str], Path]) -> None:
    for name in ("kws_ref_model", "ic_resnet8", "ad_autoencoder", "vww_mobilenet96"):
        assert identify(shared_model(f"{name}_float.tflite")) is Kind.FLOAT_TFLITE
        assert identify(shared_model(f"{name}_int8.tflite")) is Kind.INTEGER_TFLITE
    assert identify(shared_model("sww_dscnn1d_int8.tflite")) is Kind.INTEGER_TFLITE
    assert identify(shared_model("ic_resnet8.h5")) is Kind.KERAS_H5


def test_truncation_at_any_byte_is_a_model_error(tmp_path: Path, digits: Path) -> None:
    data = read_model(digits / "digits_float.tflite")
    path = tmp_path / "cut.tflite"
    for keep in np.linspace(8, len(data) - 1, 60, dtype=int):
        path.write_bytes(data[:keep])
        with pytest.raises(ModelError, match=r"cut\.tflite"):
            identify(path)


def test_random_damage_is_a_model_error_or_harmless(digits: Path) -> None:
    data = bytearray(read_model(digits / "digits_float.tflite"))
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(8, len(data), 12):
            damaged[place] = rng.integers(256)
        try:
            classify(bytes(damaged), "damaged")
        except ModelError:
            refused += 1
    assert refused > 0


def test_dynamic_range_is_refused_by_tensor(digits: Path) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    model = parse(read_model(digits / "digits_float.tflite"), "float")
    node = next(n for n in graph_of(model).operators if len(n.inputs) == 3)
    weights = graph_of(model).tensors[node.inputs[1]]
    values = constant(model, weights)
    assert values is not None
    set_constant(model, weights, np.zeros(values.shape, np.int8))
    weights.type = TensorType.INT8
    with pytest.raises(ModelError, match=r"dynamic-range.*int8 tensor 12 .* of CONV_2D") as caught:
        classify(serialise(model), "hybrid.tflite")
    assert "without optimizations" in caught.value.faults[0].hint


def test_float16_weights_behind_dequantize_are_refused(digits: Path) -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator, OperatorCodeT, OperatorT, TensorT, TensorType

    model = parse(read_model(digits / "digits_float.tflite"), "float")
    graph = graph_of(model)
    wide = graph.tensors[graph.operators[0].inputs[1]]
    half = TensorT()
    half.shape, half.type, half.name = wide.shape, TensorType.FLOAT16, b"half"
    values = constant(model, wide)
    assert values is not None
    set_constant(model, half, values.astype(np.float16))
    wide.buffer = 0
    graph.tensors.append(half)
    code = OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.DEQUANTIZE
    model.operatorCodes.append(code)
    node = OperatorT()
    node.opcodeIndex, node.inputs = len(model.operatorCodes) - 1, [len(graph.tensors) - 1]
    node.outputs = [graph.operators[0].inputs[1]]
    graph.operators.insert(0, node)
    with pytest.raises(ModelError, match="float16 tensor 25 'half' of DEQUANTIZE"):
        classify(serialise(model), "half.tflite")


def test_uint8_and_mixed_models_are_refused(digits: Path) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    for kind, message in ((TensorType.UINT8, "uint8 arithmetic"), (TensorType.INT8, "integer tensors beside")):
        model = parse(read_model(digits / "digits_float.tflite"), "float")
        graph_of(model).tensors[graph_of(model).outputs[0]].type = kind
        with pytest.raises(ModelError, match=message):
            classify(serialise(model), "mixed.tflite")


def test_several_subgraphs_are_counted(digits: Path) -> None:
    model = parse(read_model(digits / "digits_float.tflite"), "float")
    data = serialise(model)
    model.subgraphs.append(model.subgraphs[0])
    from ai_edge_litert.tools import flatbuffer_utils

    with pytest.raises(ModelError, match="2 subgraphs"):
        classify(bytes(flatbuffer_utils.convert_object_to_bytearray(model)), "two.tflite")
    assert classify(data, "one") is Kind.FLOAT_TFLITE


@pytest.mark.parametrize("place", ["input", "operator", "buffer"])
def test_indices_out_of_range_are_damage(digits: Path, place: str) -> None:
    from ai_edge_litert.tools import flatbuffer_utils

    model = parse(read_model(digits / "digits_float.tflite"), "float")
    graph = graph_of(model)
    if place == "input":
        graph.operators[0].inputs = [999, 1, 2]
    elif place == "operator":
        graph.operators[0].opcodeIndex = 99
    else:
        graph.tensors[0].buffer = 999
    with pytest.raises(ModelError, match="99"):
        classify(bytes(flatbuffer_utils.convert_object_to_bytearray(model)), "bad.tflite")


def test_operator_codes_of_old_writers_are_normalised(shared_model: Callable[[str], Path]) -> None:
    model = parse(read_model(shared_model("ad_autoencoder_float.tflite")), "ad")
    assert [(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes] == [(9, 9)]


def test_reals_that_are_only_moved_leave_a_model_integer() -> None:
    """A RESHAPE and a CAST before the image is quantised, one of the results behind."""
    tensors = [
        T((4, 2), None, 0, "uint8"), T((4, 2), None, 0, "float32"), T((1, 8), None, 0, "float32"), T((1, 8), 0.5, 3),
        T((1, 8), 0.5, 3), T((1, 8), None, 0, "float32"), T((8,), None, 0, "float32"),
    ]  # fmt: skip
    ops = [
        Op("CAST", [0], [1]), Op("RESHAPE", [1], [2]), Op("QUANTIZE", [2], [3]), Op("RELU", [3], [4]),
        Op("DEQUANTIZE", [4], [5]), Op("RESHAPE", [5], [6]),
    ]  # fmt: skip
    data = model(tensors, ops, [0], [6])
    assert classify(data, "moved") is Kind.INTEGER_TFLITE
    check(read(data, "moved"))
