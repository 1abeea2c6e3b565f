# SPDX-License-Identifier: Apache-2.0
"""SVDF in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, params_of, weights
from tinyq_deploy.ops.svdf import BIAS, FEATURE, INPUT, STATE, TIME, WIDE, Svdf


class PortableSvdf(Kernel):
    """Filter by filter; the state's memory is read and written in one pass."""

    op = "SVDF"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        wide = "_s16" if view.given(STATE).dtype == WIDE else ""
        return KernelCall(
            "portable", f"tinyq_portable_svdf{wide}", "portable/svdf.h", "tinyq_svdf_params",
            params_of(Svdf.params(view)),
            (
                Read(view.given(INPUT).index),
                Constant("feature", weights(view, FEATURE)),
                Constant("time", weights(view, TIME)),
                Constant("bias", weights(view, BIAS)),
                Read(view.given(STATE).index),
                Write(view.output().index),
                Write(view.output(1).index),
            ),
        )  # fmt: skip
