# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX over the last dimension, int8 -> int8."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.fixed_point import SoftmaxTable, softmax_table
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator

# The sum of exponentials is kept in Q12.19: more terms than this would overflow it.
LARGEST_DEPTH = 1 << 12


@dataclass(frozen=True)
class SoftmaxParams:
    """Field for field the C struct tinyq_softmax_params."""

    rows: int
    depth: int
    diff_min: int


def output_quantization(view: NodeView) -> str | None:
    """The output has scale 1/256 and zero point -128."""
    out = view.output()
    return (
        None if (out.scale, out.zero_point) == (1 / 256, -128) else f"scale {out.scale:g}, zero point {out.zero_point}"
    )


def beta_positive(view: NodeView) -> str | None:
    """beta is positive and beta times the input scale is above 2^-26."""
    beta = float(view.option("beta", 0.0))
    return None if beta > 0 and beta * view.given(0).scale * (1 << 26) > 1 else f"beta {beta:g}"


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
        rules.activations_int8,
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
    def params(view: NodeView) -> SoftmaxParams:
        """Shape and cut-off as the kernels take them."""
        depth = view.given(0).shape[-1]
        return SoftmaxParams(view.given(0).size // depth, depth, Softmax.table(view).diff_min)
