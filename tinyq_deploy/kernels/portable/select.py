# SPDX-License-Identifier: Apache-2.0
"""SELECT and SELECT_V2 in portable C, broadcast or not."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Target, Write, params_of
from tinyq_deploy.kernels.broadcast import Axis, broadcasts, operands, rows_of, walks
from tinyq_deploy.ops.select import SelectParams, SelectV2


class PortableSelect(Kernel):
    """Element by element."""

    kernel_set = "portable"

    def __init__(self, operator: type[SelectV2]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        inputs, in_place = operands(view)
        wide = broadcasts(view)
        return KernelCall(
            kernel_set="portable",
            function="tinyq_portable_select" + ("_rows" if wide else ""),
            header="portable/select.h",
            params_type="tinyq_select_rows_params" if wide else "tinyq_select_params",
            params=self._rows(view) if wide else params_of(SelectParams(view.output().size)),
            arguments=(*inputs, Write(view.output().index)),
            in_place=in_place,
        )

    def _rows(self, view: NodeView) -> tuple[tuple[str, int], ...]:
        axes = walks(view.output().shape, self.operator.shapes(view))
        values = rows_of([Axis(extent, chosen, other) for extent, (_, chosen, other) in axes])
        condition = rows_of([Axis(extent, asked, 0) for extent, (asked, _, _) in axes])
        return (*values.fields("values"), *condition.fields("condition"))
