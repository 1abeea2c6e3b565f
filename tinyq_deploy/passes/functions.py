# SPDX-License-Identifier: Apache-2.0
"""Layers that are a function of one byte: each output element comes from the element at its place alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.elementwise import INT8_VALUES, Elementwise, Numbers


@dataclass(frozen=True, eq=False)
class Function:
    """results[v + 128] is what the tensor holds where the tensor `root` holds v; bytes of uint8 as int8."""

    root: int
    results: Numbers


def function(view: NodeView, known: Mapping[int, Function]) -> Function | None:
    """What a checked layer's output is of one tensor, where all its operands are functions of that, by `known` or the
    tensor itself, or one constant for all elements. None for any other layer."""
    operator = OPERATORS[view.node.op]
    if not issubclass(operator, Elementwise) or not operator.of_bytes(view):
        return None
    operands = [view.given(position) for position in range(operator.operands)]
    sources = [known.get(t.index, Function(t.index, INT8_VALUES)) for t in operands if t.data is None]
    if len({source.root for source in sources}) != 1:
        return None
    root = view.graph.tensors[sources[0].root]
    if root.shape != view.output().shape or any(not _fits(tensor, root) for tensor in operands):
        return None
    pending = iter(sources)
    values = [next(pending).results if t.data is None else t.data.reshape(1).astype(np.int64) for t in operands]
    return Function(root.index, np.array(np.broadcast_to(operator.values(view, *values), 256)))


def _fits(tensor: Tensor, root: Tensor) -> bool:
    """Whether the tensor has a value for each element of `root`, or one constant for all."""
    return tensor.shape == root.shape if tensor.data is None else tensor.size == 1
