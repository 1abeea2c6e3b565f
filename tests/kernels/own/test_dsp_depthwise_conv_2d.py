# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D on cores with the DSP extension equals the portable kernel byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check, own_calls

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.dsp_depthwise_conv_2d import dilated, may_overlap, plane_layout, requantize_channels
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 4
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
M4 = Machine("mps2-an386")
Pair = tuple[int, int]


def depthwise(
    rng: np.random.Generator, size: Pair, channels: int, multiplier: int, kernel: Pair, stride: Pair = (1, 1),
    dilation: Pair = (1, 1), padding: str = "SAME", activation: str = "RELU6", reach: int = 0,
) -> NodeView:  # fmt: skip
    """A layer as quantizers make them: its output's zero point is -128 with an activation. `reach` bounds the bias."""
    outputs = channels * multiplier
    scales = [float(np.float32(10 ** rng.uniform(-3, -2))) for _ in range(outputs)]
    source = nodes.activation(0, (1, *size, channels), 0.0235, int(rng.choice([-128, -5, 127])))
    filter_ = nodes.constant(1, nodes.weights(rng, (1, *kernel, outputs)), scales, axis=3)
    bias = rng.integers(-reach, reach, outputs) if reach else nodes.bias(rng, outputs, kernel[0] * kernel[1])
    extent = nodes.output_extent(size, kernel, stride, dilation, padding)
    zero = -128 if activation != "NONE" else 3
    result = nodes.activation(3, (1, *extent, outputs), float(rng.choice([0.0235, 0.1, 0.001])), zero)
    options = nodes.window_options(rng, stride, dilation, padding) | {"depth_multiplier": multiplier}
    options["fused_activation_function"] = activation
    inputs = [source, filter_, nodes.constant(2, bias.astype(np.int32), scales)]
    return nodes.view("DEPTHWISE_CONV_2D", inputs, result, options)


def random_view(rng: np.random.Generator) -> NodeView:
    """Any filter up to 11, stride up to 4, multiplier, dilation, padding; half of them 3 by 3."""

    def pair(low: int, high: int) -> Pair:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    kernel = (3, 3) if rng.random() < 0.5 else pair(1, 12) if rng.random() < 0.3 else pair(1, 6)
    dilation = pair(1, 4) if rng.random() < 0.2 else (1, 1)
    stride = (1, 1) if dilation != (1, 1) or rng.random() < 0.4 else pair(1, 5)
    padding = str(rng.choice(["SAME", "VALID"]))
    least = [(k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (int(rng.integers(n, n + 14)) for n in least)
    channels = int(rng.choice([1, 3, 4, 5, 8, 13])) if rng.random() < 0.9 else int(rng.integers(1, 131))
    multiplier = 1 if rng.random() < 0.7 else int(rng.integers(2, 9))
    shape = ((height, width), channels, multiplier, kernel, stride, dilation, padding)
    if rng.random() < 0.3:
        return nodes.depthwise_conv_2d(rng, *shape)
    reach = int(rng.choice([0, 0, 0, 1 << 24, (1 << 31) - 1]))
    return depthwise(rng, *shape, activation=str(rng.choice(["RELU6", "RELU", "NONE"])), reach=reach)


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(optimize: str, tmp_path: Path) -> None:
    """Random layers, each with every kernel that takes it, apart from the input and over it."""
    rng = np.random.default_rng(SEED)
    wrapping = [depthwise(rng, (5, 6), 5, 1, kernel, reach=(1 << 31) - 1) for kernel in ((3, 3), (2, 5))]
    found = cases([*wrapping, *(random_view(rng) for _ in range(COUNT))], M4)
    assert len(found) > COUNT
    assert any(case.tested.in_place for case in found)
    assert {dict(case.tested.params)["kind"] for case in found} >= {0, 1, 3}
    check(found, M4, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_many_bytes_equal(seed: int, compiler: str, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(100 + seed)
    machine = Machine("mps2-an386", compiler)
    check(cases([random_view(rng) for _ in range(80)], machine), machine, tmp_path, optimize, seed)


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_few_output_pixels(optimize: str, tmp_path: Path) -> None:
    """Up to three output pixels without padding go without planes."""
    rng = np.random.default_rng(SEED)
    views = [
        depthwise(rng, (8, 8), 16, 1, (8, 8), padding="VALID"),
        depthwise(rng, (7, 1), 9, 1, (5, 1), padding="VALID"),
        depthwise(rng, (3, 8), 3, 1, (2, 4), (1, 2), (2, 1), padding="VALID", activation="NONE"),
        depthwise(rng, (1, 1), 5, 1, (1, 1), reach=(1 << 31) - 1),
    ]
    found = cases(views, M4)
    assert sum(str(case.tested.function).endswith("few") for case in found) == len(views)
    check(found, M4, tmp_path, optimize)


def test_strips(tmp_path: Path) -> None:
    """Planes too large for the budget are filled strip by strip, with the rows between strips kept."""
    rng = np.random.default_rng(SEED)
    views = [
        depthwise(rng, (20, 31), 9, 1, (3, 3)),
        depthwise(rng, (21, 30), 8, 1, (3, 3), (2, 2)),
        depthwise(rng, (20, 31), 5, 2, (5, 4), (1, 2)),
        depthwise(rng, (19, 40), 4, 1, (3, 3), dilation=(2, 1)),
        depthwise(rng, (23, 40), 4, 1, (2, 3), (4, 1), padding="VALID"),
    ]
    found = cases(views, M4)
    for case in found:
        params = dict(case.tested.params)
        assert "strip_rows" not in params or params["strip_rows"] < params["output_height"]
    check(found, M4, tmp_path)


def test_output_over_input_only_where_no_row_is_lost() -> None:
    """Full padding keeps the rows apart; a taller output than input does not."""
    rng = np.random.default_rng(SEED)

    def layout(view: NodeView):  # type: ignore[no-untyped-def]
        p = DepthwiseConv2D.params(view)
        return plane_layout(p, requantize_channels(view, p), 0)

    assert may_overlap(layout(depthwise(rng, (20, 40), 8, 1, (3, 3))))
    assert not may_overlap(layout(depthwise(rng, (20, 40), 8, 2, (3, 3))))


def test_dilation_puts_zeros_between_taps() -> None:
    filter_ = np.arange(1, 7, dtype=np.int8).reshape(1, 2, 3)
    assert dilated(filter_, 2).tolist() == [[[1, 0, 2, 0, 3], [4, 0, 5, 0, 6]]]


def test_other_cores_are_left_alone() -> None:
    view = depthwise(np.random.default_rng(SEED), (5, 5), 4, 1, (3, 3))
    assert own_calls(view, Target("cortex-m7"))
    assert not [c for c in own_calls(view, Target("cortex-m3")) if "dsp" in str(c.function)]
