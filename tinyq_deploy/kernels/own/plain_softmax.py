# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX with a table of exponentials, on every core."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, params_of
from tinyq_deploy.ops.softmax import Softmax


class OwnSoftmax(Kernel):
    """Softmax, row by row; it may write over what it reads."""

    op = "SOFTMAX"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        source = view.given(0).index
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_plain_softmax",
            header="own/plain/softmax.h",
            params_type="tinyq_softmax_params",
            params=params_of(Softmax.params(view)),
            arguments=(
                Read(source),
                Constant("exponential", Softmax.table(view).exponential),
                Write(view.output().index),
            ),
            in_place=(source,),
        )
