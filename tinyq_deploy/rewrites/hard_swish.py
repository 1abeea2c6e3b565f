# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH, which has no int16 kernels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tinyq_deploy.flatbuffer import ModelT, OperatorT, graph_of, op_name
from tinyq_deploy.quantizers.base import Precision
from tinyq_deploy.rewrites.base import Rewrite, add_constant, add_like, operator


class HardSwish(Rewrite):
    """HARD_SWISH(x) becomes x * (relu6(x + 3) * 1/6) beside int16 activations, for which TFLite has no HARD_SWISH. The
    float values differ by the rounding of 1/6."""

    precisions: ClassVar[tuple[Precision, ...]] = ("int16x8",)

    def apply(self, tree: ModelT) -> None:
        """See Rewrite.apply."""
        graph = graph_of(tree)
        kept = []
        for node in graph.operators:
            kept += _parts(tree, node) if op_name(tree, node) == "HARD_SWISH" else [node]
        graph.operators = kept


def _parts(tree: ModelT, node: OperatorT) -> list[OperatorT]:
    from ai_edge_litert.schema_py_generated import ActivationFunctionType, AddOptionsT, MulOptionsT

    source, output = int(node.inputs[0]), int(node.outputs[0])
    three = add_constant(tree, np.array(3, np.float32), "three")
    sixth = add_constant(tree, np.array(1 / 6, np.float32), "sixth")
    shifted, gate = add_like(tree, source, "hard_swish/relu6"), add_like(tree, source, "hard_swish/gate")
    clamped = AddOptionsT()
    clamped.fusedActivationFunction = ActivationFunctionType.RELU6
    return [
        operator(tree, "ADD", [source, three], shifted, clamped),
        operator(tree, "MUL", [shifted, sixth], gate, MulOptionsT()),
        operator(tree, "MUL", [source, gate], output, MulOptionsT()),
    ]
