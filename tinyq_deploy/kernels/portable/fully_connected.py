# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, bias_or_zeros, operand
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.fully_connected import BIAS, FILTER, INPUT, FullyConnected


class PortableFullyConnected(Kernel):
    """One dot product per output."""

    op = "FULLY_CONNECTED"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        params, factors = FullyConnected.params(view), FullyConnected.requantization(view)
        return portable_call(
            "fully_connected", "fully_connected", params,
            Read(view.given(INPUT).index),
            operand(view.given(FILTER), "filter"),
            Constant("bias", bias_or_zeros(view, BIAS, params.output_depth)),
            Constant("multiplier", factors.multiplier),
            Constant("shift", factors.shift),
            Write(view.output().index),
        )  # fmt: skip
