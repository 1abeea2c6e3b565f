# SPDX-License-Identifier: Apache-2.0
"""ADD and SUB against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from binary_cases import BROADCASTS, Pair, pair_model, pairs
from broken import ACTIVATION_IN, BROADCAST, OPERANDS, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

scales = st.sampled_from((2.0**-20, 2.0**-8, 1.0, 300.0)) | st.floats(2.0**-13, 10, width=32)
sums = pairs(st.tuples(scales, scales, scales)).filter(lambda c: 2 * max(c.scales[:2]) / (2**20 * c.scales[2]) < 1)
OPS = ("ADD", "SUB")


@QUICK
@given(sums, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does(case: Pair, op: str) -> None:
    assert_kernel_exact(pair_model(op, case))


@pytest.mark.exhaustive
@THOROUGH
@given(sums, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair, op: str) -> None:
    assert_kernel_exact(pair_model(op, case))


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("zeros", [(-128, 127, 0), (127, -128, -128), (0, 0, 127)])
def test_every_pair_of_values_is_exact(op: str, zeros: tuple[int, int, int]) -> None:
    case = Pair(((256, 1), (1, 256)), (0.031, 0.0277, 0.0413), zeros)
    values = np.arange(-128, 128, dtype=np.int8)
    data = pair_model(op, case)
    assert_kernel_exact(data, [[values.reshape(256, 1), values.reshape(1, 256)]])
    assert_values_exact(data)


BASE = Pair()
TRAPS = {
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    "saturates": replace(BASE, scales=(0.5, 0.5, 0.01)),
    "scales_far_apart": replace(BASE, scales=(1e-9, 1.0, 0.02)),
    "vanishes": replace(BASE, scales=(0.5, 0.25, 1e9)),
    "constant_first": replace(BASE, constant=0, activation="RELU"),
    "constant_second": replace(BASE, constant=1, activation="RELU6", scales=(0.05, 0.05, 0.05)),
    **BROADCASTS,
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("op", OPS)
def test_the_generated_c_computes_what_the_oracle_does(op: str, optimize: str) -> None:
    assert_models_exact({name: pair_model(op, case) for name, case in TRAPS.items()}, optimize=optimize)


def test_a_tensor_is_added_to_itself() -> None:
    tensors = [T((1, 9), 0.5, 3), T((1, 9), 0.7, -3)]
    assert_models_exact({"doubled": model(tensors, [Op("ADD", [0, 0], [1])], [0], [1])})


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), 0.5, -1)}


def small_model(op: str, inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1),
                options: dict[str, Any] | None = None, **changed: T) -> bytes:  # fmt: skip
    """A sum that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op(op, inputs, [2], options or {})], given, [2])


def fixed(scale: Any = 0.25, **more: Any) -> T:
    return constant([[1, 2, 3, 4]], scale, **more)


def broken(op: str) -> dict[str, list[bytes]]:
    small = partial(small_model, op)
    return {
        "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1)), small((0, -1))],
        OPERANDS: [
            small(first=T((1, 4), 0.5, 128)),
            small(output=T((1, 4), 0.5, -129)),
            small(given=(0,), second=fixed(zero_point=200)),
            small(given=(0,), second=fixed(None)),
            small(given=(0,), second=fixed([0.25] * 4)),
            small(given=(0,), second=fixed(dtype="int16")),
        ],
        BROADCAST: [
            small(second=T((1, 3), 0.5)),
            small(second=T((2, 4), 0.5)),
            small(output=T((1, 5), 0.5)),
            small(first=T((1, 1, 1, 1, 1, 1, 4), 0.5), output=T((1, 1, 1, 1, 1, 1, 4), 0.5)),
        ],
        ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
        "The sum's rescaling factor is below 1: 2 * max(input scales) / 2^20, with int16 2^15, < output scale.": [
            small(output=T((1, 4), 2.0**-20)),
            small(first=T((1, 4), 1e30), output=T((1, 4), 1e-30)),
        ],
    }


@pytest.mark.parametrize("op", OPS)
def test_the_small_model_is_accepted(op: str) -> None:
    assert_kernel_exact(small_model(op))


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_complete(op, broken(op))


@pytest.mark.parametrize("op", OPS)
def test_a_broken_rule_is_told(op: str) -> None:
    for rule, models in broken(op).items():
        assert_refused(op, rule, models)
