# SPDX-License-Identifier: Apache-2.0
"""PRELU against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from binary_cases import BROADCASTS_4, Pair, pair_model, pairs, shape_pairs
from broken import BROADCAST_4, OPERANDS_INT8, assert_complete, assert_refused
from cases import QUICK, THOROUGH, ratios
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

scales = st.sampled_from((2.0**-8, 1.0, 0.0931)) | st.floats(2.0**-10, 4, width=32)
slopes = st.builds(lambda a, b, ratio: (a, b, float(np.float32(a / ratio))), scales, scales, ratios)
nodes = pairs(slopes, shapes=shape_pairs(4), constant=st.sampled_from((None, 1, 1)))


@QUICK
@given(nodes)
def test_it_computes_what_the_oracle_does(case: Pair) -> None:
    assert_kernel_exact(pair_model("PRELU", case, 1))


@pytest.mark.exhaustive
@THOROUGH
@given(nodes)
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair) -> None:
    assert_kernel_exact(pair_model("PRELU", case, 1))


@pytest.mark.parametrize("zeros", [(-128, 127, -128), (127, -128, 3), (0, 0, 127)])
@pytest.mark.parametrize("factors", [(0.031, 0.03, 0.031), (0.0017, 0.9, 1.3), (0.5, 0.125, 6e-5), (0.2, 0.1, 1e9)])
def test_every_pair_of_values_is_exact(zeros: tuple[int, int, int], factors: tuple[float, float, float]) -> None:
    data = pair_model("PRELU", Pair(((256, 1), (1, 256)), factors, zeros), 1)
    values = np.arange(-128, 128, dtype=np.int8)
    assert_kernel_exact(data, [[values.reshape(256, 1), values.reshape(1, 256)]])
    assert_values_exact(data)


BASE = Pair(scales=(0.05, 0.01, 0.04))
TRAPS = {
    "per_channel": replace(BASE, shapes=((1, 3, 5, 4), (1, 1, 4)), constant=1),
    "for_all": replace(BASE, shapes=((1, 3, 5, 4), (1, 1, 1)), constant=1),
    "for_each": replace(BASE, shapes=((1, 3, 5, 4), (3, 5, 4)), constant=1),
    "rows": replace(BASE, shapes=((1, 3, 5, 4), (3, 1, 1)), constant=1),
    "zero_points_low": replace(BASE, zeros=(-128, -128, -128)),
    "zero_points_high": replace(BASE, zeros=(127, 127, 127)),
    **{name: replace(case, scales=BASE.scales) for name, case in BROADCASTS_4.items()},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: pair_model("PRELU", case, 1) for name, case in TRAPS.items()}, optimize=optimize)


TENSORS = {"input": T((1, 4), 0.5, 3), "alpha": T((1, 4), 0.25, -3), "output": T((1, 4), 0.5, -1)}


def small(inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op("PRELU", inputs, [2])], given, [2])


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1))],
    OPERANDS_INT8: [
        small(input=T((1, 4), 0.5, 128)),
        small(given=(0,), alpha=constant([[1, 2, 3, 4]], [0.25] * 4)),
        small(output=T((1, 4), 0.5, -129)),
    ],
    BROADCAST_4: [
        small(alpha=T((1, 3), 0.5)),
        small(output=T((2, 4), 0.5)),
        small(input=T((2, 1, 2, 1, 4), 0.5), output=T((2, 1, 2, 1, 4), 0.5)),
    ],
    "The input scale is below 2^22 output scales.": [small(output=T((1, 4), 1e-7))],
    "The product of the input scales is below 2^15 output scales.": [
        small(alpha=T((1, 4), 0.5 * 2.0**16)),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("PRELU", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("PRELU", rule, BROKEN[rule])
