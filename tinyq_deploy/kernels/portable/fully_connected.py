# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.kernels.portable.weighted import function, weights_and_bias
from tinyq_deploy.ops.fully_connected import INPUT, FullyConnected


class PortableFullyConnected(Kernel):
    """One dot product per output."""

    op = "FULLY_CONNECTED"
    kernel_set = "portable"
    kinds = ("int8", "int16", "int4")

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        params, factors = FullyConnected.params(view), FullyConnected.requantization(view)
        name, suffix = function("fully_connected", view)
        return portable_call(
            name, "fully_connected", params,
            Read(view.given(INPUT).index),
            *weights_and_bias(view, params.output_depth),
            Constant("multiplier", factors.multiplier),
            Constant("shift", factors.shift),
            Write(view.output().index),
            suffix=suffix,
        )  # fmt: skip
