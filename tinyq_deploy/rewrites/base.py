# SPDX-License-Identifier: Apache-2.0
"""A rewrite: other operators for the same values, before a float model is quantised.

To add one: a file in rewrites/ with a Rewrite subclass, a line in rewrites/__init__.py, and a test that runs the float
model before and after. The helpers here edit the object tree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.flatbuffer import ModelT, OperatorT, TensorT, graph_of, set_constant
from tinyq_deploy.quantizers.base import Precision


class Rewrite(ABC):
    """Float to float; the class docstring says what becomes what, and why quantizers need it."""

    precisions: ClassVar[tuple[Precision, ...]] = ("int8", "int16x8")

    @abstractmethod
    def apply(self, tree: ModelT) -> None:
        """Edits the tree in place. Shapes are fixed; the outputs keep their tensors."""


def readers(tree: ModelT, index: int) -> list[OperatorT]:
    """The operators that read a tensor, in order."""
    return [node for node in graph_of(tree).operators if index in list(node.inputs)]


def is_read(tree: ModelT, index: int) -> bool:
    """Whether an operator or the caller reads a tensor."""
    return index in list(graph_of(tree).outputs) or bool(readers(tree, index))


def add_constant(tree: ModelT, values: npt.NDArray[Any], name: str) -> int:
    """A new constant tensor, int32 or float32, and its index."""
    from ai_edge_litert.schema_py_generated import TensorT as New
    from ai_edge_litert.schema_py_generated import TensorType

    tensor = New()
    tensor.name, tensor.shape = name.encode(), list(values.shape)
    tensor.type = {np.dtype("int32"): TensorType.INT32, np.dtype("float32"): TensorType.FLOAT32}[values.dtype]
    set_constant(tree, tensor, values)
    return _append(tree, tensor)


def add_like(tree: ModelT, index: int, name: str) -> int:
    """A new activation of the shape and type of tensor `index`, and its index."""
    from ai_edge_litert.schema_py_generated import TensorT as New

    model, tensor = graph_of(tree).tensors[index], New()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), list(model.shape), model.type, 0
    return _append(tree, tensor)


def _append(tree: ModelT, tensor: TensorT) -> int:
    graph_of(tree).tensors.append(tensor)
    return len(graph_of(tree).tensors) - 1


def operator(tree: ModelT, name: str, inputs: Sequence[int], output: int, options: Any = None) -> OperatorT:
    """A new operator of version 1 with the given options object (e.g. schema SubOptionsT), not yet in the graph."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator as codes
    from ai_edge_litert.schema_py_generated import BuiltinOptions, OperatorCodeT
    from ai_edge_litert.schema_py_generated import OperatorT as New

    number = getattr(codes, name)
    known = [code.builtinCode for code in tree.operatorCodes]
    if number not in known:
        code = OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        tree.operatorCodes.append(code)
        known.append(number)
    node = New()
    node.opcodeIndex, node.inputs, node.outputs = known.index(number), list(inputs), [output]
    if options is not None:
        node.builtinOptions = options
        node.builtinOptionsType = getattr(BuiltinOptions, type(options).__name__.removesuffix("T"))
    return node
