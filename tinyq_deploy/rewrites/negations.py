# SPDX-License-Identifier: Apache-2.0
"""NEG, which TensorFlow's quantizer leaves float."""

from __future__ import annotations

import numpy as np

from tinyq_deploy.flatbuffer import ModelT, OperatorT, graph_of, op_name
from tinyq_deploy.rewrites.base import Rewrite, add_constant, operator, readers


class Negations(Rewrite):
    """a + NEG(b) becomes SUB(a, b), any other NEG becomes MUL by -1: TensorFlow's quantizer has no integer NEG. Keras'
    layer norm ends in such a sum."""

    def apply(self, tree: ModelT) -> None:
        """See Rewrite.apply."""
        for node in list(graph_of(tree).operators):
            if op_name(tree, node) == "NEG":
                _replace(tree, node)


def _replace(tree: ModelT, node: OperatorT) -> None:
    graph = graph_of(tree)
    source, negated = int(node.inputs[0]), int(node.outputs[0])
    sums = readers(tree, negated)
    plain = negated not in list(graph.outputs) and all(
        op_name(tree, reader) == "ADD" and list(reader.inputs).count(negated) == 1 for reader in sums
    )
    place = graph.operators.index(node)
    if not plain:
        graph.operators[place] = _times_minus_one(tree, source, negated)
        return
    del graph.operators[place]
    for reader in sums:
        graph.operators[graph.operators.index(reader)] = _difference(tree, reader, source, negated)


def _times_minus_one(tree: ModelT, source: int, output: int) -> OperatorT:
    from ai_edge_litert.schema_py_generated import MulOptionsT

    factor = add_constant(tree, np.array(-1, np.float32), "minus_one")
    return operator(tree, "MUL", [source, factor], output, MulOptionsT())


def _difference(tree: ModelT, node: OperatorT, source: int, negated: int) -> OperatorT:
    from ai_edge_litert.schema_py_generated import SubOptionsT

    (other,) = (int(index) for index in node.inputs if index != negated)
    options = SubOptionsT()
    if node.builtinOptions is not None:
        options.fusedActivationFunction = node.builtinOptions.fusedActivationFunction
    return operator(tree, "SUB", [other, source], int(node.outputs[0]), options)
