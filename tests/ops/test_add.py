# SPDX-License-Identifier: Apache-2.0
"""ADD against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from broken import ACTIVATION_IN, assert_complete, assert_refused
from cases import QUICK, THOROUGH, activations, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


@dataclass(frozen=True)
class Sum:
    shape: tuple[int, ...] = (1, 3, 5, 2)
    scales: tuple[float, float, float] = (0.5, 0.25, 0.6)
    zeros: tuple[int, int, int] = (3, -7, 11)
    activation: str = "NONE"
    constant: int | None = None  # which input is one


def add(case: Sum) -> bytes:
    tensors = [T(case.shape, scale, zero) for scale, zero in zip(case.scales, case.zeros, strict=True)]
    if case.constant is not None:
        values = np.random.default_rng(1).integers(-128, 128, case.shape)
        at = case.constant
        tensors[at] = constant(values, case.scales[at], zero_point=case.zeros[at])
    given = [index for index in (0, 1) if index != case.constant]
    op = Op("ADD", [0, 1], [2], {"fused_activation_function": case.activation, "pot_scale_int16": False}, version=2)
    return model(tensors, [op], given, [2])


scales = st.sampled_from((2.0**-20, 2.0**-8, 1.0, 300.0)) | st.floats(2.0**-13, 10, width=32)
sums = st.builds(
    Sum,
    shape=st.lists(st.sampled_from((1, 2, 3, 7)), min_size=0, max_size=4).map(tuple),
    scales=st.tuples(scales, scales, scales),
    zeros=st.tuples(zero_points, zero_points, zero_points),
    activation=activations,
    constant=st.sampled_from((None, None, 0, 1)),
).filter(lambda case: 2 * max(case.scales[:2]) / (2**20 * case.scales[2]) < 1)


@QUICK
@given(sums)
def test_it_computes_what_the_oracle_does(case: Sum) -> None:
    assert_kernel_exact(add(case))


@pytest.mark.exhaustive
@THOROUGH
@given(sums)
def test_it_computes_what_the_oracle_does_for_many_more(case: Sum) -> None:
    assert_kernel_exact(add(case))


@pytest.mark.parametrize("zeros", [(-128, 127, 0), (127, -128, -128), (0, 0, 127)])
def test_every_pair_of_values_is_exact(zeros: tuple[int, int, int]) -> None:
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    case = Sum((1, 65536), (0.031, 0.0277, 0.0413), zeros)
    assert_kernel_exact(add(case), [[a.astype(np.int8).reshape(1, -1), b.astype(np.int8).reshape(1, -1)]])


BASE = Sum()
TRAPS = {
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    "saturates": replace(BASE, scales=(0.5, 0.5, 0.01)),
    "one_element": replace(BASE, shape=(1, 1)),
    "scalar": replace(BASE, shape=()),
    "scales_far_apart": replace(BASE, scales=(1e-9, 1.0, 0.02)),
    "vanishes": replace(BASE, scales=(0.5, 0.25, 1e9)),
    "constant_first": replace(BASE, constant=0, activation="RELU"),
    "constant_second": replace(BASE, constant=1, activation="RELU6", scales=(0.05, 0.05, 0.05)),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: add(case) for name, case in TRAPS.items()}, optimize=optimize)


def test_a_tensor_is_added_to_itself() -> None:
    tensors = [T((1, 9), 0.5, 3), T((1, 9), 0.7, -3)]
    assert_models_exact({"doubled": model(tensors, [Op("ADD", [0, 0], [1])], [0], [1])})


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), 0.5, -1)}


def small(inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A sum that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op("ADD", inputs, [2], options or {})], given, [2])


def fixed(scale: Any = 0.25, **more: Any) -> T:
    return constant([[1, 2, 3, 4]], scale, **more)


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1)), small((0, -1))],
    "Both inputs and the output are int8, quantised as a whole, zero point in -128..127.": [
        small(first=T((1, 4), 0.5, 128)),
        small(output=T((1, 4), 0.5, -129)),
        small(given=(0,), second=fixed(zero_point=200)),
        small(given=(0,), second=fixed(None)),
        small(given=(0,), second=fixed([0.25] * 4)),
        small(given=(0,), second=fixed(dtype="int16")),
    ],
    "Both inputs and the output have the same shape.": [
        small(second=T((1, 1), 0.5)),
        small(second=T((4,), 0.5)),
        small(output=T((1, 5), 0.5)),
    ],
    ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
    "The sum's rescaling factor is below 1: 2 * max(input scales) / 2^20 < output scale.": [
        small(output=T((1, 4), 2.0**-20)),
        small(first=T((1, 4), 1e30), output=T((1, 4), 1e-30)),
    ],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("ADD", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("ADD", rule, BROKEN[rule])
