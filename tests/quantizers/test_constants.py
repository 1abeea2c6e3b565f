# SPDX-License-Identifier: Apache-2.0
"""Weight scales, weights and biases from known numbers."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.quantizers import constants


def f32(*values: float) -> constants.Floats:
    return np.array(values, np.float32)


def test_scale_is_the_largest_weight_over_127_per_channel_or_over_all() -> None:
    weights = f32(1.27, -2.54, 0.5, 0.1).reshape(2, 2)
    assert constants.weight_scale(weights, 0).tolist() == (f32(2.54, 0.5) / f32(127)).tolist()
    assert constants.weight_scale(weights, 1).tolist() == (f32(1.27, 2.54) / f32(127)).tolist()
    assert constants.weight_scale(weights, None).tolist() == (f32(2.54) / f32(127)).tolist()


def test_weights_are_symmetric_and_halves_go_away_from_zero() -> None:
    weights = f32(127, -127, 2.5, -2.5, 0.4, -300)
    assert constants.quantize_weights(weights, f32(1), None).tolist() == [127, -127, 3, -3, 0, -127]
    per_channel = constants.quantize_weights(f32(2, 4, 6, 8).reshape(2, 2), f32(2, 1), 1)
    assert per_channel.tolist() == [[1, 4], [3, 8]]


def test_a_dead_channel_has_a_usable_scale() -> None:
    weights = np.zeros((2, 3), np.float32)
    weights[1] = 1e-8, -2e-8, 0
    scale = constants.weight_scale(weights, 0)
    assert np.allclose(scale, 5e-7 / 127)
    assert constants.quantize_weights(weights, scale, 0)[0].tolist() == [0, 0, 0]


def test_a_bias_that_would_overflow_widens_its_channel_alone() -> None:
    scale, bias, step = f32(0.01, 1e-9), f32(0.5, -0.5), np.float32(0.02)
    wide = constants.widened(scale, step, bias, 0)
    assert wide[0] == scale[0]
    ours = constants.bias_scale(wide, step, bias, 0)
    got = constants.quantize_bias(bias, ours, np.dtype(np.int32))
    assert got[0] == 2500
    assert abs(int(got[1]) + 2**30) < 200
    assert np.isclose(got[1] * ours[1], -0.5)
    assert np.isclose(wide[1] * step, ours[1])


def test_bias_with_one_scale_is_held_by_its_largest_value() -> None:
    wide = constants.widened(f32(1e-9), np.float32(0.02), f32(0.1, -0.5), None)
    ours = constants.bias_scale(wide, np.float32(0.02), f32(0.1, -0.5), None)
    got = constants.quantize_bias(f32(0.1, -0.5), ours, np.dtype(np.int64))
    assert got.dtype == np.int64
    assert np.allclose(got * ours, [0.1, -0.5])
    assert abs(got).max() <= 2**30
