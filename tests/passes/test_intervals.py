# SPDX-License-Identifier: Apache-2.0
"""Intervals are exact where brute force can tell, and give up where order is lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from execute import Program
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.passes.intervals import analyze
from tinyq_deploy.read import read

SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
weights = st.integers(-127, 127)


def one_pixel(first: int, second: int, bias: int, scale: float, zero: int = 3) -> bytes:
    """Two input channels, one output."""
    tensors = [T((1, 1, 1, 2), 0.5, zero), constant(np.array([first, second]).reshape(1, 1, 1, 2), 0.25),
               constant([bias], 0.125, dtype="int32"), T((1, 1, 1, 1), scale, -5)]  # fmt: skip
    return model(tensors, [Op("CONV_2D", [0, 1, 2], [3], SAME, 3)], [0], [3])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    first=weights, second=weights, bias=st.integers(-40000, 40000), scale=st.sampled_from((0.125, 3.0, 700.0, 9000.0))
)
def test_a_convolution_reaches_both_ends(first: int, second: int, bias: int, scale: float) -> None:
    graph = read(one_pixel(first, second, bias, scale), "x")
    interval = analyze(graph).intervals[3]
    program = Program(graph)
    corners = [np.array(c, np.int8).reshape(1, 1, 1, 2) for c in itertools.product((-128, 127), repeat=2)]
    seen = [int(program.run([corner])[3].item()) for corner in corners]
    assert (min(seen), max(seen)) == (int(interval.low[0]), int(interval.high[0]))


@pytest.mark.parametrize("bias", [(1 << 31) - 1, -(1 << 31), (1 << 31) - 20000])
def test_an_accumulator_that_may_wrap_says_nothing(bias: int) -> None:
    interval = analyze(read(one_pixel(127, 127, bias, 9000.0), "x")).intervals[3]
    assert (interval.low[0], interval.high[0]) == (-128, 127)


def test_a_left_shift_that_may_wrap_says_nothing() -> None:
    """The factor is 2^10, half of 2^11: 2^20 shifted by 11 leaves int32."""
    interval = analyze(read(one_pixel(1, 1, 1 << 20, 2.0**-13), "x")).intervals[3]
    assert (interval.low[0], interval.high[0]) == (-128, 127)
    below = analyze(read(one_pixel(1, 1, 1 << 19, 2.0**-13), "x")).intervals[3]
    assert (below.low[0], below.high[0]) == (127, 127)


def test_a_constant_operand_of_add_is_its_range() -> None:
    tensors = [T((1, 3, 2), 0.5, 0), constant([[[1, 9], [4, 7], [2, 8]]], 0.5), T((1, 3, 2), 2.0, 0)]
    graph = read(model(tensors, [Op("ADD", [0, 1], [2], {}, 2)], [0], [2]), "x")
    interval = analyze(graph).intervals[2]
    assert interval.low.tolist() == [-32, -30]
    assert interval.high.tolist() == [33, 34]
    assert not interval.constant.any()


def test_slopes_per_channel_are_tried_for_all_values() -> None:
    """A negative slope makes a V of which the point is inside; a positive one rises throughout."""
    alpha = constant([[[-64, 32]]], 1 / 64)
    tensors = [T((1, 3, 2), 0.5, 0), alpha, T((1, 3, 2), 0.5, 0)]
    graph = read(model(tensors, [Op("PRELU", [0, 1], [2])], [0], [2]), "x")
    interval = analyze(graph).intervals[2]
    assert interval.low.tolist() == [0, -64]
    assert interval.high.tolist() == [127, 127]


def test_channels_of_another_shape_are_not_compared() -> None:
    graph = read(model([T((2, 3), 0.5, 0), T((3, 2), 0.25, 0)], [Op("QUANTIZE", [0], [1])], [0], [1]), "x")
    assert analyze(graph).intervals[1].low.tolist() == [-128, -128]


def test_a_shared_interval_is_not_a_shared_tensor() -> None:
    """The differences from the largest vary, though the largest has the interval of what it is taken of."""
    tensors = [T((1, 3, 2), 0.5, 0), T((1, 1, 2), 0.5, 0), constant([1], dtype="int32"), T((1, 3, 2), 40.0, -128)]
    ops = [Op("REDUCE_MAX", [0, 2], [1], {"keep_dims": True}, 2), Op("SQUARED_DIFFERENCE", [0, 1], [3])]
    interval = analyze(read(model(tensors, ops, [0], [3]), "x")).intervals[3]
    assert (interval.low.tolist(), interval.high.tolist()) == ([-128] * 2, [127] * 2)


def test_reshape_numbers_channels_anew() -> None:
    tensors = [T((1, 1, 2, 1), 0.5, 0), constant(np.array([1, 0]).reshape(2, 1, 1, 1), 1.0),
               constant([0, 8], 0.5, dtype="int32"), T((1, 1, 2, 2), 0.5, 0),
               T((1, 4), 0.5, 0), T((4, 1), 0.5, 0)]  # fmt: skip
    ops = [Op("CONV_2D", [0, 1, 2], [3], SAME, 3), Op("RESHAPE", [3], [4]), Op("RESHAPE", [4], [5])]
    facts = analyze(read(model(tensors, ops, [0], [5]), "x"))
    assert facts.intervals[4].low.tolist() == [-128, 8, -128, 8]
    assert facts.intervals[4].high.tolist() == [127, 8, 127, 8]
    assert (facts.intervals[5].low.tolist(), facts.intervals[5].high.tolist()) == ([-128], [127])
