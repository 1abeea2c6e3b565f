# SPDX-License-Identifier: Apache-2.0
"""CONV_2D with groups by the own kernels for one group: groups of one channel are depthwise, a few others become one
group with weights of 0 between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, weights
from tinyq_deploy.ops.conv_2d import FILTER, Conv2D

# Groups up to which the products with 0 cost less than what the portable kernel takes for each product.
MOST_GROUPS = 4


class OwnGroupedConv2D(Kernel):
    """The first kernel that takes the node in its other form."""

    op = "CONV_2D"
    kernel_set = "own"

    def __init__(self, convolutions: Sequence[Kernel], depthwise: Sequence[Kernel]) -> None:
        self.convolutions, self.depthwise = convolutions, depthwise

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes groups of one input channel, and where flash does not count most up to MOST_GROUPS others."""
        p = Conv2D.params(view)
        if p.groups == 1:
            return None
        if p.filter_channels == 1:
            return _first(self.depthwise, as_depthwise(view), target)
        if p.groups > MOST_GROUPS or target.small:
            return None
        return _first(self.convolutions, as_one_group(view), target)


def _first(kernels: Sequence[Kernel], view: NodeView, target: Target) -> KernelCall | None:
    return next((call for kernel in kernels if (call := kernel.call(view, target)) is not None), None)


def as_depthwise(view: NodeView) -> NodeView:
    """Groups of one channel: the filter [O,KH,KW,1] is [1,KH,KW,O]."""
    p = Conv2D.params(view)
    options = {**view.node.options, "depth_multiplier": p.output_channels // p.groups}
    node = replace(view.node, op="DEPTHWISE_CONV_2D", options=MappingProxyType(options))
    return _with_filter(NodeView(view.graph, node), weights(view, FILTER).transpose(3, 1, 2, 0), axis=3)


def as_one_group(view: NodeView) -> NodeView:
    """The filter [O,KH,KW,C/groups] as [O,KH,KW,C], 0 in the channels of other groups."""
    p, narrow = Conv2D.params(view), weights(view, FILTER)
    wide = np.zeros((*narrow.shape[:3], p.input_channels), np.int8)
    for group in range(p.groups):
        outputs = slice(group * p.output_channels // p.groups, (group + 1) * p.output_channels // p.groups)
        inputs = slice(group * p.filter_channels, (group + 1) * p.filter_channels)
        wide[outputs, :, :, inputs] = narrow[outputs]
    return _with_filter(view, wide, axis=0)


def _with_filter(view: NodeView, data: npt.NDArray[np.int8], axis: int) -> NodeView:
    old = view.given(FILTER)
    assert old.quantization is not None
    data = np.ascontiguousarray(data)
    new = replace(old, shape=data.shape, data=data, quantization=replace(old.quantization, axis=axis))
    tensors = tuple(new if tensor.index == old.index else tensor for tensor in view.graph.tensors)
    return NodeView(replace(view.graph, tensors=tensors), view.node)
