# SPDX-License-Identifier: Apache-2.0
"""What the operator tests have in common: values at the edges of their ranges, and models of one sliding window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.ops.rules import window_output

Check = TypeVar("Check", bound=Callable[..., Any])

# The default run draws the same examples each time; `make exhaustive` draws others, and more.
QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
activations = st.sampled_from(ACTIVATIONS)
zero_points = st.sampled_from((-128, 127, 0)) | st.integers(-128, 127)
seeds = st.integers(0, 1 << 16)
# Requantisation factors: below and at the smallest shift, typical, just below and at powers of two, above 1.
ratios = st.builds(
    lambda exponent, mantissa: mantissa * 2.0**exponent,
    st.sampled_from((-33, -32, -31, -30, -16, -12, -10, -9, -8, -7, -6, -5, -4, -2, -1, 0, 1, 2, 5)),
    st.sampled_from((0.5, 0.75, 1 - 2.0**-23, 0.61803)),
)
extents = st.sampled_from((1, 2, 3, 5, 7, 8))


def real_scale(rng: np.random.Generator) -> float:
    """A float32 scale as quantisers give them."""
    return float(np.float32(10 ** rng.uniform(-3, 0)))


def output_scale(input_scale: float, weight_scale: float, ratio: float) -> float:
    """The float32 output scale that makes the requantisation factor about `ratio`."""
    return float(np.float32(input_scale * weight_scale / ratio))


def weight_scales(rng: np.random.Generator, count: int) -> list[float]:
    """Per-channel scales that differ by up to a factor of 50."""
    return [float(np.float32(value)) for value in real_scale(rng) * 50 ** rng.uniform(-1, 0, count)]


def int8(rng: np.random.Generator, shape: tuple[int, ...], extreme: bool = False) -> npt.NDArray[np.int8]:
    """Weights over the whole range, or at its two ends only."""
    values = rng.choice([-128, 127], shape) if extreme else rng.integers(-128, 128, shape)
    return values.astype(np.int8)


def bias_values(rng: np.random.Generator, count: int, large: bool) -> npt.NDArray[np.int32]:
    """Biases as quantisers give them, or near the ends of int32 where the sum still fits."""
    top = (1 << 31) - (1 << 24) if large else 1 << 12
    return rng.integers(-top, top, count).astype(np.int32)


@dataclass(frozen=True)
class Window:
    """One CONV_2D or DEPTHWISE_CONV_2D."""

    batches: int = 1
    height: int = 5
    width: int = 7
    channels: int = 3
    outputs: int = 4
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "SAME"
    groups: int = 1
    depth_multiplier: int = 1
    input_zero: int = -3
    output_zero: int = 5
    per_channel: bool = True
    bias: str = "small"
    activation: str = "NONE"
    ratio: float = 2.0**-9
    extreme: bool = False
    seed: int = 0

    def output(self) -> tuple[int, int]:
        """[OH, OW]; not above 0 where a VALID window does not fit."""
        extent = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        sizes = zip((self.height, self.width), extent, self.stride, strict=True)
        height, width = (window_output(size, kernel, stride, self.padding) for size, kernel, stride in sizes)
        return height, width

    def fits(self) -> bool:
        """Whether there is an output, and one that is quickly computed."""
        height, width = self.output()
        return min(height, width) > 0 and self.batches * height * width * self.outputs < 1500


def options(case: Window) -> dict[str, Any]:
    """The builtin options that both convolutions have."""
    return {
        "padding": case.padding,
        "stride_h": case.stride[0],
        "stride_w": case.stride[1],
        "dilation_h_factor": case.dilation[0],
        "dilation_w_factor": case.dilation[1],
        "fused_activation_function": case.activation,
    }


def windows(**fixed: Any) -> st.SearchStrategy[Window]:
    """Windows of every kind; `fixed` replaces strategies."""
    pairs = {"kernel": st.tuples(extents, extents), "stride": st.tuples(*[st.integers(1, 4)] * 2)}
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "batches": st.sampled_from((1, 1, 1, 1, 2, 3)),
        "height": st.sampled_from((1, 2, 3, 5, 8, 11, 13)),
        "width": st.sampled_from((1, 2, 3, 5, 8, 11, 13)),
        "channels": extents,
        "outputs": extents,
        **pairs,
        "dilation": st.just((1, 1)) | st.tuples(*[st.integers(1, 3)] * 2),
        "padding": st.sampled_from(("SAME", "VALID")),
        "input_zero": zero_points,
        "output_zero": zero_points,
        "per_channel": st.booleans(),
        "bias": st.sampled_from(("small", "large", "none")),
        "activation": activations,
        "ratio": ratios,
        "extreme": st.booleans(),
        "seed": seeds,
        **fixed,
    }
    return st.builds(Window, **strategies).filter(Window.fits)


def convolution(case: Window, op: str, filter_shape: tuple[int, ...], axis: int, extra: dict[str, Any]) -> bytes:
    """The model of one convolution."""
    rng = np.random.default_rng(case.seed)
    input_scale = real_scale(rng)
    scales = weight_scales(rng, case.outputs if case.per_channel else 1)
    out = output_scale(input_scale, max(scales), case.ratio)
    tensors = [
        T((case.batches, case.height, case.width, case.channels), input_scale, case.input_zero),
        constant(int8(rng, filter_shape, case.extreme), scales, axis=axis),
        T((case.batches, *case.output(), case.outputs), out, case.output_zero),
    ]
    # A DEPTHWISE_CONV_2D whose bias is tensor -1 ends the oracle.
    inputs = [0, 1, -1] if case.seed % 2 and op == "CONV_2D" else [0, 1]
    if case.bias != "none":
        values = bias_values(rng, case.outputs, case.bias == "large")
        tensors.append(constant(values, [input_scale * scale for scale in scales], dtype="int32"))
        inputs = [0, 1, 3]
    return model(tensors, [Op(op, inputs, [2], {**options(case), **extra}, version=3)], [0], [2])
