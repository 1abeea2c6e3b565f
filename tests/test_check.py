# SPDX-License-Identifier: Apache-2.0
"""Checking tells every broken rule at once; what it accepts goes through every later stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import host_c
import nets
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model, pack

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import sentence
from tinyq_deploy.ops.nearest import NEAREST, instead
from tinyq_deploy.ops.refused import INSTEAD
from tinyq_deploy.read import read


def refused(data: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        check(read(data, "test.tflite"))
    return caught.value


def changed(change: Callable[[Any, Any], object]) -> bytes:
    """The small model after `change(model, graph)` on its object tree."""
    made: Any = nets.small_tree()
    change(made, made.subgraphs[0])
    return pack(made)


def q(*shape: int, zero: int = 3) -> T:
    return T(shape, 0.5, zero)


def test_sound_models_are_accepted() -> None:
    for data in (nets.small(), nets.two_in_two_out(), nets.chain(3)):
        check(read(data, "x"))


def test_zero_operators_are_told() -> None:
    assert "at least one operator" in str(refused(model([q(4)], [], [0], [0])))


@pytest.mark.parametrize(("inputs", "outputs", "text"), [
    ([], [1], "a model has inputs\n  found: 0 inputs"),
    ([0], [], "a model has outputs\n  found: 0 outputs"),
])  # fmt: skip
def test_models_have_inputs_and_outputs(inputs: list[int], outputs: list[int], text: str) -> None:
    assert text in str(refused(model([q(4), q(4)], [Op("RESHAPE", [0], [1])], inputs, outputs)))


def test_every_unsupported_operator_is_told_with_its_layers() -> None:
    tensors = [q(4) for _ in range(40)]
    ops = [Op("SIN" if i % 3 else "COS", [i], [i + 1], None) for i in range(30)]
    error = refused(model(tensors, ops, [0], [30]))
    assert [fault.found for fault in error.faults] == [
        "COS in layers 0, 3, 6, 9, 12, 15, 18, 21, 24, 27",
        "SIN in layers 1, 2, 4, 5, 7, 8, 10, 11, 13, 14, ...",
    ]
    assert all("outside the model" in fault.hint for fault in error.faults)


def test_what_has_none_is_told_what_is_supported() -> None:
    def unknown(made: Any, _: Any) -> None:
        made.operatorCodes[0].builtinCode = 5000

    assert "CONV_2D" in refused(changed(unknown)).faults[0].hint


def test_an_operator_that_is_not_supported_is_told_with_the_nearest_that_is() -> None:
    error = refused(model([q(1, 4), q(1, 4)], [Op("CUMSUM", [0], [1], None)], [0], [1]))
    (fault,) = error.faults
    assert fault.found == "CUMSUM in layers 0"
    assert "matrix of ones" in fault.hint
    assert "SELECT_TF_OPS" in str(instead("CUSTOM:FlexErf"))


def test_what_is_written_instead_is_of_operators_that_exist_and_are_not_supported() -> None:
    names = {name for name in vars(schema.BuiltinOperator) if name.isupper()}
    assert {op for op in NEAREST if not op.startswith("CUSTOM:")} <= names
    assert not set(NEAREST) & (set(OPERATORS) | set(INSTEAD))


def test_a_custom_operator_is_told_by_name() -> None:
    def custom(made: Any, _: Any) -> None:
        code = made.operatorCodes[2]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = "Mine"

    assert "CUSTOM:Mine in layers 2" in str(refused(changed(custom)))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_model_of_other_numbers_is_told_to_quantise(dtype: str) -> None:
    tensors = [T((1, 4), 0.5, 0, dtype, name="in"), T((4,), 0.5, 0, dtype, name="out")]
    error = refused(model(tensors, [Op("RELU", [0], [1])], [0], [1]))
    assert [fault.found for fault in error.faults] == [f"'in' is {dtype}", f"'out' is {dtype}"]
    assert all("tinyq-deploy quantize" in fault.hint for fault in error.faults)


@pytest.mark.parametrize("scale", [None, [0.5, 0.25]])
def test_inputs_and_outputs_have_one_scale(scale: Any) -> None:
    tensors = [T((1, 2), scale, [0, 0]), T((2,), 0.5)]
    assert "the model's inputs have one scale" in str(refused(model(tensors, [Op("RESHAPE", [0], [1])], [0], [1])))


def test_a_float_layer_inside_is_told_with_what_to_do() -> None:
    tensors = [q(1, 4), T((4,), None, 0, "float32", name="inside"), q(4)]
    error = refused(model(tensors, [Op("RESHAPE", [0], [1]), Op("RESHAPE", [1], [2])], [0], [2]))
    assert all("'inside' is float32" in fault.found for fault in error.faults)
    assert [fault.found.split(":")[0] for fault in error.faults] == ["layer 0 RESHAPE", "layer 1 RESHAPE"]
    assert all("tinyq-deploy quantize" in fault.hint for fault in error.faults)


def test_a_quantisation_left_out_inside_is_told() -> None:
    tensors = [q(1, 4), T((4,), None, name="bare"), q(4)]
    assert "'bare' has no scale" in str(
        refused(model(tensors, [Op("RESHAPE", [0], [1]), Op("RESHAPE", [1], [2])], [0], [2]))
    )


@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_inputs_and_outputs_are_computed(role: str) -> None:
    tensors = [q(4), q(4), constant([1, 2, 3, 4], 0.5, zero_point=3)]
    given = {"inputs": ([0, 2], [1]), "outputs": ([0], [1, 2])}[role]
    assert f"the model's {role} are computed" in str(refused(model(tensors, [Op("RESHAPE", [0], [1])], *given)))


def test_an_input_twice_is_told() -> None:
    assert "its own tensor" in str(refused(model([q(4), q(4)], [Op("ADD", [0, 0], [1])], [0, 0], [1])))


def ring(*ops: Op, outputs: tuple[int, ...] = (3,)) -> str:
    return str(refused(model([q(4) for _ in range(4)], list(ops), [0], list(outputs))))


def test_two_writers_of_a_tensor_are_told() -> None:
    text = ring(Op("RESHAPE", [0], [3]), Op("RESHAPE", [0], [3]))
    assert "written once\n  found: layer 1 RESHAPE writes tensor 3 't3'" in text


@pytest.mark.parametrize("target", [0, 4])
def test_inputs_and_constants_are_not_written(target: int) -> None:
    tensors = [*(q(4) for _ in range(4)), constant([1, 2, 3, 4], 0.5, zero_point=3)]
    text = str(refused(model(tensors, [Op("RESHAPE", [0], [3]), Op("RESHAPE", [3], [target])], [0], [3])))
    assert f"layer 1 RESHAPE writes tensor {target}" in text


def test_a_cycle_is_told() -> None:
    text = ring(Op("ADD", [0, 2], [1]), Op("RESHAPE", [1], [2]), Op("RESHAPE", [2], [3]))
    assert "before it is read\n  found: layer 0 ADD reads tensor 2 't2'" in text


def test_reading_a_later_result_is_told() -> None:
    assert "layer 0 RESHAPE reads tensor 2" in ring(Op("RESHAPE", [2], [3]), Op("RESHAPE", [0], [2]))


def test_reading_what_nobody_writes_is_told() -> None:
    assert "layer 0 ADD reads tensor 1" in ring(Op("ADD", [0, 1], [3]))


def test_an_output_that_nobody_writes_is_told() -> None:
    assert "a model output is computed\n  found: tensor 2 't2'" in ring(Op("RESHAPE", [0], [3]), outputs=(2,))


def test_every_fault_of_every_layer_is_told_at_once() -> None:
    def three(_: Any, graph: Any) -> None:
        graph.operators[0].builtinOptions.strideH = 0
        graph.operators[3].builtinOptions.filterWidth = 0
        graph.operators[6].builtinOptions.beta = -1.0

    error = refused(changed(three))
    assert [fault.found.split(":")[0] for fault in error.faults] == [
        "layer 0 CONV_2D",
        "layer 3 MAX_POOL_2D",
        "layer 6 SOFTMAX",
    ]
    assert str(error).count("found:") == 3


def test_every_rule_is_a_sentence() -> None:
    for operator in OPERATORS.values():
        for rule in operator.rules:
            text = sentence(rule)
            assert text.endswith(".")
            assert len(text) > 10


# What is accepted goes through --------------------------------------------------------------------------------------

numbers = st.sampled_from((-1, 0, 1, 2, 3, 4, 5, 255, 32768, 2**31 - 1, -(2**31)))
floats = st.sampled_from((1e-38, 1e-9, 1 / 256, 0.5, 1.0, 2.0**31, 1e38))


def mutate(data: st.DataObject) -> bytes:
    """The small model with a few numbers changed where they mean something."""
    made: Any = nets.small_tree()
    graph = made.subgraphs[0]
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(("shape", "scale", "zero", "option", "wire", "type", "axis", "io", "scales")))
        tensor = data.draw(st.sampled_from(graph.tensors))
        node = data.draw(st.sampled_from(graph.operators))
        quantization = tensor.quantization
        if kind == "shape":
            shape = list(tensor.shape) or [1]
            shape[data.draw(st.integers(0, len(shape) - 1))] = data.draw(numbers)
            tensor.shape = data.draw(st.sampled_from((shape, shape[1:], [*shape, 1])))
        elif kind == "scale" and quantization is not None:
            quantization.scale = np.full(len(quantization.scale), data.draw(floats), np.float32)
        elif kind == "scales" and quantization is not None:
            quantization.scale = np.full(data.draw(st.integers(0, 4)), data.draw(floats), np.float32)
        elif kind == "zero" and quantization is not None:
            quantization.zeroPoint = np.full(len(quantization.zeroPoint), data.draw(numbers), np.int64)
        elif kind == "axis" and quantization is not None:
            quantization.quantizedDimension = data.draw(numbers)
        elif kind == "type":
            tensor.type = data.draw(st.integers(0, 20))
        elif kind == "wire":
            node.inputs = data.draw(st.permutations(list(node.inputs)) | st.lists(st.integers(-1, 14), max_size=3))
        elif kind == "io":
            graph.outputs = data.draw(st.lists(st.integers(0, 14), max_size=3))
        elif kind == "option":
            names = sorted(vars(node.builtinOptions))
            setattr(node.builtinOptions, data.draw(st.sampled_from(names)), data.draw(st.integers(-1, 4)))
    try:
        return pack(made)
    except Exception:  # the schema's own packing takes no such number
        return nets.small()


def goes_through_or_is_refused(data: st.DataObject) -> None:
    packed = mutate(data)
    try:
        check(read(packed, "test.tflite"))
    except ModelError:
        return
    host_c.rendered(packed)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_accepted_renders(data: st.DataObject) -> None:
    goes_through_or_is_refused(data)


@pytest.mark.exhaustive
@settings(max_examples=10000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_accepted_renders_for_many_more(data: st.DataObject) -> None:
    goes_through_or_is_refused(data)
