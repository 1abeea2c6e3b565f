# SPDX-License-Identifier: Apache-2.0
"""Functions of two operands in portable C, broadcast or not."""

from __future__ import annotations

from typing import Any

from tinyq_deploy.graph import Kind, NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, params_of
from tinyq_deploy.kernels.broadcast import broadcasts, operands, rows
from tinyq_deploy.kernels.portable.base import SUFFIXES
from tinyq_deploy.ops import OPERATORS


class PortableBinary(Kernel):
    """Element by element. The C functions are tinyq_portable_<name>, by default the operator's, and, for operands that
    broadcast, tinyq_portable_<name>_rows, both with _s16 for int16; the former takes the struct
    tinyq_<struct>_params."""

    kernel_set = "portable"

    def __init__(self, op: str, struct: str, name: str = "", kinds: tuple[Kind, ...] = ("int8",)) -> None:
        self.op, self.struct, self.kinds = op, struct, kinds
        self.name = name or op.lower()

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        operator: Any = OPERATORS[self.op]
        name, own = self.name, params_of(operator.params(view))
        inputs, in_place = operands(view)
        wide = broadcasts(view)
        return KernelCall(
            kernel_set="portable",
            function=f"tinyq_portable_{name}" + ("_rows" if wide else "") + SUFFIXES[view.kind],
            header=f"portable/{name}.h",
            params_type=f"tinyq_{name}_rows_params" if wide else f"tinyq_{self.struct}_params",
            params=(*((f"op.{field}", value) for field, value in own), *rows(view).fields("rows")) if wide else own,
            arguments=(*inputs, Write(view.output().index)),
            in_place=in_place,
        )
