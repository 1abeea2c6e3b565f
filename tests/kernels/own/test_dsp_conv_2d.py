# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED on cores with the DSP extension equal the portable kernels byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own import dsp_conv_2d as own
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.dsp_fully_connected import OwnDspFullyConnected

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 4
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
Pair = tuple[int, int]


class FreeFramePointer(Machine):
    """With all 14 registers for the inner loop, as toolchains/zig.py compiles."""

    def command(self) -> list[str]:
        return [*super().command(), "-fomit-frame-pointer"]


M4 = FreeFramePointer("mps2-an386")


def layer(
    rng: np.random.Generator, size: Pair, channels: int, outputs: int, kernel: Pair, stride: Pair = (1, 1),
    dilation: Pair = (1, 1), padding: str = "SAME", activation: str = "RELU", reach: int = 0, least: int = -127,
    scale: float = 0.0,
) -> NodeView:  # fmt: skip
    """A layer as quantizers make them: the output's zero point is -128 with an activation. `reach` bounds the bias,
    `least` the weights; `scale` is the output's."""
    taps = kernel[0] * kernel[1] * channels
    scales = [float(np.float32(10 ** rng.uniform(-3, -2))) for _ in range(outputs)]
    source = nodes.activation(0, (1, *size, channels), 0.0235, int(rng.choice([-128, -5, 127])))
    filter_ = nodes.constant(1, rng.integers(least, 128, (outputs, *kernel, channels)).astype(np.int8), scales)
    bias = rng.integers(-reach, reach, outputs) if reach else nodes.bias(rng, outputs, taps)
    extent = nodes.output_extent(size, kernel, stride, dilation, padding)
    scale = scale or float(np.float32(np.sqrt(taps) * rng.choice([0.0235, 0.1, 0.001])))
    result = nodes.activation(3, (1, *extent, outputs), scale, -128 if activation != "NONE" else 3)
    options = nodes.window_options(rng, stride, dilation, padding) | {"fused_activation_function": activation}
    inputs = [source, filter_, nodes.constant(2, bias.astype(np.int32), scales)]
    return nodes.view("CONV_2D", inputs, result, options)


def random_view(rng: np.random.Generator) -> NodeView:
    """Filters up to 11, strides up to 4, dilation, both paddings, 1 to 130 channels."""

    def pair(low: int, high: int) -> Pair:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    kernel = (1, 1) if rng.random() < 0.3 else pair(1, 12) if rng.random() < 0.2 else pair(1, 5)
    dilation = pair(1, 4) if rng.random() < 0.2 else (1, 1)
    stride = (1, 1) if dilation != (1, 1) or rng.random() < 0.4 else pair(1, 5)
    padding = str(rng.choice(["SAME", "VALID"]))
    smallest = [(k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (int(rng.integers(n, n + 9)) for n in smallest)
    channels = int(rng.integers(1, 131)) if kernel[0] * kernel[1] <= 4 else int(rng.choice([1, 2, 3, 4, 6, 8, 16]))
    shape = ((height, width), channels, int(rng.integers(1, 24)), kernel, stride, dilation, padding)
    if rng.random() < 0.4:
        return nodes.conv_2d(rng, *shape)
    reach = int(rng.choice([0, 0, 0, 1 << 24, (1 << 31) - 1]))
    activation = str(rng.choice(["RELU6", "RELU", "NONE"]))
    return layer(rng, *shape, activation=activation, reach=reach, least=int(rng.choice([-127, -128])))


def forms(rng: np.random.Generator) -> list[NodeView]:
    """Every form of the weights, and accumulators that wrap."""
    return [
        layer(rng, (17, 16), 3, 5, (3, 3)),
        layer(rng, (12, 11), 16, 6, (3, 3), (2, 2)),
        layer(rng, (5, 7), 32, 7, (3, 3)),
        layer(rng, (5, 6), 8, 4, (1, 1)),
        layer(rng, (5, 6), 8, 4, (1, 1), activation="NONE"),
        layer(rng, (5, 6), 20, 4, (3, 2), activation="NONE", scale=1e-5),
        layer(rng, (5, 6), 20, 4, (3, 2), least=-128),
    ]


def fully_connected(rng: np.random.Generator) -> NodeView:
    """One to five rows, both kinds of scales."""
    depth, outputs = int(rng.integers(1, 200)), int(rng.integers(2, 24))
    return nodes.fully_connected(rng, int(rng.integers(1, 6)), depth, outputs, bool(rng.random() < 0.5))


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_convolutions_equal(optimize: str, tmp_path: Path) -> None:
    """Random layers and every form of the weights."""
    rng = np.random.default_rng(SEED)
    found = cases([*forms(rng), *(random_view(rng) for _ in range(COUNT))], M4)
    found = [case for case in found if case.tested.function == "tinyq_own_dsp_conv_2d"]
    assert len(found) == COUNT + len(forms(rng))
    params = [dict(case.tested.params) for case in found]
    assert {p["form"] for p in params} == {own.PLAIN, own.BLENDED, own.WIDE}
    assert {p["requantization"] for p in params} >= {requantize.GENERIC, requantize.SIGNED, requantize.RISING}
    check(found, M4, tmp_path, optimize)


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_matrix_products_equal(optimize: str, tmp_path: Path) -> None:
    """One row at a time and three."""
    rng = np.random.default_rng(SEED)
    found = cases([fully_connected(rng) for _ in range(COUNT)], M4)
    assert {case.tested.function for case in found} == {"tinyq_own_dsp_fully_connected", "tinyq_own_dsp_conv_2d"}
    check(found, M4, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_many_equal(seed: int, compiler: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(100 + seed)
    machine = FreeFramePointer("mps2-an386", compiler)
    views = [*forms(rng), *(random_view(rng) for _ in range(30)), *(fully_connected(rng) for _ in range(10))]
    check(cases(views, machine), machine, tmp_path, ["-O3", "-Os", "-O2"][seed % 3], seed)


def test_blends_only_what_fits() -> None:
    """-128 over a negative weight is beyond int16, and 256 times a sum of 2^23 beyond int32."""
    quads = np.full((2, 1, 4), -128, np.int8)
    zeros = np.zeros(2, np.int64)
    small = requantize.Accumulators(zeros, zeros, zeros)
    assert not own.blends(quads, small)
    quads[1] = 0
    assert own.blends(quads, small)
    assert not own.blends(quads, requantize.Accumulators(zeros, zeros, zeros + (1 << 23)))


def test_wide_only_where_flash_allows() -> None:
    """A small build keeps int8."""
    view = layer(np.random.default_rng(SEED), (17, 16), 3, 5, (3, 3))
    for small, form in ((False, own.WIDE), (True, own.BLENDED)):
        call = own.OwnDspConv2D().call(view, Target("cortex-m4", small=small))
        assert call is not None
        assert dict(call.params)["form"] == form


def test_other_cores_and_groups_fall_through() -> None:
    rng = np.random.default_rng(SEED)
    view, grouped = nodes.conv_2d(rng, (4, 4), 4, 4, (3, 3)), nodes.conv_2d(rng, (4, 4), 4, 4, (3, 3), groups=2)
    kernel = own.OwnDspConv2D()
    assert kernel.call(view, Target("cortex-m3")) is None
    assert kernel.call(grouped, Target("cortex-m4")) is None
    assert OwnDspFullyConnected().call(fully_connected(rng), Target("cortex-m0plus")) is None
