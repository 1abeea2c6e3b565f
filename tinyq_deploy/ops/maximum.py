# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM: two tensors of one quantisation, element by element, broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.elementwise import Binary, Numbers, binary_rules, operands_alike


@dataclass(frozen=True)
class MaximumParams:
    """Field for field the C struct tinyq_maximum_params."""

    size: int


def same_quantization(view: NodeView) -> str | None:
    """Both inputs and the output have the same scale and zero point."""
    found = [(t.scale, t.zero_point) for t in (view.given(0), view.given(1), view.output())]
    return None if len(set(found)) == 1 else ", ".join(f"{scale:g}/{zero}" for scale, zero in found)


class Maximum(Binary):
    """The larger of two."""

    name = "MAXIMUM"
    rules = binary_rules(same_quantization, types=operands_alike)

    @staticmethod
    def params(view: NodeView) -> MaximumParams:
        """Size as the kernels take it."""
        return MaximumParams(view.output().size)

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """The integers' maximum."""
        return np.maximum(operands[0], operands[1])


class Minimum(Maximum):
    """The smaller of two."""

    name = "MINIMUM"

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """The integers' minimum."""
        return np.minimum(operands[0], operands[1])
