# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D: four channels at a time where the core has the DSP extension."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, params_of
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D, Pool2DParams


class OwnAveragePool2D(Kernel):
    """Mean of the taps inside the input."""

    op = "AVERAGE_POOL_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node but on cores with MVE."""
        return _call(view, target, "average_pool_2d", AveragePool2D.params(view))


class OwnMaxPool2D(Kernel):
    """Largest of the taps inside the input."""

    op = "MAX_POOL_2D"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node but on cores with MVE."""
        return _call(view, target, "max_pool_2d", MaxPool2D.params(view))


def _call(view: NodeView, target: Target, name: str, params: Pool2DParams) -> KernelCall | None:
    if extension(target.core) == "mve":
        return None
    read = view.given(0).index
    return KernelCall(
        kernel_set="own",
        function=f"tinyq_own_plain_{name}",
        header=f"own/plain/{name}.h",
        params_type="tinyq_pool_2d_params",
        params=params_of(params),
        arguments=(Read(read), Write(view.output().index)),
        in_place=(read,) if may_overlap(params) else (),
    )


def may_overlap(p: Pool2DParams) -> bool:
    """Whether the output may lie over the input: pixel by pixel, no window starts before or at a pixel that an earlier
    one has written."""
    rows = _first(p.output_height, p.stride_height, p.pad_top)
    columns = _first(p.output_width, p.stride_width, p.pad_left)
    starts = (rows[:, None] * p.input_width + columns[None, :]).reshape(-1)
    later = np.minimum.accumulate(starts[::-1])[::-1]
    return bool(np.all(later[1:] > np.arange(len(starts) - 1)))


def _first(outputs: int, stride: int, pad: int) -> npt.NDArray[np.int64]:
    """The first row or column of each window inside the input."""
    return np.maximum(np.arange(outputs, dtype=np.int64) * stride - pad, 0)
