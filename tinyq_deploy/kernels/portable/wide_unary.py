# SPDX-License-Identifier: Apache-2.0
"""Functions of one int16 in portable C; all may write over what they read."""

from __future__ import annotations

from dataclasses import replace

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.kernels.portable.table import TableParams
from tinyq_deploy.ops.logistic import Logistic, Tanh, sigmoid_table
from tinyq_deploy.ops.lookup import Curved
from tinyq_deploy.ops.slopes import Sloped


class PortableSlopes(Kernel):
    """Two straight lines."""

    kernel_set = "portable"
    kinds = ("int16",)

    def __init__(self, operator: type[Sloped]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, params = view.given(0).index, self.operator.slopes(view)
        return portable_call("slopes_s16", "slopes", params, Read(read), Write(view.output().index), in_place=(read,))


class PortableLookup(Kernel):
    """Straight lines between 513 points."""

    kernel_set = "portable"
    kinds = ("int16",)

    def __init__(self, operator: type[Curved]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, table, params = view.given(0).index, self.operator.points(view), TableParams(view.output().size)
        arguments = (Read(read), Constant("table", table), Write(view.output().index))
        return portable_call("lookup_s16", "table", params, *arguments, in_place=(read,))


class PortableSigmoid(Kernel):
    """LOGISTIC or TANH, with straight lines between the entries of a table."""

    kernel_set = "portable"
    kinds = ("int16",)

    def __init__(self, operator: type[Logistic] | type[Tanh]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write, table = view.given(0).index, Write(view.output().index), Constant("table", sigmoid_table())
        call = portable_call(
            "sigmoid_s16", "sigmoid", self.operator.sigmoid(view), Read(read), table, write, in_place=(read,)
        )
        return replace(call, function=f"tinyq_portable_{self.op.lower()}_s16")
