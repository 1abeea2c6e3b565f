# SPDX-License-Identifier: Apache-2.0
"""CONV_2D against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from broken import (
    ACTIVATION_IN,
    ACTIVATIONS,
    BIAS_OR_NARROW,
    CHANNELS,
    SAME_BATCHES,
    WEIGHTS_TO_INT4,
    WIDE_SUMS,
    assert_complete,
    assert_refused,
)
from cases import QUICK, THOROUGH, Window, convolution, windows
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


def conv_2d(case: Window) -> bytes:
    shape = (case.outputs, *case.kernel, case.channels // case.groups)
    return convolution(case, "CONV_2D", shape, 0, {})


def grouped(sizes: tuple[int, int, int]) -> st.SearchStrategy[Window]:
    groups, inputs, outputs = sizes
    return windows(groups=st.just(groups), channels=st.just(groups * inputs), outputs=st.just(groups * outputs))


any_conv = windows() | st.tuples(st.integers(2, 3), st.integers(1, 3), st.integers(1, 3)).flatmap(grouped)


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
    "batches": replace(BASE, batches=3, stride=(2, 1), kernel=(3, 4)),
    "batches_of_words": replace(BASE, batches=2, channels=8, outputs=8, height=4),
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


def small(inputs: tuple[int, ...] = (0, 1, 2), *, given: tuple[int, ...] = (0,), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A convolution that is accepted, but for what is changed; `given` are the model's inputs."""
    merged = {"padding": "SAME", "stride_h": 1, "stride_w": 1, **(options or {})}
    return model([*{**TENSORS, **changed}.values()], [Op("CONV_2D", inputs, [3], merged)], given, [3])


def ones(*shape: int, scale: Any = 0.25, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)


WIDE = {"input": T((1, 4, 4, 4), 0.5, 0, "int16"), "output": T((1, 4, 4, 2), 0.5, 0, "int16")}
BROKEN = {
    "It has 2 to 3 inputs and 1 outputs.": [small((0,)), small((0, 1, 2, 2)), small((0, -1, 2))],
    "The input has 4 dimensions.": [small(input=T((4, 4, 4), 0.5))],
    "The filter has 4 dimensions.": [small(filter=ones(2, 36))],
    "The input is computed at run time.": [small((1, 1, 2))],
    SAME_BATCHES: [small(input=T((2, 4, 4, 4), 0.5)), small(output=T((), 0.5))],
    ACTIVATIONS: [
        small(**{**WIDE, "output": TENSORS["output"]}),
        small(**{**WIDE, "input": T((1, 4, 4, 4), 0.5, 3, "int16")}),
        small(input=T((1, 4, 4, 4), 0.5, 128)),
        small(output=T((1, 4, 4, 2), 0.5, -129)),
        small(output=T((1, 4, 4, 2), 0.5, [0, 0])),
    ],
    WEIGHTS_TO_INT4.format(axis=0): [
        small((0, 1), **WIDE, filter=constant(np.ones((2, 3, 3, 4)), 0.25, dtype="int4")),
        small(filter=ones(2, 3, 3, 4, dtype="int16")),
        small(given=(0, 1), filter=T((2, 3, 3, 4), 0.25)),
        small(filter=ones(2, 3, 3, 4, scale=None)),
        small(filter=ones(2, 3, 3, 4, scale=[0.25] * 3)),
        small(filter=ones(2, 3, 3, 4, scale=[0.25] * 2, axis=3)),
        small(filter=ones(2, 3, 3, 4, zero_point=1)),
    ],
    BIAS_OR_NARROW: [
        small(**WIDE, bias=constant([1 << 46] * 2, 0.125, dtype="int64")),
        small(**WIDE, bias=constant([1] * 3, 0.125, dtype="int64")),
        small(bias=constant([1, 2], 0.125, dtype="int64")),
        small(bias=constant([1, 2, 3], 0.125, dtype="int32")),
    ],
    "stride h, stride w, dilation h factor, dilation w factor are at least 1.": [
        small(options={name: value})
        for name in ("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor")
        for value in (0, -1)
    ],
    "padding is SAME, VALID.": [small(options={"padding": 2})],
    ACTIVATION_IN: [small(options={"fused_activation_function": name}) for name in ("TANH", "SIGN_BIT", 77)],
    CHANNELS: [
        small(filter=ones(2, 3, 3, 3)),
        small(filter=ones(3, 3, 3, 2), bias=ones(3, dtype="int32"), output=T((1, 4, 4, 3), 0.5)),
    ],
    "The filter, dilated, is at most 32767 high and wide.": [small(options={"dilation_w_factor": 16384})],
    "The output shape follows from input, filter, stride, dilation and padding.": [
        small(output=T((1, 4, 3, 2), 0.5)),
        small(output=T((1, 4, 4, 3), 0.5)),
        small(options={"padding": "VALID"}),
        small(options={"padding": "VALID", "dilation_h_factor": 3}),
    ],
    WIDE_SUMS: [small((0, 1), **{**WIDE, "output": T((1, 4, 4, 2), 0.125 / 128, 0, "int16")})],
    "Every requantisation factor, input scale * filter scale / output scale, is below 2^30.": [
        small(input=T((1, 4, 4, 4), 1e30), output=T((1, 4, 4, 2), 1e-30)),
        small(filter=ones(2, 3, 3, 4, scale=[1.0, 2.0**30])),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert_complete("CONV_2D", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("CONV_2D", rule, BROKEN[rule])


def test_options_left_out_are_the_defaults() -> None:
    with_options = small(options={"padding": "SAME", "dilation_h_factor": 1, "dilation_w_factor": 1})
    without = model([*TENSORS.values()], [Op("CONV_2D", (0, 1, 2), [3], None)], [0], [3])
    given = [planned(data).layers[0].call.params for data in (with_options, without)]
    assert given[0] == given[1]


def test_the_largest_factor_below_the_bound_is_computed() -> None:
    assert_kernel_exact(small(filter=ones(2, 3, 3, 4, scale=[2.0**-10, 2.0**30 - 64])))
