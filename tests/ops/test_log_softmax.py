# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

import numpy as np
import pytest
from broken import ACTIVATIONS_INT8, assert_complete, assert_refused
from cases import QUICK, THOROUGH, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

OUT = {"scale": 1 / 16, "zero_point": 127}


def log_softmax(shape: tuple[int, ...], scale: float, zero: int = 3) -> bytes:
    """The .tflite of one node."""
    tensors = [T(shape, float(np.float32(scale)), zero), T(shape, **OUT)]
    return model(tensors, [Op("LOG_SOFTMAX", [0], [1], {}, 2)], [0], [1])


shapes = st.sampled_from(((1, 1), (1, 2), (7,), (3, 5), (2, 3, 4), (1, 2, 1, 2, 9), (2, 100), (1, 1001)))
scales = st.sampled_from((2.0**-24, 1e-3, 2.0**-4, 0.1, 0.9, 31.9, 32.0, 1e4)) | st.floats(1e-4, 2.0)


@QUICK
@given(shapes, scales, zero_points)
def test_it_computes_what_the_oracle_does(shape: tuple[int, ...], scale: float, zero: int) -> None:
    assert_kernel_exact(log_softmax(shape, scale, zero))


@pytest.mark.exhaustive
@THOROUGH
@given(shapes, scales, zero_points)
def test_it_computes_what_the_oracle_does_for_many_more(shape: tuple[int, ...], scale: float, zero: int) -> None:
    assert_kernel_exact(log_softmax(shape, scale, zero))


@pytest.mark.parametrize("depth", [1, 2, 3, 17, 255, 1024, 4095])
@pytest.mark.parametrize("scale", [1e-6, 0.004, 0.11, 3.0])
def test_every_sum_is_exact(depth: int, scale: float) -> None:
    """Rows of equal elements, of one that stands out, and of all that an int8 can be."""
    rng = np.random.default_rng(depth)
    rows = [np.zeros(depth), np.r_[127, np.full(depth - 1, -128)], np.r_[-128, np.full(depth - 1, 127)]]
    rows += [np.arange(depth) % 256 - 128, rng.integers(-10, 10, depth), rng.integers(120, 128, depth)]
    given = [[row.astype(np.int8).reshape(1, depth)] for row in rows]
    assert_kernel_exact(log_softmax((1, depth), scale), given)


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    cases = {"one": ((1, 1), 0.1), "row": ((10,), 0.3), "rows": ((2, 3, 7), 0.05), "flat": ((1, 1000), 0.02)}
    assert_models_exact({name: log_softmax(*case) for name, case in cases.items()}, optimize=optimize)


def small(inputs: tuple[int, ...] = (0,), *, extra: tuple[T, ...] = (), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed."""
    tensors = {"input": T((1, 4), 0.1, 3), "output": T((1, 4), **OUT)}
    return model([*{**tensors, **changed}.values(), *extra], [Op("LOG_SOFTMAX", inputs, [1])], [0], [1])


LONG = (1, 4096)
BROKEN = {
    "It has 1 inputs and 1 outputs.": [small((0, 0))],
    "The input is computed at run time.": [small((2,), extra=(constant([[1, 2, 3, 4]], 0.1),))],
    ACTIVATIONS_INT8: [small(input=T((1, 4), 0.1, 128))],
    "Input and output have the same shape.": [small(output=T((4,), **OUT))],
    "The last dimension has 1 to 4095 entries.": [
        small(input=T(LONG, 0.1, 3), output=T(LONG, **OUT)),
        small(input=T((), 0.1, 3), output=T((), **OUT)),
    ],
    "The output has scale 1/16 and zero point 127.": [
        small(output=T((1, 4), 1 / 16, 126)),
        small(output=T((1, 4), 0.1, 127)),
    ],
    "The input scale is above 2^-25.": [small(input=T((1, 4), 2.0**-25, 3))],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("LOG_SOFTMAX", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("LOG_SOFTMAX", rule, BROKEN[rule])
