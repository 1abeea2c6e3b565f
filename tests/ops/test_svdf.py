# SPDX-License-Identifier: Apache-2.0
"""SVDF against the oracle over sequences of inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from cases import QUICK, THOROUGH, bias_values, int8, real_scale, seeds, zero_points
from exact import assert_models_exact, assert_sequence_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


@dataclass(frozen=True)
class Filter:
    batches: int = 1
    inputs: int = 5
    units: int = 3
    rank: int = 2
    memory: int = 4
    wide: bool = True
    input_zero: int = -3
    state_zero: int = 9  # of an int8 state
    output_zero: int = 5
    feature_ratio: float = 2.0**-3
    output_ratio: float = 2.0**-12
    activation: str = "NONE"
    extreme: bool = False
    seed: int = 0


def svdf(case: Filter) -> bytes:
    rng = np.random.default_rng(case.seed)
    filters, state = case.units * case.rank, "int16" if case.wide else "int8"
    before, feature, time = (real_scale(rng) for _ in range(3))
    # A power of two: the oracle wants the bias's scale to be the state's times the time weights', within 1e-5.
    between = 2.0 ** round(math.log2(before * feature / case.feature_ratio))
    ratio = case.output_ratio if case.wide else case.output_ratio * 2.0**5
    times = rng.integers(-32768, 32768, (filters, case.memory)) if case.wide else int8(rng, (filters, case.memory))
    tensors = [
        T((case.batches, case.inputs), before, case.input_zero),
        constant(int8(rng, (filters, case.inputs), case.extreme), feature),
        constant(times, time, dtype=state),
        constant(bias_values(rng, case.units, False), between * time, dtype="int32"),
        T((case.batches, filters * case.memory), between, 0 if case.wide else case.state_zero, state, variable=True),
        T((case.batches, case.units), float(np.float32(between * time / ratio)), case.output_zero),
    ]
    options = {"rank": case.rank, "fused_activation_function": case.activation}
    return model(tensors, [Op("SVDF", [0, 1, 2, 3, 4], [5], options, version=3)], [0], [5])


sizes = st.sampled_from((1, 2, 3, 5, 8))
filters = st.builds(
    Filter,
    batches=st.sampled_from((1, 1, 2, 3)),
    inputs=st.sampled_from((1, 2, 7, 16)),
    units=sizes,
    rank=st.integers(1, 3),
    memory=st.sampled_from((1, 2, 3, 8)),
    wide=st.booleans(),
    input_zero=zero_points,
    state_zero=zero_points,
    output_zero=zero_points,
    feature_ratio=st.sampled_from((2.0**-33, 2.0**-9, 0.1, 0.7, 1.0, 3.0)),
    output_ratio=st.sampled_from((2.0**-20, 2.0**-14, 0.3 * 2.0**-10, 2.0**-6)),
    activation=st.sampled_from(("NONE", "RELU")),
    extreme=st.booleans(),
    seed=seeds,
)


@QUICK
@given(filters)
def test_it_computes_what_the_oracle_does(case: Filter) -> None:
    assert_sequence_exact(svdf(case))


@pytest.mark.exhaustive
@THOROUGH
@given(filters)
def test_it_computes_what_the_oracle_does_for_many_more(case: Filter) -> None:
    assert_sequence_exact(svdf(case))


BASE = Filter()
TRAPS = {
    "zero_points_low": replace(BASE, wide=False, input_zero=-128, state_zero=-128, output_zero=-128),
    "zero_points_high": replace(BASE, wide=False, input_zero=127, state_zero=127, output_zero=127),
    "state_saturates": replace(BASE, extreme=True, feature_ratio=3.0, inputs=16),
    "memory_of_one": replace(BASE, memory=1, rank=1),
    "batches": replace(BASE, batches=3, wide=False),
    "one_of_each": replace(BASE, inputs=1, units=1, rank=1, memory=1),
    "keyword_spotter": replace(BASE, inputs=40, units=16, rank=1, memory=8, activation="RELU", output_zero=-128),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: svdf(case) for name, case in TRAPS.items()}, optimize=optimize, count=12)


TENSORS = {
    "input": T((1, 4), 0.5, 3),
    "feature": constant(np.ones((4, 4)), 0.25),
    "time": constant(np.ones((4, 3)), 0.5, dtype="int16"),
    "bias": constant([1, 2], 0.25, dtype="int32"),
    "state": T((1, 12), 0.5, 0, "int16", variable=True),
    "output": T((1, 2), 0.5, -1),
}


def small(inputs: tuple[int, ...] = (0, 1, 2, 3, 4), *, options: dict[str, Any] | None = None, **changed: T) -> bytes:
    """A filter that is accepted, but for what is changed."""
    merged = {"rank": 2, **(options or {})}
    return model([*{**TENSORS, **changed}.values()], [Op("SVDF", inputs, [5], merged)], [0], [5])


def ones(*shape: int, scale: Any = 0.25, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)


BROKEN = {
    "Of 5 inputs it has 0, 1, 2, 3, 4, 1 of them variable tensors, and 1 output that is none.": [
        small((0, 1, 2, 3)),
        small((0, 1, 2, -1, 4)),
        small(state=constant(np.zeros((1, 12)), 0.5, dtype="int16")),
    ],
    "The input is computed at run time.": [small((1, 1, 2, 3, 4))],
    "Input and output are int8, feature weights int8 and time weights and state both int8 or both int16, each with one "
    "scale; the zero points of weights and of an int16 state are 0.": [
        small(feature=ones(4, 4, dtype="int16")),
        small(time=ones(4, 3)),
        small(time=ones(4, 3, dtype="int16", zero_point=1)),
        small(state=T((1, 12), 0.5, 1, "int16", variable=True)),
        small(feature=ones(4, 4, scale=[0.5] * 4)),
        small(state=T((1, 12), None, 0, "int16", variable=True)),
    ],
    "fused activation function is NONE, RELU.": [small(options={"fused_activation_function": "TANH"})],
    "With F = rank * U: input [N,I], constant weights [F,I] and [F,M], constant int32 bias [U], state [N,F*M], output "
    "[N,U].": [
        small(options={"rank": 3}),
        small(options={"rank": 0}),
        small(input=T((1, 1, 4), 0.5)),
        small(feature=ones(4, 5)),
        small(time=ones(5, 3, dtype="int16")),
        small(bias=ones(3, dtype="int32")),
        small(state=T((1, 13), 0.5, 0, "int16", variable=True)),
        small(output=T((1, 3), 0.5)),
    ],
    "Both requantisation factors, to the state and to the output, are below 2^30.": [
        small(input=T((1, 4), 2.0**35)),
        small(output=T((1, 2), 2.0**-36)),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert_complete("SVDF", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("SVDF", rule, BROKEN[rule])
