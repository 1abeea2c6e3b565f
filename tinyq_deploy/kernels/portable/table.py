# SPDX-License-Identifier: Apache-2.0
"""All functions of one int8 in portable C: a look-up in a table that may write over what it reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.unary import Unary


@dataclass(frozen=True)
class TableParams:
    """Field for field the C struct tinyq_table_params."""

    size: int


class PortableTable(Kernel):
    """The look-up for one operator."""

    kernel_set = "portable"

    def __init__(self, op: str) -> None:
        self.op = op

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, params = view.given(0).index, TableParams(view.output().size)
        arguments = (Read(read), packed(view), Write(view.output().index))
        return portable_call("table", "table", params, *arguments, in_place=(read,))


def unary_operators() -> tuple[str, ...]:
    """The operators whose kernel is a table."""
    return tuple(name for name, operator in OPERATORS.items() if issubclass(operator, Unary))


def packed(view: NodeView) -> Constant:
    """The node's table in the order of an input's byte: 0..127, then -128..-1."""
    operator = OPERATORS[view.node.op]
    assert issubclass(operator, Unary)
    return Constant("table", np.roll(operator.table(view), 128))
