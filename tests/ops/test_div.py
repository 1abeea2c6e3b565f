# SPDX-License-Identifier: Apache-2.0
"""DIV against the oracle, byte for byte wherever TFLite defines a result; elsewhere against the rounded quotient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import host_c
import numpy as np
import pytest
from binary_cases import BROADCASTS, Pair, pair_model, pairs, shape_pairs
from broken import ACTIVATION_IN, BROADCAST_5, OPERANDS_INT8, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact, assert_same, reference, samples
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.graph import NodeView
from tinyq_deploy.lower import lower
from tinyq_deploy.ops.div import Div
from tinyq_deploy.ops.elementwise import INT8_VALUES
from tinyq_deploy.read import read

EVERY = INT8_VALUES.astype(np.int8)
# From this factor on no quotient of two int8 is shifted by more than 31 bits.
DEFINED = 64


def output_of(first: float, second: float, factor: float) -> tuple[float, float, float]:
    """Scales whose requantisation factor is about `factor`."""
    return first, second, float(np.float32(first / (second * factor)))


def inputs(data: bytes) -> list[list[Any]]:
    """Inputs for a model, without a divisor that is the zero point: the oracle has no result for x / 0."""
    graph = read(data, "x")
    zero = graph.tensors[1].zero_point
    rows = samples(graph)
    for row in rows:
        for tensor, values in zip(graph.input_tensors(), row, strict=True):
            if tensor.index == 1:
                values[values == zero] = zero + 1 if zero < 127 else zero - 1
    return rows


def assert_exact(case: Pair) -> None:
    data = quotient(case)
    assert_kernel_exact(data, inputs(data))


def quotient(case: Pair) -> bytes:
    """The .tflite of one node; a constant divisor has no zero in it."""
    data = pair_model("DIV", case)
    while case.constant == 1 and (np.asarray(read(data, "x").tensors[1].data) == case.zeros[1]).any():
        case = replace(case, seed=case.seed + 1)
        data = pair_model("DIV", case)
    return data


scales = st.sampled_from((2.0**-8, 1.0, 0.0931)) | st.floats(2.0**-10, 4, width=32)
factors = st.sampled_from((65.0, 127.99, 128.0, 2.0**22)) | st.floats(65, 2.0**20)
# Constants with many elements would hold a zero every time.
quotients = pairs(
    st.builds(output_of, scales, scales, factors), shapes=shape_pairs(5), constant=st.sampled_from((None, 0))
).filter(
    lambda case: case.activation == "NONE" or case.scales[2] > 1e-8  # the oracle's limits overflow below
)


@QUICK
@given(quotients)
def test_it_computes_what_the_oracle_does(case: Pair) -> None:
    assert_exact(case)


@pytest.mark.exhaustive
@THOROUGH
@given(quotients)
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair) -> None:
    assert_exact(case)


GRID = [
    (0.031, 0.0277, 90.0),
    (0.5, 0.01, 2500.0),
    (0.05, 0.04, 25.0),
    (0.05, 0.04, 0.83),
    (0.9, 0.9, 1e-9),
    (1, 1, 8e6),
]


@pytest.mark.parametrize("zeros", [(-128, 127, 0), (3, -7, 11), (127, -128, -128)])
@pytest.mark.parametrize("factors", GRID)
def test_every_pair_of_values(zeros: tuple[int, int, int], factors: tuple[float, float, float]) -> None:
    """The C kernel is what the passes take the operator to compute; that is the oracle's where it has a result, and
    elsewhere the real quotient to half a step and a bit."""
    data = pair_model("DIV", Pair(((256, 1), (1, 256)), output_of(*factors), zeros))
    graph = read(data, "x")
    view = NodeView(graph, graph.nodes[0])
    found = Div.values(view, INT8_VALUES[:, None], INT8_VALUES[None, :])
    (item,) = lower(graph, host_c.TARGET, "portable")
    arrays = {0: EVERY, 1: EVERY}
    assert_same(host_c.kernels().run(item.candidates[0], arrays, {2: 1 << 16}), found.astype(np.int8).tobytes(), "C")
    numerator, divisor = np.broadcast_arrays(INT8_VALUES[:, None] - zeros[0], INT8_VALUES[None, :] - zeros[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        real = numerator * np.float64(graph.tensors[0].scale) / (divisor * graph.tensors[1].scale)
    steps = np.clip(np.nan_to_num(real / graph.tensors[2].scale, posinf=1e9, neginf=-1e9) + zeros[2], -128, 127)
    assert np.abs(found - steps).max() < 0.51
    (expected,) = reference(data).run([EVERY.reshape(256, 1), EVERY.reshape(1, 256)])
    oracle = np.frombuffer(expected, np.int8).reshape(256, 256)
    defined = (divisor != 0) & (shifts(view, numerator, divisor) <= 31)
    assert (found == oracle)[defined].all()
    assert defined[divisor != 0].all() == (factors[2] >= DEFINED)


def shifts(view: NodeView, numerator: Any, divisor: Any) -> Any:
    """Bits by which TFLite shifts the quotient to the right."""
    sign_bits = 31 - np.ceil(
        np.log2(np.maximum(np.where((numerator < 0) != (divisor < 0), 0, 1) + np.abs(numerator), 1))
    )
    whole_bits = np.floor(np.log2(np.maximum(np.abs(divisor), 1)))
    return sign_bits + whole_bits - Div.params(view).output_shift


BASE = Pair(scales=(0.5, 0.01, 0.4))
TRAPS = {
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    "constant_first": replace(BASE, constant=0, activation="RELU"),
    "constant_second": replace(BASE, shapes=((1, 3, 5, 2), (2,)), constant=1, activation="RELU6"),
    "clamped": replace(BASE, activation="RELU_N1_TO_1"),
    **{name: replace(BROADCASTS[name], scales=BASE.scales) for name in ("gate", "scalars", "outer", "rank_5")},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    models = {name: quotient(case) for name, case in TRAPS.items()}
    assert_models_exact(models, optimize=optimize, given={name: inputs(data) for name, data in models.items()})


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), 0.01, -1)}


def small(nodes: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A quotient that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op("DIV", nodes, [2], options or {})], given, [2])


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1))],
    OPERANDS_INT8: [
        small(first=T((1, 4), 0.5, 128)),
        small(given=(0,), second=constant([[1, 2, 3, 4]], [0.25] * 4)),
        small(output=T((1, 4), 0.5, -129)),
    ],
    BROADCAST_5: [small(second=T((1, 3), 0.5)), small(output=T((2, 4), 0.5))],
    ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
    "The first input's scale is below 2^23 times the product of the second one's and the output's.": [
        small(output=T((1, 4), 2.0**-22))
    ],
}


def test_every_rule_is_broken_here() -> None:
    data = small()
    assert_kernel_exact(data, inputs(data))
    assert_complete("DIV", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("DIV", rule, BROKEN[rule])
