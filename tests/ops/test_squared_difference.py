# SPDX-License-Identifier: Apache-2.0
"""SQUARED_DIFFERENCE against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from binary_cases import BROADCASTS_4, Pair, pair_model, pairs, shape_pairs
from broken import BROADCAST_4, OPERANDS, assert_complete, assert_refused
from cases import QUICK, THOROUGH, ratios
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


def output_of(first: float, second: float, ratio: float) -> tuple[float, float, float]:
    """Scales whose requantisation factor is about `ratio`."""
    return first, second, float(np.float32(4 * max(first, second) ** 2 / ((1 << 14) * ratio)))


inputs = st.sampled_from((2.0**-8, 1.0, 0.0931)) | st.floats(2.0**-10, 4, width=32)
differences = pairs(
    st.builds(output_of, inputs, inputs, ratios.filter(lambda ratio: ratio < 1.9)), shapes=shape_pairs(4)
)


@QUICK
@given(differences)
def test_it_computes_what_the_oracle_does(case: Pair) -> None:
    assert_kernel_exact(pair_model("SQUARED_DIFFERENCE", case))


@pytest.mark.exhaustive
@THOROUGH
@given(differences)
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair) -> None:
    assert_kernel_exact(pair_model("SQUARED_DIFFERENCE", case))


@pytest.mark.parametrize("zeros", [(-128, 127, -128), (127, -128, -128), (0, 0, 127)])
@pytest.mark.parametrize("scales", [(0.031, 0.031, 0.05), (0.0017, 0.9, 1.3), (0.5, 0.125, 6e-5), (0.2, 0.1, 1e9)])
def test_every_pair_of_values_is_exact(zeros: tuple[int, int, int], scales: tuple[float, float, float]) -> None:
    data = pair_model("SQUARED_DIFFERENCE", Pair(((256, 1), (1, 256)), scales, zeros))
    values = np.arange(-128, 128, dtype=np.int8)
    assert_kernel_exact(data, [[values.reshape(256, 1), values.reshape(1, 256)]])
    assert_values_exact(data)


BASE = Pair(scales=(0.05, 0.04, 0.2))
TRAPS = {
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    "constant_first": replace(BASE, constant=0),
    "constant_second": replace(BASE, constant=1),
    **{name: replace(case, scales=BASE.scales) for name, case in BROADCASTS_4.items()},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    models = {name: pair_model("SQUARED_DIFFERENCE", case) for name, case in TRAPS.items()}
    assert_models_exact(models, optimize=optimize)


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.25, -3), "output": T((1, 4), 0.5, -1)}


def small(inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op("SQUARED_DIFFERENCE", inputs, [2])], given, [2])


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1))],
    OPERANDS: [
        small(first=T((1, 4), 0.5, 128)),
        small(given=(0,), second=constant([[1, 2, 3, 4]], [0.25] * 4)),
        small(output=T((1, 4), 0.5, -129)),
    ],
    BROADCAST_4: [
        small(second=T((1, 3), 0.5)),
        small(output=T((2, 4), 0.5)),
        small(first=T((2, 1, 2, 1, 4), 0.5), output=T((2, 1, 2, 1, 4), 0.5)),
    ],
    "The square of the larger input scale is below 2^13 output scales, with int16 a quarter of one.": [
        small(output=T((1, 4), 3e-5)),
        small(**{name: T((1, 4), 0.5, 0, "int16") for name in ("first", "second")}, output=T((1, 4), 1.0, 0, "int16")),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("SQUARED_DIFFERENCE", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("SQUARED_DIFFERENCE", rule, BROKEN[rule])
