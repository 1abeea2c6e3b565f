# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM against the oracle over sequences of inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from cases import QUICK, THOROUGH, int8, seeds, zero_points
from exact import assert_models_exact, assert_sequence_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

ABSENT = -1


@dataclass(frozen=True)
class Lstm:
    batches: int = 1
    steps: int = 3
    inputs: int = 4
    units: int = 5
    time_major: bool = False
    cell_power: int = -11
    cell_clip: float = 0.0
    input_zero: int = -3
    hidden_zero: int = 5
    hidden_scale: float = 2.0**-7
    weight_scale: float = 2.0**-7
    flat: bool = False  # a cell state of rank 1
    extreme: bool = False
    seed: int = 0


def lstm(case: Lstm) -> bytes:
    rng = np.random.default_rng(case.seed)
    before = float(np.float32(rng.uniform(0.01, 0.04)))
    lead = (case.steps, case.batches) if case.time_major else (case.batches, case.steps)
    states = (case.batches * case.units,) if case.flat else (case.batches, case.units)
    tensors, inputs = [T((*lead, case.inputs), before, case.input_zero)], [0] + [ABSENT] * 23

    def add(position: int, tensor: T) -> None:
        inputs[position] = len(tensors)
        tensors.append(tensor)

    scales = [float(np.float32(case.weight_scale * rng.uniform(0.5, 1))) for _ in range(8)]
    for gate, scale in enumerate(scales):
        shape = (case.units, case.inputs if gate < 4 else case.units)
        add(1 + gate, constant(int8(rng, shape, case.extreme), scale))
    for gate in range(4):
        values = rng.integers(-4000, 4000, case.units)
        add(12 + gate, constant(values, float(np.float32(before * scales[gate])), dtype="int32"))
    add(18, T((case.batches, case.units), case.hidden_scale, case.hidden_zero, variable=True))
    add(19, T(states, 2.0**case.cell_power, 0, "int16", variable=True))
    tensors.append(T((*lead, case.units), case.hidden_scale, case.hidden_zero))
    options = {
        "fused_activation_function": "TANH", "time_major": case.time_major, "cell_clip": case.cell_clip,
    }  # fmt: skip
    output = len(tensors) - 1
    return model(tensors, [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [output], options, 3)], [0], [output])


lstms = st.builds(
    Lstm,
    batches=st.sampled_from((1, 1, 2, 3)),
    steps=st.sampled_from((1, 2, 5)),
    inputs=st.sampled_from((1, 2, 7, 16)),
    units=st.sampled_from((1, 2, 3, 8)),
    time_major=st.booleans(),
    cell_power=st.integers(-15, 0),
    cell_clip=st.sampled_from((0.0, 0.0, 1.0, 1.7, 10.0, 1e9)),
    input_zero=zero_points,
    hidden_zero=zero_points,
    hidden_scale=st.sampled_from((2.0**-7, 0.0061, 0.9 * 2.0**-8, 0.03)),
    weight_scale=st.sampled_from((2.0**-10, 2.0**-7, 2.0**-5, 2.0**-2)),
    flat=st.booleans(),
    extreme=st.booleans(),
    seed=seeds,
)


@QUICK
@given(lstms)
def test_it_computes_what_the_oracle_does(case: Lstm) -> None:
    assert_sequence_exact(lstm(case))


@pytest.mark.exhaustive
@THOROUGH
@given(lstms)
def test_it_computes_what_the_oracle_does_for_many_more(case: Lstm) -> None:
    assert_sequence_exact(lstm(case))


BASE = Lstm()
TRAPS = {
    "zero_points_low": replace(BASE, input_zero=-128, hidden_zero=-128),
    "zero_points_high": replace(BASE, input_zero=127, hidden_zero=127),
    "gates_saturate": replace(BASE, extreme=True, weight_scale=0.25, inputs=16),
    "cell_saturates": replace(BASE, cell_power=-15, weight_scale=0.25, steps=5),
    "clipped": replace(BASE, cell_clip=0.5, weight_scale=2.0**-5),
    "one_of_each": replace(BASE, steps=1, inputs=1, units=1),
    "time_major_batches": replace(BASE, batches=3, time_major=True, flat=True),
    "batches": replace(BASE, batches=3, steps=5, hidden_scale=0.0061),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: lstm(case) for name, case in TRAPS.items()}, optimize=optimize, count=8)


ORDER = [0, *range(1, 9), ABSENT, ABSENT, ABSENT, *range(9, 13), ABSENT, ABSENT, 13, 14, *[ABSENT] * 4]
TENSORS = {
    "input": T((1, 2, 3), 0.02, 3),
    **{f"input_{gate}": constant(np.ones((4, 3)), 0.01) for gate in range(4)},
    **{f"recurrent_{gate}": constant(np.ones((4, 4)), 0.01) for gate in range(4)},
    **{f"bias_{gate}": constant(np.ones(4), 0.0002, dtype="int32") for gate in range(4)},
    "hidden": T((1, 4), 2.0**-7, 0, variable=True),
    "cell": T((1, 4), 2.0**-11, 0, "int16", variable=True),
    "output": T((1, 2, 4), 2.0**-7, 0),
}


def small(options: dict[str, Any] | None = None, *, absent: int = ABSENT, **changed: T) -> bytes:
    """A layer that is accepted, but for what is changed; `absent` is the input that is there instead of a peephole."""
    merged = {"fused_activation_function": "TANH", **(options or {})}
    inputs = [absent if position == 9 else tensor for position, tensor in enumerate(ORDER)]
    return model(
        [*{**TENSORS, **changed}.values()], [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [15], merged, 3)], [0], [15]
    )


def ones(*shape: int, scale: Any = 0.01, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)


INPUTS = "0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 18, 19"
BROKEN = {
    f"Of 24 inputs it has {INPUTS}, 2 of them variable tensors, and 1 output that is none.": [
        small(absent=1),
        small(cell=constant(np.zeros((1, 4)), 2.0**-11, dtype="int16")),
    ],
    "The input is computed at run time.": [
        model([*TENSORS.values()], [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", [1, *ORDER[1:]], [15], {
            "fused_activation_function": "TANH"}, 3)], [0], [15]),
    ],
    "Input, output, hidden state and weights are int8 with one scale each, the weights with zero point 0.": [
        small(hidden=T((1, 4), 2.0**-7, 0, "int16", variable=True)),
        small(input_2=ones(4, 3, scale=[0.01] * 4)),
        small(recurrent_3=ones(4, 4, zero_point=1)),
    ],
    "The cell state is int16 with zero point 0 and a power of two from 2^-15 to 1 as its scale.": [
        small(cell=T((1, 4), 2.0**-7, 0, variable=True)),
        small(cell=T((1, 4), 2.0**-11, 1, "int16", variable=True)),
        small(cell=T((1, 4), 0.001, 0, "int16", variable=True)),
        small(cell=T((1, 4), 2.0**-16, 0, "int16", variable=True)),
        small(cell=T((1, 4), 2.0, 0, "int16", variable=True)),
    ],
    "fused activation function is TANH.": [small({"fused_activation_function": "RELU"})],
    "Input [N,T,I] or [T,N,I], output alike with S for I, hidden state [N,S], cell state of N * S elements, constant "
    "weights [S,I] and [S,S], constant int32 biases [S].": [
        small(output=T((1, 3, 4), 2.0**-7)),
        small(input=T((1, 3), 0.02), output=T((1, 4), 2.0**-7)),
        small({"time_major": True}),
        small(hidden=T((4,), 2.0**-7, 0, variable=True)),
        small(cell=T((1, 5), 2.0**-11, 0, "int16", variable=True)),
        small(input_0=ones(4, 4)),
        small(recurrent_1=ones(4, 3)),
        small(bias_3=ones(5, dtype="int32")),
    ],
    "Every requantisation factor, of the gates and of the new states, is below 2^30.": [
        small(input=T((1, 2, 3), 2.0**30)),
        small(hidden=T((1, 4), 2.0**-70, 0, variable=True)),
    ],
    "The cell clip, if any, is at least one step of the cell state.": [small({"cell_clip": 1e-5})],
}  # fmt: skip


def test_every_rule_is_broken_here() -> None:
    assert_complete("UNIDIRECTIONAL_SEQUENCE_LSTM", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("UNIDIRECTIONAL_SEQUENCE_LSTM", rule, BROKEN[rule])
