# SPDX-License-Identifier: Apache-2.0
"""What portable kernels with weights share: the C function and the constants of each kind of node."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Read, bias_or_zeros, operand, packed_int4, weights
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, narrow_sums


def function(name: str, view: NodeView) -> tuple[str, str]:
    """Header and suffix of the C function: tinyq_portable_<name> for int8, _s4 with int4 weights in the same header;
    _s16 in one of its own, _s16_b32 where sums have 32 bits."""
    if view.kind == "int16":
        return f"{name}_s16", "_b32" if narrow_sums(view) else ""
    return name, "_s4" if view.kind == "int4" else ""


def weights_and_bias(view: NodeView, outputs: int) -> tuple[Read | Constant, Constant]:
    """The filter, of int4 two weights a byte, and the bias [outputs], int64 for 64-bit sums."""
    filter_ = operand(view.given(FILTER), "filter")
    wide = view.kind == "int16" and not narrow_sums(view)
    bias = Constant("bias", wide_bias_or_zeros(view, BIAS, outputs) if wide else bias_or_zeros(view, BIAS, outputs))
    if isinstance(filter_, Constant) and view.kind == "int4":
        filter_ = Constant("filter", packed_int4(filter_.values))
    return filter_, bias


def wide_bias_or_zeros(view: NodeView, position: int, outputs: int) -> npt.NDArray[np.int64]:
    """The bias [outputs] of 64-bit sums, zeros where the node has none."""
    if view.input(position) is None:
        return np.zeros(outputs, np.int64)
    return np.ascontiguousarray(weights(view, position), np.int64).reshape(outputs)
