# SPDX-License-Identifier: Apache-2.0
"""CONV_2D against the oracle, byte for byte; and every rule, broken once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import QUICK, THOROUGH, Window, convolution, windows
from exact import assert_kernel_exact, assert_models_exact, refused
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


def conv_2d(case: Window) -> bytes:
    shape = (case.outputs, *case.kernel, case.channels // case.groups)
    return convolution(case, "CONV_2D", shape, 0, {})


def grouped(groups: int, inputs: int, outputs: int) -> st.SearchStrategy[Window]:
    return windows(groups=st.just(groups), channels=st.just(groups * inputs), outputs=st.just(groups * outputs))


any_conv = windows() | st.builds(grouped, st.integers(2, 3), st.integers(1, 3), st.integers(1, 3)).flatmap(lambda s: s)


@QUICK
@given(any_conv)
def test_it_computes_what_the_oracle_does(case: Window) -> None:
    assert_kernel_exact(conv_2d(case))


@pytest.mark.exhaustive
@THOROUGH
@given(any_conv)
def test_it_computes_what_the_oracle_does_for_many_more(case: Window) -> None:
    assert_kernel_exact(conv_2d(case))


BASE = Window()
TRAPS = {
    "zero_points_low": replace(BASE, input_zero=-128, output_zero=-128),
    "zero_points_high": replace(BASE, input_zero=127, output_zero=127),
    "shift_0": replace(BASE, ratio=0.75),
    "shift_positive": replace(BASE, ratio=12.0, bias="none"),
    "shift_least": replace(BASE, ratio=0.75 * 2.0**-31, bias="large"),
    "below_the_least_shift": replace(BASE, ratio=0.75 * 2.0**-33, bias="large"),
    "all_saturate": replace(BASE, extreme=True, ratio=0.5),
    "one_by_one": replace(BASE, height=1, width=1, channels=1, outputs=1, kernel=(1, 1)),
    "primes_stride_2_3": replace(BASE, height=13, width=11, channels=7, outputs=5, stride=(2, 3), kernel=(5, 2)),
    "stride_4_over_gaps": replace(BASE, height=11, width=13, stride=(4, 4), kernel=(2, 1)),
    "kernel_beyond_input": replace(BASE, height=2, width=3, kernel=(7, 5), input_zero=90),
    "asymmetric_padding": replace(BASE, height=8, width=8, kernel=(2, 4), input_zero=-77),
    "valid_dilated": replace(BASE, height=9, width=9, padding="VALID", dilation=(2, 3)),
    "groups": replace(BASE, channels=6, outputs=4, groups=2, activation="RELU6"),
    "per_tensor_no_bias_relu": replace(BASE, per_channel=False, bias="none", activation="RELU", seed=3),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: conv_2d(case) for name, case in TRAPS.items()}, optimize=optimize)


TENSORS = {
    "input": T((1, 4, 4, 4), 0.5, 3),
    "filter": constant(np.ones((2, 3, 3, 4)), 0.25),
    "bias": constant([1, 2], 0.125, dtype="int32"),
    "output": T((1, 4, 4, 2), 0.5, -1),
}
OPTIONS = {"padding": "SAME", "stride_h": 1, "stride_w": 1}


def small(inputs: tuple[int, ...] = (0, 1, 2), outputs: tuple[int, ...] = (3,), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    tensors = list({**TENSORS, **changed}.values())
    return model(tensors, [Op("CONV_2D", inputs, outputs, {**OPTIONS, **(options or {})})], [0], list(outputs))


def ones(*shape: int, scale: Any = 0.25, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)




def test_the_smallest_model_is_accepted() -> None:
    assert_kernel_exact(small())
