# SPDX-License-Identifier: Apache-2.0
"""ABS, int8 -> int8 or int16 -> int16."""

from __future__ import annotations

from tinyq_deploy.fixed_point import requantize
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.slopes import ONE, Sloped, SlopesParams, lines
from tinyq_deploy.ops.unary import Table, ratio_bounded, scale_multiplier, tabulate, unary_rules


class Abs(Sloped):
    """Absolute value."""

    name = "ABS"
    rules = unary_rules(ratio_bounded, types=rules.activations)

    @classmethod
    def slopes(cls, view: NodeView) -> SlopesParams:
        """The same as for int8."""
        factor = ONE if view.given(0).scale == view.output().scale else scale_multiplier(view)
        return lines(view, factor, factor, before=-1)

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite AbsEvalQuantized: rescaled only where the scales differ."""
        source, out = view.given(0), view.output()
        if source.scale == out.scale:
            return tabulate(lambda value: abs(value - source.zero_point) + out.zero_point)
        factor = scale_multiplier(view)
        return tabulate(lambda value: requantize(abs(value - source.zero_point), *factor) + out.zero_point)
