# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL on every core: both operands widened to int16 once, two rows with two columns at a time."""

from __future__ import annotations

import itertools

import numpy as np

from tinyq_deploy.fixed_point import Multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Scratch, Target, Write, operand, params_of
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.ops.batch_matmul import BatchMatmul, BatchMatmulParams, X, Y


class OwnBatchMatmul(Kernel):
    """Dot products of pairs of int16, which the DSP extension multiplies at once."""

    op = "BATCH_MATMUL"
    kernel_set = "own"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        p, words = BatchMatmul.params(view), (BatchMatmul.params(view).depth + 1) // 2
        chosen = _requantization(p)
        numbers = {
            "words": words, "kind": chosen.kind, "bias": int(chosen.bias[0]), "multiplier": int(chosen.multiplier[0]),
            "offset": int(chosen.offset[0]),
            "shift": chosen.shift if chosen.kind == requantize.RISING else int(chosen.shifts[0]),
        }  # fmt: skip
        return KernelCall(
            "own", "tinyq_own_batch_matmul", "own/batch_matmul.h", "tinyq_own_batch_matmul_params",
            (*((f"op.{name}", value) for name, value in params_of(p)), *numbers.items()),
            (
                operand(view.given(X), "x"), operand(view.given(Y), "y"), Scratch(4 * words * (p.columns + 2)),
                Write(view.output().index),
            ),
        )  # fmt: skip


def _requantization(p: BatchMatmulParams) -> requantize.Requantization:
    """The cheapest that is right for all sums of `depth` products."""
    ends = [(-128 + offset, 127 + offset) for offset in (p.x_offset, p.y_offset)]
    products = [a * b * p.depth for a, b in itertools.product(*ends)]
    sums = requantize.Accumulators(*(np.array([value], np.int64) for value in (0, min(products), max(products))))
    factors = Multipliers(np.array([p.output_multiplier], np.int32), np.array([p.output_shift], np.int32))
    return requantize.choose(sums, factors, p.output_offset, (-128, 127))
