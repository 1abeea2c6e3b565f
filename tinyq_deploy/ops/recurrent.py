# SPDX-License-Identifier: Apache-2.0
"""What operators with state share: variable tensors among the inputs, whose new values are outputs behind their own."""

from __future__ import annotations

from collections.abc import Sequence

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Rule


def inputs_are(required: Sequence[int], count: int, states: int) -> Rule:
    """A rule: of `count` inputs these and no others are there, and `states` of them are variable tensors."""

    def rule(view: NodeView) -> str | None:
        given = [position for position in range(len(view.node.inputs)) if view.input(position) is not None]
        if given == list(required) and len(view.node.inputs) == count and len(view.node.outputs) == 1 + states:
            return None
        return f"inputs {given} of {len(view.node.inputs)}, {len(view.node.outputs) - 1} variable tensors"

    names = ", ".join(str(position) for position in required)
    return rules.documented(
        rule, f"Of {count} inputs it has {names}, {states} of them variable tensors, and 1 output that is none."
    )


def quantized(tensor: Tensor, dtype: str, zero_point: int | None = None) -> str | None:
    """What keeps a tensor from being of `dtype` with one scale, and the zero point if given, else one in range."""
    if tensor.dtype != dtype:
        return f"{tensor.name!r} is {tensor.dtype}"
    if tensor.quantization is None or len(tensor.quantization.scale) != 1:
        return f"{tensor.name!r} has no scale, or several"
    low, high = (zero_point, zero_point) if zero_point is not None else rules.INT8
    if len(tensor.quantization.zero_point) == 1 and low <= tensor.zero_point <= high:
        return None
    return f"{tensor.name!r} has zero points {list(tensor.quantization.zero_point)}"


def fixed(tensor: Tensor, dtype: str, shape: tuple[int, ...]) -> str | None:
    """What keeps a tensor from being a constant of a type and shape."""
    if tensor.data is not None and (tensor.dtype, tensor.shape) == (dtype, shape):
        return None
    kind = "constant" if tensor.data is not None else "not constant"
    return f"{tensor.name!r} is {tensor.dtype} {list(tensor.shape)}, {kind}"
