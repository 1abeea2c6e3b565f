# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

import numpy as np
import pytest
from broken import ACTIVATIONS_INT8, assert_complete, assert_refused
from cases import QUICK, THOROUGH, seeds, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

OUT = {"scale": 1 / 128, "zero_point": 0}


def normalization(shape: tuple[int, ...], zero: int = 3) -> bytes:
    """The .tflite of one node."""
    return model([T(shape, 0.1, zero), T(shape, **OUT)], [Op("L2_NORMALIZATION", [0], [1], {}, 2)], [0], [1])


shapes = st.sampled_from(((1, 1), (1, 2), (7,), (3, 5), (2, 3, 4), (1, 2, 3, 9), (2, 100), (1, 1001)))


@QUICK
@given(shapes, zero_points, st.sampled_from((1, 3, 40, 256)), seeds)
def test_it_computes_what_the_oracle_does(shape: tuple[int, ...], zero: int, reach: int, seed: int) -> None:
    assert_near(shape, zero, reach, seed)


@pytest.mark.exhaustive
@THOROUGH
@given(shapes, zero_points, st.integers(1, 256), seeds)
def test_it_computes_what_the_oracle_does_for_many_more(
    shape: tuple[int, ...], zero: int, reach: int, seed: int
) -> None:
    assert_near(shape, zero, reach, seed)


def assert_near(shape: tuple[int, ...], zero: int, reach: int, seed: int) -> None:
    """Values within `reach` of the zero point: short rows, of small sums, too."""
    rng = np.random.default_rng(seed)
    near = [np.clip(zero + rng.integers(-reach, reach + 1, shape), -128, 127).astype(np.int8) for _ in range(4)]
    assert_kernel_exact(normalization(shape, zero), [[values] for values in (np.full(shape, zero, np.int8), *near)])


@pytest.mark.parametrize("zero", [-128, 0, 127])
@pytest.mark.parametrize("depth", [1, 2, 33025])
def test_every_length_is_exact(zero: int, depth: int) -> None:
    given = [[np.full((1, depth), value, np.int8)] for value in range(-128, 128, 1 if depth < 3 else 17)]
    assert_kernel_exact(normalization((1, depth), zero), given)


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    cases = {"one": (1, 1), "row": (10,), "rows": (2, 3, 7), "image": (1, 5, 3, 8), "long": (1, 700)}
    assert_models_exact({name: normalization(shape) for name, shape in cases.items()}, optimize=optimize)


def small(
    inputs: tuple[int, ...] = (0,), *, extra: tuple[T, ...] = (), activation: str = "NONE", **changed: T
) -> bytes:
    """A node that is accepted, but for what is changed."""
    tensors = {"input": T((1, 4), 0.1, 3), "output": T((1, 4), **OUT)}
    op = Op("L2_NORMALIZATION", inputs, [1], {"fused_activation_function": activation})
    return model([*{**tensors, **changed}.values(), *extra], [op], [0], [1])


LONG, DEEP = (1, 33026), (1, 1, 1, 1, 4)
BROKEN = {
    "It has 1 inputs and 1 outputs.": [small((0, 0))],
    "The input is computed at run time.": [small((2,), extra=(constant([[1, 2, 3, 4]], 0.1),))],
    ACTIVATIONS_INT8: [small(input=T((1, 4), 0.1, 128))],
    "Input and output have the same shape.": [small(output=T((4,), **OUT))],
    "The input has 1 or 2 or 3 or 4 dimensions.": [small(input=T(DEEP, 0.1, 3), output=T(DEEP, **OUT))],
    "The last dimension has 1 to 33025 entries.": [small(input=T(LONG, 0.1, 3), output=T(LONG, **OUT))],
    "fused activation function is NONE.": [small(activation="RELU")],
    "The output has scale 1/128 and zero point 0.": [small(output=T((1, 4), 1 / 128, 1))],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("L2_NORMALIZATION", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("L2_NORMALIZATION", rule, BROKEN[rule])
