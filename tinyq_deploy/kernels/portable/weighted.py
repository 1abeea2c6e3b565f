# SPDX-License-Identifier: Apache-2.0
"""What portable kernels with weights share: the C function and the constants of each kind of node."""

from __future__ import annotations

import numpy as np

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
    filter_, tensor = operand(view.given(FILTER), "filter"), view.input(BIAS)
    bias = bias_or_zeros(view, BIAS, outputs)
    if view.kind == "int16" and not narrow_sums(view):
        known = tensor is not None and tensor.data is not None
        bias = weights(view, BIAS).reshape(outputs) if known else bias.astype(np.int64)
    if isinstance(filter_, Constant) and view.kind == "int4":
        filter_ = Constant("filter", packed_int4(filter_.values))
    return filter_, Constant("bias", bias)
