# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from broken import ACTIVATION_IN, ACTIVATIONS, BIAS_TO_INT64, WEIGHTS, WIDE_SUMS, assert_complete, assert_refused
from cases import (
    QUICK,
    THOROUGH,
    activations,
    bias_values,
    extents,
    int8,
    output_scale,
    ratios,
    real_scale,
    seeds,
    weight_scales,
    zero_points,
)
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


@dataclass(frozen=True)
class Transposed:
    batches: int = 1
    size: tuple[int, int] = (3, 4)
    channels: int = 3
    outputs: int = 4
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (2, 2)
    padding: str = "SAME"
    more: tuple[int, int] = (0, 0)  # rows and columns that the output has less (SAME) or more (VALID) than usual
    input_zero: int = -3
    output_zero: int = 5
    per_channel: bool = True
    bias: str = "small"
    activation: str = "NONE"
    ratio: float = 2.0**-9
    extreme: bool = False
    seed: int = 0

    def output(self) -> tuple[int, int]:
        """[OH, OW]."""
        pairs = list(zip(self.size, self.stride, self.kernel, self.more, strict=True))
        if self.padding == "SAME":
            height, width = (size * stride - less % stride for size, stride, _, less in pairs)
        else:
            height, width = ((size - 1) * stride + taps + more for size, stride, taps, more in pairs)
        return height, width


def transpose_conv(case: Transposed) -> bytes:
    rng = np.random.default_rng(case.seed)
    before, scales = real_scale(rng), weight_scales(rng, case.outputs if case.per_channel else 1)
    shape = (case.batches, *case.output(), case.outputs)
    tensors = [
        constant(shape, dtype="int32"),
        constant(int8(rng, (case.outputs, *case.kernel, case.channels), case.extreme), scales),
        T((case.batches, *case.size, case.channels), before, case.input_zero),
        T(shape, output_scale(before, max(scales), case.ratio), case.output_zero),
    ]
    inputs = [0, 1, 2]
    if case.bias != "none":
        values = bias_values(rng, case.outputs, case.bias == "large")
        tensors.append(constant(values, [before * scale for scale in scales], dtype="int32"))
        inputs.append(4)
    options = {
        "padding": case.padding,
        "stride_h": case.stride[0],
        "stride_w": case.stride[1],
        "fused_activation_function": case.activation,
    }
    return model(tensors, [Op("TRANSPOSE_CONV", inputs, [3], options, version=4)], [2], [3])


small_sizes = st.sampled_from((1, 2, 3, 5, 6))
transposed = st.builds(
    Transposed,
    batches=st.sampled_from((1, 1, 1, 2, 3)),
    size=st.tuples(small_sizes, small_sizes),
    channels=extents,
    outputs=extents,
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(("SAME", "VALID")),
    more=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    input_zero=zero_points,
    output_zero=zero_points,
    per_channel=st.booleans(),
    bias=st.sampled_from(("small", "large", "none")),
    activation=activations,
    ratio=ratios,
    extreme=st.booleans(),
    seed=seeds,
)


@QUICK
@given(transposed)
def test_it_computes_what_the_oracle_does(case: Transposed) -> None:
    assert_kernel_exact(transpose_conv(case))


@pytest.mark.exhaustive
@THOROUGH
@given(transposed)
def test_it_computes_what_the_oracle_does_for_many_more(case: Transposed) -> None:
    assert_kernel_exact(transpose_conv(case))


BASE = Transposed()
TRAPS = {
    "zero_points_low": replace(BASE, input_zero=-128, output_zero=-128),
    "zero_points_high": replace(BASE, input_zero=127, output_zero=127),
    "shift_positive": replace(BASE, ratio=12.0, bias="none"),
    "shift_least": replace(BASE, ratio=0.75 * 2.0**-31, bias="large"),
    "all_saturate": replace(BASE, extreme=True, ratio=0.5),
    "one_by_one": replace(BASE, size=(1, 1), channels=1, outputs=1, kernel=(1, 1), stride=(1, 1)),
    "stride_beyond_kernel": replace(BASE, kernel=(1, 2), stride=(3, 4), input_zero=90),
    "stride_beyond_kernel_valid": replace(BASE, kernel=(1, 2), stride=(3, 4), padding="VALID", more=(1, 2)),
    "primes": replace(BASE, size=(5, 7), channels=7, outputs=5, kernel=(5, 2), stride=(2, 3), more=(1, 2)),
    "stride_1": replace(BASE, stride=(1, 1), kernel=(4, 2), input_zero=-77),
    "valid": replace(BASE, padding="VALID", kernel=(4, 4)),
    "two_by_two": replace(BASE, kernel=(2, 2), channels=8, outputs=8, size=(4, 4)),
    "four_by_four_batches": replace(BASE, kernel=(4, 4), batches=3, activation="RELU6"),
    "per_tensor_no_bias_relu": replace(BASE, per_channel=False, bias="none", activation="RELU", seed=3),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: transpose_conv(case) for name, case in TRAPS.items()}, optimize=optimize)


def test_the_output_lies_over_the_input_where_it_is_read_before() -> None:
    plan = planned(transpose_conv(replace(BASE, size=(8, 8), channels=8, outputs=8, kernel=(2, 2))))
    assert plan.arena_bytes < 16 * 16 * 8 + 8 * 8 * 8


TENSORS = {
    "shape": constant([1, 8, 8, 2], dtype="int32"),
    "filter": constant(np.ones((2, 3, 3, 4)), 0.25),
    "input": T((1, 4, 4, 4), 0.5, 3),
    "bias": constant([1, 2], 0.125, dtype="int32"),
    "output": T((1, 8, 8, 2), 0.5, -1),
}


def small(inputs: tuple[int, ...] = (0, 1, 2, 3), *, options: dict[str, Any] | None = None, **changed: T) -> bytes:
    """A transposed convolution that is accepted, but for what is changed."""
    merged = {"padding": "SAME", "stride_h": 2, "stride_w": 2, **(options or {})}
    return model([*{**TENSORS, **changed}.values()], [Op("TRANSPOSE_CONV", inputs, [4], merged)], [2], [4])


def ones(*shape: int, scale: Any = 0.25, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)


WIDE = {"input": T((1, 4, 4, 4), 0.5, 0, "int16"), "output": T((1, 8, 8, 2), 0.5, 0, "int16")}
BROKEN = {
    "It has 3 to 4 inputs and 1 outputs.": [small((0, 1)), small((0, 1, 2, 3, 3)), small((0, 1, -1))],
    "The output shape is a constant of int32 or int64.": [
        small((2, 1, 2, 3)),
        small(shape=constant([1.0, 8.0, 8.0, 2.0], dtype="float32")),
    ],
    "The input has 4 dimensions.": [small(input=T((4, 4, 4), 0.5))],
    "The filter has 4 dimensions.": [small(filter=ones(2, 36))],
    "The input is computed at run time.": [small((0, 1, 1))],
    ACTIVATIONS: [small(input=T((1, 4, 4, 4), 0.5, 128)), small(output=T((1, 8, 8, 2), 0.5, -129))],
    WEIGHTS.format(axis=0): [
        small(filter=ones(2, 3, 3, 4, dtype="int16")),
        small(filter=ones(2, 3, 3, 4, scale=[0.25] * 4, axis=3)),
        small(filter=ones(2, 3, 3, 4, zero_point=1)),
    ],
    BIAS_TO_INT64: [
        small(bias=constant([1, 2, 3], 0.125, dtype="int32")),
        small(**WIDE),
        small(**WIDE, bias=constant([1, 1 << 46], 0.125, dtype="int64")),
    ],
    "stride h, stride w are at least 1.": [small(options={"stride_h": 0}), small(options={"stride_w": -1})],
    "padding is SAME, VALID.": [small(options={"padding": 2})],
    ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
    "The output has 4 dimensions, the shape that input 0 gives, and the batches of the input.": [
        small(output=T((1, 8, 7, 2), 0.5)),
        small(output=T((8, 8, 2), 0.5), shape=constant([8, 8, 2], dtype="int32")),
        small(input=T((2, 4, 4, 4), 0.5)),
    ],
    "The filter has as many channels as the input and as many filters as the output has channels.": [
        small(filter=ones(2, 3, 3, 3)),
        small(output=T((1, 8, 8, 3), 0.5), shape=constant([1, 8, 8, 3], dtype="int32")),
    ],
    "With VALID padding the output is at least as high and wide as the filter.": [
        small(options={"padding": "VALID"}, filter=ones(2, 3, 9, 4)),
    ],
    "Every requantisation factor, input scale * filter scale / output scale, is below 2^30.": [
        small(input=T((1, 4, 4, 4), 1e30), output=T((1, 8, 8, 2), 1e-30)),
    ],
    WIDE_SUMS: [small((0, 1, 2), **{**WIDE, "output": T((1, 8, 8, 2), 2.0**-10, 0, "int16")})],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("TRANSPOSE_CONV", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("TRANSPOSE_CONV", rule, BROKEN[rule])
