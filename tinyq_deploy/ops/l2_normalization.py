# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION over the last dimension, int8 -> int8."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.fixed_point import INT32_MAX
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.logistic import output_is
from tinyq_deploy.ops.unary import same_shape

LARGEST_DEPTH = INT32_MAX // 255**2


@dataclass(frozen=True)
class L2NormalizationParams:
    """Field for field the C struct tinyq_l2_normalization_params."""

    rows: int
    depth: int
    input_offset: int


def depth_bounded(view: NodeView) -> str | None:
    """The last dimension has 1 to 33025 entries."""
    shape = view.given(0).shape
    return None if shape and 0 < shape[-1] <= LARGEST_DEPTH else f"input {list(shape)}"


class L2Normalization(Operator):
    """Each row divided by its length."""

    name = "L2_NORMALIZATION"
    rules = (
        rules.operands(1),
        rules.computed(0, "input"),
        rules.activations_int8,
        same_shape,
        rules.rank(0, (1, 2, 3, 4), "input"),
        depth_bounded,
        rules.option_in("fused_activation_function", ("NONE",), "NONE"),
        output_is(1 / 128, 0, "1/128"),
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: squares and one square root a row."""
        return 0

    @staticmethod
    def params(view: NodeView) -> L2NormalizationParams:
        """Shape and zero point as the kernels take them."""
        source = view.given(0)
        return L2NormalizationParams(source.size // source.shape[-1], source.shape[-1], -source.zero_point)
