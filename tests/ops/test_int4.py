# SPDX-License-Identifier: Apache-2.0
"""int4 weights against the oracle, byte for byte: two a byte in the file, in flash, and in what the kernels read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import QUICK, THOROUGH, Window, bias_values, options, output_scale, real_scale, weight_scales, windows
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.kernels.base import packed_int4
from tinyq_deploy.read import read, unpacked_int4

Shape = tuple[int, ...]


def int4_model(case: Window, op: str, filter_shape: Shape, shapes: tuple[Shape, Shape], axis: int,
               dtype: str = "int4") -> bytes:  # fmt: skip
    rng = np.random.default_rng(case.seed)
    scale, scales = real_scale(rng), weight_scales(rng, case.outputs if case.per_channel else 1)
    values = rng.choice([-8, 7], filter_shape) if case.extreme else rng.integers(-8, 8, filter_shape)
    tensors = [
        T(shapes[0], scale, case.input_zero),
        constant(values, scales, dtype=dtype, axis=axis),
        T(shapes[1], output_scale(scale, max(scales), case.ratio), case.output_zero),
    ]
    if case.bias != "none":
        bias = bias_values(rng, case.outputs, case.bias == "large")
        tensors.append(constant(bias, [scale * each for each in scales], dtype="int32"))
    chosen = {"fused_activation_function": case.activation} if op == "FULLY_CONNECTED" else options(case)
    if op == "DEPTHWISE_CONV_2D":
        chosen["depth_multiplier"] = case.depth_multiplier
    inputs = [0, 1, 3] if case.bias != "none" else [0, 1, -1] if op == "FULLY_CONNECTED" else [0, 1]
    return model(tensors, [Op(op, inputs, [2], chosen, version=7)], [0], [2])


def window_model(case: Window, op: str) -> bytes:
    shapes = (1, case.height, case.width, case.channels), (1, *case.output(), case.outputs)
    if op == "CONV_2D":
        return int4_model(case, op, (case.outputs, *case.kernel, case.channels), shapes, 0)
    return int4_model(case, op, (1, *case.kernel, case.outputs), shapes, 3)


def dense_model(case: Window, dtype: str = "int4") -> bytes:
    depth = case.channels * case.kernel[0] * case.kernel[1]
    shapes = (case.height, depth), (case.height, case.outputs)
    return int4_model(case, "FULLY_CONNECTED", (case.outputs, depth), shapes, 0, dtype)


def depthwise(case: Window) -> Window:
    return replace(case, outputs=case.channels * case.depth_multiplier)


depthwises = windows(depth_multiplier=st.sampled_from((1, 1, 2, 3))).map(depthwise).filter(Window.fits)
weighted = st.one_of(
    windows().map(lambda case: window_model(case, "CONV_2D")),
    depthwises.map(lambda case: window_model(case, "DEPTHWISE_CONV_2D")),
    windows(per_channel=st.just(False)).map(dense_model),
)


@QUICK
@given(weighted)
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(weighted)
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


@settings(QUICK, max_examples=40)
@given(windows(per_channel=st.just(True)))
def test_fully_connected_per_channel_is_that_of_the_same_weights_in_int8(case: Window) -> None:
    """tflite-micro takes int4 with one scale only; LiteRT, which takes several, rounds this operator in its own way."""
    assert_kernel_exact(dense_model(case), twin=dense_model(case, "int8"))


BASE = Window()
TRAPS = {
    "odd": replace(BASE, channels=3, outputs=3),
    "even": replace(BASE, channels=4, outputs=4),
    "extreme": replace(BASE, extreme=True, ratio=0.5),
    "one": replace(BASE, height=1, width=1, channels=1, outputs=1, kernel=(1, 1)),
    "no_bias": replace(BASE, bias="none", activation="RELU6", input_zero=127),
}
WHOLE = {
    **{f"conv_{name}": window_model(case, "CONV_2D") for name, case in TRAPS.items()},
    **{f"depthwise_{name}": window_model(depthwise(case), "DEPTHWISE_CONV_2D") for name, case in TRAPS.items()},
    **{f"dense_{name}": dense_model(replace(case, per_channel=False)) for name, case in TRAPS.items()},
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(WHOLE, optimize=optimize)


def test_flash_holds_two_weights_a_byte() -> None:
    (layer,) = planned(WHOLE["conv_odd"]).layers
    (filter_,) = (constant for constant in layer.constants if constant.name == "filter")
    assert filter_.values.nbytes == (3 * 3 * 3 * 3 + 1) // 2
    assert read(WHOLE["conv_odd"], "x").tensors[1].bytes == filter_.values.nbytes


@given(st.lists(st.integers(-8, 7), min_size=1, max_size=9))
def test_packing_and_unpacking(values: list[int]) -> None:
    packed = packed_int4(np.array(values, np.int8))
    assert unpacked_int4(packed.view(np.uint8), len(values)).view(np.int8).tolist() == values
