# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from broken import (
    ACTIVATION_IN,
    ACTIVATIONS,
    BIAS_OR_NARROW,
    WIDE_SUMS,
    assert_complete,
    assert_refused,
)
from cases import (
    QUICK,
    THOROUGH,
    activations,
    bias_values,
    int8,
    output_scale,
    ratios,
    real_scale,
    seeds,
    weight_scales,
    zero_points,
)
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


@dataclass(frozen=True)
class Product:
    rows: int = 1
    depth: int = 17
    outputs: int = 5
    rank: int = 2
    keep: bool = False  # keep_num_dims
    computed: bool = False  # the weights are an activation
    weights_zero: int = 0
    per_channel: bool = False
    bias: str = "small"
    input_zero: int = -3
    output_zero: int = 5
    activation: str = "NONE"
    ratio: float = 2.0**-9
    extreme: bool = False
    seed: int = 0

    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Input and output; without keep_num_dims a matrix comes out."""
        lead = {1: (), 2: (self.rows,), 3: (2, self.rows), 4: (self.rows, 1, 2), 5: (1, 2, self.rows, 1)}[self.rank]
        rows = lead if self.keep else (math.prod(lead),)
        return (*lead, self.depth), (*rows, self.outputs)


def fully_connected(case: Product) -> bytes:
    rng = np.random.default_rng(case.seed)
    before = real_scale(rng)
    scales = weight_scales(rng, case.outputs if case.per_channel and not case.computed else 1)
    into, out = case.shapes()
    weights = (case.outputs, case.depth)
    tensors = [
        T(into, before, case.input_zero),
        T(weights, scales, case.weights_zero) if case.computed else constant(int8(rng, weights, case.extreme), scales),
        T(out, output_scale(before, max(scales), case.ratio), case.output_zero),
    ]
    inputs = [0, 1, -1]
    if case.bias != "none":
        values = bias_values(rng, case.outputs, case.bias == "large")
        tensors.append(constant(values, [float(np.float32(before) * np.float32(s)) for s in scales], dtype="int32"))
        inputs = [0, 1, 3]
    options = {"fused_activation_function": case.activation, "keep_num_dims": case.keep}
    given = [0, 1] if case.computed else [0]
    return model(tensors, [Op("FULLY_CONNECTED", inputs, [2], options, version=5)], given, [2])


products = st.builds(
    Product,
    rows=st.sampled_from((1, 2, 3, 7)),
    depth=st.sampled_from((1, 2, 3, 4, 13, 64, 129)),
    outputs=st.sampled_from((1, 2, 3, 8, 11)),
    rank=st.sampled_from((1, 2, 3, 4, 5)),
    keep=st.booleans(),
    computed=st.sampled_from((False, False, True)),
    weights_zero=zero_points,
    per_channel=st.booleans(),
    bias=st.sampled_from(("small", "large", "none")),
    input_zero=zero_points,
    output_zero=zero_points,
    activation=activations,
    ratio=ratios,
    extreme=st.booleans(),
    seed=seeds,
)


@QUICK
@given(products)
def test_it_computes_what_the_oracle_does(case: Product) -> None:
    assert_kernel_exact(fully_connected(case))


@pytest.mark.exhaustive
@THOROUGH
@given(products)
def test_it_computes_what_the_oracle_does_for_many_more(case: Product) -> None:
    assert_kernel_exact(fully_connected(case))


@QUICK
@given(seeds)
def test_the_factor_of_per_tensor_weights_is_made_as_the_oracle_makes_it(seed: int) -> None:
    """A product of the two scales in float32 instead of float64 would fail one seed in six here."""
    assert_kernel_exact(fully_connected(Product(depth=200, outputs=40, ratio=2.0**-8, extreme=True, seed=seed)))


BASE = Product()
TRAPS = {
    "zero_points_low": replace(BASE, input_zero=-128, output_zero=-128),
    "zero_points_high": replace(BASE, input_zero=127, output_zero=127),
    "shift_0": replace(BASE, ratio=0.75),
    "shift_positive": replace(BASE, ratio=12.0, bias="none"),
    "shift_least": replace(BASE, ratio=0.75 * 2.0**-31, bias="large"),
    "below_the_least_shift": replace(BASE, ratio=0.75 * 2.0**-33, bias="large"),
    "all_saturate": replace(BASE, extreme=True, ratio=0.5, depth=129),
    "one_by_one": replace(BASE, depth=1, outputs=1),
    "rows": replace(BASE, rows=7, depth=13, outputs=11),
    "rows_of_rank_3": replace(BASE, rows=3, rank=3, per_channel=True, keep=True),
    "rank_4": replace(BASE, rank=4, depth=64),
    "vector": replace(BASE, rank=1, keep=True),
    "computed_weights": replace(BASE, computed=True, weights_zero=-128, rows=3, activation="RELU"),
    "per_channel": replace(BASE, per_channel=True, outputs=11, rows=2),
    "no_bias_relu": replace(BASE, bias="none", activation="RELU"),
    "relu6": replace(BASE, activation="RELU6", output_zero=-128, per_channel=True),
    "relu_n1_to_1": replace(BASE, activation="RELU_N1_TO_1", output_zero=127),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: fully_connected(case) for name, case in TRAPS.items()}, optimize=optimize)


TENSORS = {
    "input": T((3, 4), 0.5, 3),
    "filter": constant(np.ones((2, 4)), 0.25),
    "bias": constant([1, 2], 0.125, dtype="int32"),
    "output": T((3, 2), 0.5, -1),
}


def small(inputs: tuple[int, ...] = (0, 1, 2), *, given: tuple[int, ...] = (0,), options: dict[str, Any] | None = None,
          **changed: T) -> bytes:  # fmt: skip
    """A product that is accepted, but for what is changed; `given` are the model's inputs."""
    op = Op("FULLY_CONNECTED", inputs, [3], options or {})
    return model([*{**TENSORS, **changed}.values()], [op], given, [3])


def ones(*shape: int, scale: Any = 0.25, **more: Any) -> T:
    return constant(np.ones(shape), scale, **more)


WIDE = {"input": T((3, 4), 0.5, 0, "int16"), "output": T((3, 2), 0.5, 0, "int16")}
BROKEN = {
    "It has 2 to 3 inputs and 1 outputs.": [small((0,)), small((0, 1, 2, 2)), small((0, -1, 2))],
    "The filter has 2 dimensions.": [small(filter=ones(2, 4, 1))],
    "The input is computed at run time.": [small((1, 1, 2))],
    ACTIVATIONS: [
        small(**{**WIDE, "output": TENSORS["output"]}),
        small(**{**WIDE, "input": T((3, 4), 0.5, 3, "int16")}),
        small(input=T((3, 4), 0.5, 128)),
        small(output=T((3, 2), 0.5, -129)),
    ],
    "Constant weights are int8 or, with int8 activations, int4, with zero point 0, one scale or one per channel of "
    "axis 0; weights computed at run time are int8, as the input, with one scale and any zero point.": [
        small((0, 1), **WIDE, filter=constant(np.ones((2, 4)), 0.25, dtype="int4")),
        small((0, 1), given=(0, 1), **WIDE, filter=T((2, 4), 0.5, 0, "int16")),
        small(filter=ones(2, 4, dtype="int16")),
        small(filter=ones(2, 4, scale=None)),
        small(filter=ones(2, 4, scale=[0.25] * 4, axis=1)),
        small(filter=ones(2, 4, scale=[0.25] * 2, axis=1)),
        small(filter=ones(2, 4, zero_point=1)),
    ],
    BIAS_OR_NARROW: [
        small(**WIDE, bias=constant([1 << 46] * 2, 0.125, dtype="int64")),
        small(**WIDE, bias=constant([1] * 3, 0.125, dtype="int64")),
        small(bias=constant([1, 2], 0.125, dtype="int64")),
        small(bias=constant([1, 2, 3], 0.125, dtype="int32")),
    ],
    ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"})],
    "weights format is DEFAULT.": [small(options={"weights_format": "SHUFFLED4x16INT8"})],
    "The input is a whole number of rows as long as the filter's, and each row gives one output row.": [
        small(input=T((3, 5), 0.5)),
        small(input=T((2, 4), 0.5)),
        small(output=T((2, 2), 0.5)),
        small(output=T((1, 6), 0.5)),
        small(output=T((), 0.5)),
    ],
    WIDE_SUMS: [small((0, 1), **{**WIDE, "output": T((3, 2), 0.125 / 128, 0, "int16")})],
    "Every requantisation factor, input scale * filter scale / output scale, is below 2^30.": [
        small(input=T((3, 4), 2.0**32), output=T((3, 2), 1.0)),
        small(input=T((3, 4), 1e38), filter=ones(2, 4, scale=1e38)),
        small(filter=ones(2, 4, scale=[1.0, 2.0**31])),
    ],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("FULLY_CONNECTED", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("FULLY_CONNECTED", rule, BROKEN[rule])
