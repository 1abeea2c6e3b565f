# SPDX-License-Identifier: Apache-2.0
"""MUL against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from binary_cases import BROADCASTS, Pair, pair_model, pairs
from broken import ACTIVATION_IN, BROADCAST, OPERANDS, assert_complete, assert_refused
from cases import QUICK, THOROUGH, ratios
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


def output_of(first: float, second: float, ratio: float) -> tuple[float, float, float]:
    """Scales whose requantisation factor is about `ratio`."""
    return first, second, float(np.float32(first * second / ratio))


inputs = st.sampled_from((2.0**-8, 1.0, 0.0931)) | st.floats(2.0**-10, 4, width=32)
factors = ratios | st.sampled_from((2.0**14 - 2.0**-6, 1e4))
products = pairs(st.builds(output_of, inputs, inputs, factors))


@QUICK
@given(products)
def test_it_computes_what_the_oracle_does(case: Pair) -> None:
    assert_kernel_exact(pair_model("MUL", case))


@pytest.mark.exhaustive
@THOROUGH
@given(products)
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair) -> None:
    assert_kernel_exact(pair_model("MUL", case))


@pytest.mark.parametrize("zeros", [(-128, 127, 0), (127, -128, -128), (0, 0, 127)])
@pytest.mark.parametrize("ratio", [2.0**-8, 2.0**-7 * 0.83, 1.9, 2.0**-12, 3e4])
def test_every_pair_of_values_is_exact(zeros: tuple[int, int, int], ratio: float) -> None:
    data = pair_model("MUL", Pair(((256, 1), (1, 256)), output_of(0.031, 0.0277, ratio), zeros))
    values = np.arange(-128, 128, dtype=np.int8)
    assert_kernel_exact(data, [[values.reshape(256, 1), values.reshape(1, 256)]])
    assert_values_exact(data)


BASE = Pair(scales=(0.05, 0.04, 0.2))
TRAPS = {
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    "saturates": replace(BASE, scales=(0.5, 0.5, 1e-4)),
    "vanishes": replace(BASE, scales=(0.5, 0.25, 1e9)),
    "constant_first": replace(BASE, constant=0, activation="RELU"),
    "constant_second": replace(BASE, constant=1, activation="RELU6"),
    "clamped": replace(BASE, activation="RELU_N1_TO_1"),
    **{name: replace(case, scales=BASE.scales) for name, case in BROADCASTS.items()},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: pair_model("MUL", case) for name, case in TRAPS.items()}, optimize=optimize)


def test_a_tensor_is_multiplied_by_itself() -> None:
    tensors = [T((1, 9), 0.05, 3), T((1, 9), 0.2, -3)]
    assert_models_exact({"squared": model(tensors, [Op("MUL", [0, 0], [1])], [0], [1])})


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), 0.5, -1)}


def small(inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A product that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op("MUL", inputs, [2], options or {})], given, [2])


WIDE = T((1, 4), 1.0, 0, "int16")
BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1)), small((0, -1))],
    OPERANDS: [
        small(first=T((1, 4), 0.5, 128)),
        small(given=(0,), second=constant([[1, 2, 3, 4]], [0.25] * 4)),
        small(output=T((1, 4), 0.5, -129)),
    ],
    BROADCAST: [small(second=T((1, 3), 0.5)), small(output=T((2, 4), 0.5))],
    ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
    "The product of the input scales is below 2^15 output scales.": [small(output=T((1, 4), 0.125 * 2.0**-15))],
    "With int16 the product of the input scales is below the output scale.": [
        small(first=WIDE, second=WIDE, output=WIDE)
    ],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("MUL", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("MUL", rule, BROKEN[rule])
