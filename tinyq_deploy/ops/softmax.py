# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over the last dimension, int8 -> int8 or int16 -> int16."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import SoftmaxTable, quantize_multiplier, softmax_table
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.lookup import Lookup, lookup

# The sum of exponentials is kept in Q12.19: more terms than this would overflow it.
LARGEST_DEPTH = 1 << 12
# Differences of int16 have 16 bits; the factor, 6553.5 times this, shifts them left by at most 13.
LARGEST_WIDE_SCALE = 1.0


@dataclass(frozen=True)
class SoftmaxParams:
    """Field for field the C struct tinyq_softmax_params."""

    rows: int
    depth: int
    diff_min: int


@dataclass(frozen=True)
class WideSoftmaxParams:
    """Field for field the C struct tinyq_softmax_s16_params."""

    rows: int
    depth: int
    multiplier: int
    shift: int


def output_quantization(view: NodeView) -> str | None:
    """The output has scale 1/256 and zero point -128, with int16 1/32768 and 0."""
    out = view.output()
    expected = (1 / 32768, 0) if view.kind == "int16" else (1 / 256, -128)
    return None if (out.scale, out.zero_point) == expected else f"scale {out.scale:g}, zero point {out.zero_point}"


def beta_positive(view: NodeView) -> str | None:
    """beta is positive and beta times the input scale is above 2^-26, with int16 below 1."""
    beta = float(view.option("beta", 0.0))
    scale = beta * view.given(0).scale
    fits = beta > 0 and scale * (1 << 26) > 1 and (view.kind != "int16" or scale < LARGEST_WIDE_SCALE)
    return None if fits else f"beta {beta:g}"


def depth_bounded(view: NodeView) -> str | None:
    """The last dimension has 1 to 4096 entries."""
    shape = view.given(0).shape
    return None if shape and 0 < shape[-1] <= LARGEST_DEPTH else f"input {list(shape)}"


class Softmax(Operator):
    """Exponential, normalised over the last dimension."""

    name = "SOFTMAX"
    rules = (
        rules.operands(1),
        rules.computed(0, "input"),
        rules.activations,
        rules.same_size,
        depth_bounded,
        output_quantization,
        beta_positive,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: table look-ups and one division a row."""
        return 0

    @staticmethod
    def table(view: NodeView) -> SoftmaxTable:
        """The exponentials of every int8 difference."""
        return softmax_table(float(view.option("beta", 0.0)), view.given(0).scale)

    @staticmethod
    def wide_params(view: NodeView) -> WideSoftmaxParams:
        """Of a node on int16: differences become steps of 10 / 65535."""
        depth = view.given(0).shape[-1]
        factor = view.given(0).scale * float(np.float32(view.option("beta", 0.0))) / (10.0 / 65535.0)
        return WideSoftmaxParams(view.given(0).size // depth, depth, *quantize_multiplier(factor))

    @staticmethod
    def wide_tables() -> tuple[Lookup, Lookup]:
        """e^x over -10..0 and 1 / (1 + x) over 0..1, both Q0.15."""
        step = np.float32(1) / np.float32(65535)
        exponential = lookup(np.float32(10) / np.float32(65535), 32767, 2 * step, lambda x: np.float32(math.exp(x)))
        return exponential, lookup(step, -32768, 2 * step, lambda x: np.float32(1) / (np.float32(1) + x))

    @staticmethod
    def params(view: NodeView) -> SoftmaxParams:
        """Shape and cut-off as the kernels take them."""
        depth = view.given(0).shape[-1]
        return SoftmaxParams(view.given(0).size // depth, depth, Softmax.table(view).diff_min)
