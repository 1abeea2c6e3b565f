# SPDX-License-Identifier: Apache-2.0
"""LOG_SOFTMAX over the last dimension, int8 -> int8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import quantize_multiplier, rounding_shift_right, softmax_table
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.logistic import output_is
from tinyq_deploy.ops.unary import same_shape

# The sum of exponentials is kept in Q12.19, each of which is at most 1.
SUM_INTEGER_BITS = 12
LARGEST_DEPTH = (1 << SUM_INTEGER_BITS) - 1
# Differences are kept in Q5.26.
FRACTION_BITS = 26


@dataclass(frozen=True)
class LogSoftmaxParams:
    """Field for field the C struct tinyq_log_softmax_params."""

    rows: int
    depth: int
    diff_min: int
    multiplier: int
    shift: int
    inverse_multiplier: int
    inverse_shift: int


def depth_bounded(view: NodeView) -> str | None:
    """The last dimension has 1 to 4095 entries."""
    shape = view.given(0).shape
    return None if shape and 0 < shape[-1] <= LARGEST_DEPTH else f"input {list(shape)}"


def scale_bounded(view: NodeView) -> str | None:
    """The input scale is above 2^-25."""
    scale = view.given(0).scale
    return None if scale * (1 << 25) > 1 else f"scale {scale:g}"


class LogSoftmax(Operator):
    """Logarithm of SOFTMAX."""

    name = "LOG_SOFTMAX"
    rules = (
        rules.operands(1),
        rules.computed(0, "input"),
        rules.activations_int8,
        same_shape,
        depth_bounded,
        output_is(1 / 16, 127, "1/16"),
        scale_bounded,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: table look-ups and one logarithm a row."""
        return 0

    @staticmethod
    def table(view: NodeView) -> npt.NDArray[np.int32]:
        """[256]: the exponentials of every int8 difference as they are added, in Q12.19."""
        exponentials = softmax_table(1.0, view.given(0).scale).exponential
        return np.array([rounding_shift_right(int(value), SUM_INTEGER_BITS) for value in exponentials], np.int32)

    @staticmethod
    def params(view: NodeView) -> LogSoftmaxParams:
        """As the kernels take it: TFLite PreprocessLogSoftmaxScalingExp."""
        scale, depth = view.given(0).scale, view.given(0).shape[-1]
        multiplier, shift = quantize_multiplier(min(scale * (1 << FRACTION_BITS), (1 << 31) - 1.0))
        inverse = quantize_multiplier((1 << (31 - shift)) / multiplier)
        least = softmax_table(1.0, scale).diff_min
        return LogSoftmaxParams(view.given(0).size // depth, depth, least, multiplier, shift, *inverse)
