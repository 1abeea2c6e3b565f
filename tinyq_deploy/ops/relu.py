# SPDX-License-Identifier: Apache-2.0
"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 that stand alone, int8 -> int8: rescaled, then clamped. RELU and
RELU6 are int16 -> int16 too; no oracle has the others on it.

Oracle: tflite-micro for RELU, and for RELU6 whose input and output have the same quantisation; its RELU6 ignores the
output's, which is wrong where they differ. There, and for the other two, which it lacks, LiteRT. The two divide the
scales with different precision, which moves results that lie half-way.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tinyq_deploy.fixed_point import activation_range, limits, quantize_multiplier, requantize
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.slopes import Sloped, SlopesParams, lines
from tinyq_deploy.ops.unary import Table, ratio_bounded, scale_multiplier, tabulate, unary_rules


class Relu(Sloped):
    """max(x, 0)."""

    name = "RELU"
    rules = unary_rules(ratio_bounded, types=rules.activations)
    # As fixed_point.activation_range names it.
    activation: ClassVar[str] = "RELU"

    @classmethod
    def slopes(cls, view: NodeView) -> SlopesParams:
        """The same as for int8."""
        clamp = activation_range(cls.activation, view.output().scale, 0, *limits("int16"))
        return lines(view, cls.factor(view), cls.factor(view), clamp=clamp)

    @classmethod
    def table(cls, view: NodeView) -> Table:
        """TFLite's ReluQuantized and its relatives."""
        source, out = view.given(0), view.output()
        factor = cls.factor(view)
        low, high = activation_range(cls.activation, out.scale, out.zero_point)
        return tabulate(
            lambda value: min(high, max(low, requantize(value - source.zero_point, *factor) + out.zero_point))
        )

    @staticmethod
    def factor(view: NodeView) -> tuple[int, int]:
        """input scale / output scale as (mantissa, shift)."""
        return scale_multiplier(view)


class Relu6(Relu):
    """min(max(x, 0), 6)."""

    name = activation = "RELU6"

    @staticmethod
    def factor(view: NodeView) -> tuple[int, int]:
        """In float32, as LiteRT divides."""
        return quantize_multiplier(float(np.float32(view.given(0).scale) / np.float32(view.output().scale)))


class ReluN1To1(Relu6):
    """min(max(x, -1), 1)."""

    name = activation = "RELU_N1_TO_1"
    rules = unary_rules(ratio_bounded)


class Relu0To1(Relu6):
    """min(max(x, 0), 1)."""

    name = activation = "RELU_0_TO_1"
    rules = unary_rules(ratio_bounded)
