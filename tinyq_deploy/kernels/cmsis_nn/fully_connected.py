# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED by CMSIS-NN."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import (
    Argument,
    Constant,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    bias_or_zeros,
    weights,
)
from tinyq_deploy.kernels.cmsis_nn.base import adapter_call, fits
from tinyq_deploy.kernels.cmsis_nn.library import KernelSums
from tinyq_deploy.ops.fully_connected import (
    BIAS,
    FILTER,
    INPUT,
    FullyConnected,
    FullyConnectedParams,
    has_constant_weights,
)

PER_TENSOR = "arm_fully_connected_s8"
PER_CHANNEL = "arm_fully_connected_per_channel_s8"
# No sums: the kernel gets a null pointer.
_NONE = Scratch(0)


class CmsisNNFullyConnected(Kernel):
    """arm_fully_connected_s8, or its per-channel kind (CMSIS-NN 7). What it wants to know of the weights on MVE is
    computed here and lies in flash, so it needs no working memory."""

    op = "FULLY_CONNECTED"
    kernel_set = "cmsis-nn"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node with constant weights whose scales the library's kernels know."""
        if not has_constant_weights(view):
            return None
        params, factors = FullyConnected.params(view), FullyConnected.requantization(view)
        function = PER_CHANNEL if params.per_channel else PER_TENSOR
        library = target.cmsis_nn
        if library is None or not library.has(function) or not fits(params.input_depth, params.output_depth):
            return None
        sums = kernel_sums(view, params, library.kernel_sums if extension(target.core) == "mve" else "none")
        name = "fully_connected_per_channel" if params.per_channel else "fully_connected"
        return adapter_call(
            name, "tinyq_fully_connected_params", params, (function,),
            Read(view.given(INPUT).index),
            Constant("filter", weights(view, FILTER)),
            Constant("bias", bias_or_zeros(view, BIAS, params.output_depth)),
            Constant("multiplier", factors.multiplier),
            Constant("shift", factors.shift),
            sums,
            Write(view.output().index),
        )  # fmt: skip


def kernel_sums(view: NodeView, p: FullyConnectedParams, kind: KernelSums) -> Argument:
    """[O] int32 as arm_vector_sum_s8 would compute it on the device; weights have zero point 0."""
    if kind == "none":
        return _NONE
    sums = weights(view, FILTER).astype(np.int64).sum(axis=1)
    if kind == "folded":
        sums = sums * p.input_offset + bias_or_zeros(view, BIAS, p.output_depth)
    return Constant("kernel_sums", sums.astype(np.uint32).view(np.int32))
