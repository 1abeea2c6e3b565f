# SPDX-License-Identifier: Apache-2.0
"""Reading trusts no byte of a file: whatever is wrong with it is a ModelError, soon."""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Callable
from typing import Any

import nets
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model, pack

from tinyq_deploy import read as read_module
from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.graph import NO_TENSOR
from tinyq_deploy.read import read, snake_case

SMALL = nets.small()


def refused(data: bytes) -> str:
    with pytest.raises(ModelError) as caught:
        read(data, "test.tflite")
    return str(caught.value)


def changed(change: Callable[[Any, Any], object]) -> bytes:
    """The small model after `change(model, graph)` on its object tree."""
    made: Any = nets.small_tree()
    change(made, made.subgraphs[0])
    return pack(made)


def test_a_sound_file_is_read_as_it_was_written() -> None:
    graph = read(SMALL, "net.tflite")
    assert graph.name == "net.tflite"
    assert graph.sha256 == hashlib.sha256(SMALL).hexdigest()
    assert [node.op for node in graph.nodes] == [
        "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert [node.index for node in graph.nodes] == list(range(7))
    image, weights, bias = graph.tensors[:3]
    assert (image.name, image.shape, image.dtype, image.data) == ("image", (1, 6, 4, 1), "int8", None)
    assert (image.scale, image.zero_point) == (float(np.float32(0.05)), -1)
    assert weights.quantization is not None
    assert weights.quantization.scale == (float(np.float32(0.01)), float(np.float32(0.02)))
    assert graph.tensors[4].quantization is not None
    assert graph.tensors[4].quantization.axis == 3
    assert bias.data is not None
    assert bias.data.tolist() == [100, -200]
    assert bias.data.dtype == np.int32
    conv, pool, soft = graph.nodes[0], graph.nodes[3], graph.nodes[6]
    assert (conv.inputs, conv.outputs, conv.version) == ((0, 1, 2), (3,), 3)
    assert conv.options["padding"] == "SAME"
    assert conv.options["fused_activation_function"] == "RELU"
    assert (pool.options["filter_height"], pool.options["stride_w"]) == (2, 2)
    assert soft.options["beta"] == 1.0
    assert (graph.inputs, graph.outputs) == ((0,), (14,))


def test_constants_are_read_only() -> None:
    data = read(SMALL, "net").tensors[1].data
    assert data is not None
    with pytest.raises(ValueError, match="read-only"):
        data[0] = 1


def test_an_absent_input_is_kept_as_such() -> None:
    def without_bias(_: Any, graph: Any) -> None:
        graph.operators[0].inputs = [0, 1, -1]

    assert read(changed(without_bias), "x").nodes[0].inputs == (0, 1, NO_TENSOR)


@pytest.mark.parametrize(("name", "expected"), [
    ("strideW", "stride_w"), ("dilationHFactor", "dilation_h_factor"), ("keepNumDims", "keep_num_dims"),
    ("beta", "beta"), ("potScaleInt16", "pot_scale_int16"),
])  # fmt: skip
def test_option_names_become_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_an_old_operator_code_field_counts() -> None:
    def old(made: Any, _: Any) -> None:
        for code in made.operatorCodes:
            code.builtinCode = 0

    assert read(changed(old), "x").nodes == read(SMALL, "x").nodes


def test_a_shape_signature_does_not_matter() -> None:
    def dynamic_batch(_: Any, graph: Any) -> None:
        graph.tensors[0].shapeSignature = [-1, 6, 4, 1]

    check(read(changed(dynamic_batch), "x"))


# Damage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\x18", SMALL[:7], b"\x18\0\0\0TFL2" + SMALL[8:], b"PK\3\4" + bytes(60)])
def test_what_is_no_flatbuffer_is_refused(data: bytes) -> None:
    assert "identifier TFL3" in refused(data)


@pytest.mark.parametrize("data", [b"\x18\0\0\0TFL3", b"\x18\0\0\0TFL3" + bytes(3), b"\xff\xff\xff\x7fTFL3" + bytes(20)])
def test_a_root_beyond_the_end_is_refused(data: bytes) -> None:
    assert "leads inside it" in refused(data)


def test_300_truncations_are_refused() -> None:
    ends = np.linspace(8, len(SMALL) - 1, 300).astype(int)
    for end in ends:
        refused(SMALL[:end])


def accepted_or_refused(data: bytes) -> None:
    try:
        check(read(data, "test.tflite"))
    except ModelError as error:
        assert error.faults  # noqa: PT017


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(8, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_are_accepted_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for place, value in changes:
        data[place] = value
    accepted_or_refused(bytes(data))


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.integers(2, len(SMALL) // 4 - 1), st.sampled_from((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 1 << 30))
)
def test_changed_words_are_accepted_or_refused(word: int, value: int) -> None:
    data = bytearray(SMALL)
    struct.pack_into("<I", data, 4 * word, value)
    accepted_or_refused(bytes(data))


@pytest.mark.parametrize("value", [0xFF, *(pytest.param(v, marks=pytest.mark.exhaustive) for v in (0, 1, 0x7F, 0x80))])
def test_every_byte_of_a_file_is_changed(value: int) -> None:
    for place in range(8, len(SMALL)):
        data = bytearray(SMALL)
        data[place] = value
        accepted_or_refused(bytes(data))


# One wrong thing ----------------------------------------------------------------------------------------------------


def test_another_schema_version_is_refused() -> None:
    def version_2(made: Any, _: Any) -> None:
        made.version = 2

    assert "version 2" in refused(changed(version_2))


@pytest.mark.parametrize("count", [0, 2, 3])
def test_one_subgraph_is_wanted(count: int) -> None:
    def subgraphs(made: Any, graph: Any) -> None:
        made.subgraphs = [graph] * count

    assert f"{count} subgraphs" in refused(changed(subgraphs))


@pytest.mark.parametrize("index", [999, 0xFFFFFFFF])
def test_a_buffer_that_does_not_exist_is_named(index: int) -> None:
    def no_buffer(_: Any, graph: Any) -> None:
        graph.tensors[1].buffer = index

    text = refused(changed(no_buffer))
    assert f"buffer {index} of 8" in text
    assert "tensor 1 't1'" in text


def test_every_tensor_that_does_not_exist_is_named() -> None:
    def no_tensors(_: Any, graph: Any) -> None:
        graph.operators[0].inputs = [0, 99, -2]
        graph.operators[2].outputs = [-1]
        graph.inputs = [50]
        graph.outputs = [-1]

    text = refused(changed(no_tensors))
    for found in (
        "layer 0 CONV_2D: tensor 99 of 15",
        "layer 0 CONV_2D: tensor -2 of 15",
        "layer 2 ADD: tensor -1 of 15",
        "model inputs: tensor 50 of 15",
        "model outputs: tensor -1 of 15",
    ):
        assert found in text


def test_an_operator_code_that_does_not_exist_is_named() -> None:
    def no_code(_: Any, graph: Any) -> None:
        graph.operators[3].opcodeIndex = 77

    assert "layer 3: code 77 of 7" in refused(changed(no_code))


def test_an_unknown_operator_keeps_its_number() -> None:
    def unknown(made: Any, _: Any) -> None:
        made.operatorCodes[0].builtinCode = 5000

    assert read(changed(unknown), "x").nodes[0].op == "BUILTIN_5000"


def test_a_custom_operator_keeps_its_name() -> None:
    def custom(made: Any, _: Any) -> None:
        made.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].customCode = "Mine"

    assert read(changed(custom), "x").nodes[0].op == "CUSTOM:Mine"


@pytest.mark.parametrize("shape", [[-1, 6, 4, 1], [0, 6, 4, 1], [1, 6, -5, 1]])
def test_dimensions_are_fixed_and_above_0(shape: list[int]) -> None:
    def with_shape(_: Any, graph: Any) -> None:
        graph.tensors[0].shape = shape

    text = refused(changed(with_shape))
    assert f"tensor 0 'image': shape {shape}" in text
    assert "fix the batch size" in text


def test_a_tensor_that_nothing_uses_may_be_empty() -> None:
    def with_spare(_: Any, graph: Any) -> None:
        spare = schema.TensorT()
        spare.shape, spare.name = [0], "intermediate"
        graph.tensors.append(spare)

    assert read(changed(with_spare), "x").tensors[-1].size == 0


@pytest.mark.parametrize("shape", [[2**31 - 1, 2], [65536, 65536], [50000] * 8])
def test_a_product_of_dimensions_beyond_int32_is_refused(shape: list[int]) -> None:
    def with_shape(_: Any, graph: Any) -> None:
        graph.tensors[0].shape = shape

    assert "at most 16,777,216 elements" in refused(changed(with_shape))


def test_a_tensor_of_many_dimensions_is_refused() -> None:
    assert "at most 8 dimensions" in refused(
        model([T((1,) * 9, 0.5), T((1,), 0.5)], [Op("RESHAPE", [0], [1])], [0], [1])
    )


@pytest.mark.parametrize("size", [1, 17, 19, 72])
def test_a_constant_of_another_size_is_refused(size: int) -> None:
    def resized(made: Any, graph: Any) -> None:
        made.buffers[graph.tensors[1].buffer].data = np.zeros(size, np.uint8)

    assert f"{size} bytes for int8 [2, 3, 3, 1]" in refused(changed(resized))


@pytest.mark.parametrize("scale", [0.0, -0.5, float("nan"), float("inf"), -float("inf")])
def test_scales_are_finite_and_above_0(scale: float) -> None:
    def with_scale(_: Any, graph: Any) -> None:
        graph.tensors[1].quantization.scale = np.array([0.5, scale], np.float32)

    text = refused(changed(with_scale))
    assert "scales are finite and above 0" in text
    assert "tensor 1" in text


def test_sparse_weights_are_refused() -> None:
    def sparse(_: Any, graph: Any) -> None:
        graph.tensors[1].sparsity = schema.SparsityParametersT()

    assert "stored densely" in refused(changed(sparse))


@pytest.mark.parametrize("field", ["offset", "size"])
def test_external_buffers_are_refused(field: str) -> None:
    def external(made: Any, graph: Any) -> None:
        setattr(made.buffers[graph.tensors[1].buffer], field, 4096)

    assert "external buffer" in refused(changed(external))


def test_a_type_that_numpy_lacks_is_kept_by_name() -> None:
    def packed(made: Any, graph: Any) -> None:
        graph.tensors[1].type = schema.TensorType.INT4
        made.buffers[graph.tensors[1].buffer].data = np.zeros(9, np.uint8)

    assert read(changed(packed), "x").tensors[1].dtype == "int4"


# Names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"*/ {{ 7*7 }} \n\r", b"\xff\xfe\x00\x80", b"", b"x" * 1_000_000, b'"\\\xe2\x80\xae'])
def test_any_name_is_read(name: bytes) -> None:
    def named(_: Any, graph: Any) -> None:
        graph.tensors[0].name = name

    assert read(changed(named), "x").tensors[0].name == name.decode("utf-8", "replace")


def test_a_missing_name_is_empty() -> None:
    def nameless(_: Any, graph: Any) -> None:
        graph.tensors[0].name = None

    assert read(changed(nameless), "x").tensors[0].name == ""


# Size ---------------------------------------------------------------------------------------------------------------


def test_the_most_operators_are_read_and_checked_in_bounded_time() -> None:
    data = nets.chain(read_module.MOST_OPERATORS)
    started = time.process_time()
    check(read(data, "long"))
    assert time.process_time() - started < 30


def test_more_operators_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "MOST_OPERATORS", 6)
    assert "at most 6 operators\n  found: 7" in refused(SMALL)


def test_a_large_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "MOST_BYTES", len(SMALL) - 1)
    assert "at most 500 MB" in refused(SMALL)


@pytest.mark.parametrize(("limit", "value", "text"), [
    ("MOST_ITEMS", 10, "at most 10 tensors"),
    ("MOST_ENTRIES", 50, "at most 50 entries"),
    ("MOST_NAME_BYTES", 20, "at most 20 bytes of names"),
])  # fmt: skip
def test_limits_are_told(limit: str, value: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, limit, value)
    assert text in refused(SMALL)


def test_int4_constants_are_counted_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    def packed(made: Any, graph: Any) -> None:
        graph.tensors[1].type = schema.TensorType.INT4
        made.buffers[graph.tensors[1].buffer].data = np.zeros(9, np.uint8)

    read(changed(packed), "x")
    monkeypatch.setattr(read_module, "MOST_INT4", 17)
    assert "at most 17 int4 constants in all\n  found: 18" in refused(changed(packed))


class _Once:
    """A table that is written once, however often it is listed."""

    def __init__(self, table: Any) -> None:
        self.table, self.place = table, 0

    def Pack(self, builder: Any) -> int:
        self.place = self.place or self.table.Pack(builder)
        return self.place


def test_tables_that_share_one_long_list_do_not_take_long() -> None:
    """2,000 tensors whose scales are one list of 99,000 entries: 2 * 10^8 numbers from a file of 400 kB."""

    def shared(_: Any, graph: Any) -> None:
        graph.tensors[1].quantization.scale = np.ones(99_000, np.float32)
        graph.tensors = [_Once(graph.tensors[1])] * 2000

    data = changed(shared)
    assert len(data) < 500_000
    started = time.process_time()
    assert "entries in all lists together" in refused(data)
    assert time.process_time() - started < 20


def test_constants_are_views_of_the_file() -> None:
    """Tensors may share a buffer, so copies could need many times the file's memory."""
    data = read(
        model([T((4,), 0.5), constant([1, 2, 3, 4], 0.5), T((4,), 0.5)], [Op("ADD", [0, 1], [2])], [0], [2]), "x"
    )
    weights = data.tensors[1].data
    assert weights is not None
    assert not weights.flags.owndata
