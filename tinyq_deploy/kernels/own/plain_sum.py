# SPDX-License-Identifier: Apache-2.0
"""MEAN and SUM four elements a word: four channels side by side, or four of the elements that become one output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import Multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, operand, params_of
from tinyq_deploy.kernels.own.requantize import Accumulators, choose
from tinyq_deploy.ops.reduce import Sum, elements, loops

_INT8_RANGE = (-128, 127)
# Elements of an output below which the portable loop is as fast, where requantisation takes many instructions.
_FEWEST = {"cortex-m0": 8, "cortex-m0plus": 8}


@dataclass(frozen=True)
class OwnSumParams:
    """Field for field the C struct tinyq_own_sum_params."""

    blocks: int
    block_step: int
    channels: int
    channel_step: int
    rows: int
    row_step: int
    columns: int
    column_step: int
    words: int
    kind: int
    start: int
    multiplier: int
    offset: int
    shift: int


class OwnSum(Kernel):
    """Sums of int8 with a factor; they may write over what they read."""

    kernel_set = "own"

    def __init__(self, operator: type[Sum]) -> None:
        self.op, self.operator = operator.name, operator

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes nodes with at most two loops over axes that stay and two over axes that go, where speed counts."""
        found = loops(view)
        if target.small or extension(target.core) == "mve" or max(len(found.kept), len(found.reduced)) > 2:
            return None
        if elements(view) < _FEWEST.get(target.core, 0):
            return None
        read = operand(view.given(0), "input")
        return KernelCall(
            kernel_set="own",
            function="tinyq_own_plain_sum",
            header="own/plain/sum.h",
            params_type="tinyq_own_sum_params",
            params=params_of(self._params(view)),
            arguments=(read, Write(view.output().index)),
            in_place=(read.tensor,) if isinstance(read, Read) else (),
        )

    def _params(self, view: NodeView) -> OwnSumParams:
        """Loops outermost first, and the requantisation that is proven for all sums."""
        found, count, p = loops(view), elements(view), self.operator.params(view)
        pairs = [((1, 0),) * (2 - len(axes)) + axes for axes in (found.kept, found.reduced)]
        (blocks, channels), (rows, columns) = pairs
        start = -view.given(0).zero_point * count
        low, high = (np.array([start + end * count], np.int64) for end in _INT8_RANGE)
        factors = Multipliers(np.array([p.multiplier], np.int32), np.array([p.shift], np.int32))
        chosen = choose(
            Accumulators(np.array([start], np.int64), low, high), factors, p.output_offset, _INT8_RANGE
        )  # fmt: skip
        numbers = (chosen.bias, chosen.multiplier, chosen.offset, chosen.shifts)
        return OwnSumParams(
            *blocks, *channels, *rows, *columns, _in_words(view), chosen.kind, *(int(column[0]) for column in numbers)
        )


def _in_words(view: NodeView) -> bool:
    """Whether words of four elements, along the innermost axis, begin at whole words throughout the input."""
    found = loops(view)
    return all(size % 4 == 0 if step == 1 else step % 4 == 0 for size, step in (*found.kept, *found.reduced))
