# SPDX-License-Identifier: Apache-2.0
"""Operators on one tensor, element by element: of int8, 256 results, computed by the compiler.

To add one: a Unary subclass in a file of its own, whose `result` or `table` is the oracle's kernel in Python integers
(or float32), a line in ops/__init__.py and tests/ops/test_<name>.py. The kernels of tables take it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import quantize_multiplier, round_half_away
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Rule
from tinyq_deploy.ops.elementwise import INT8_VALUES, Elementwise, Numbers

Table = npt.NDArray[np.int8]
LARGEST_RATIO = float(1 << 22)


class Unary(Elementwise):
    """A table of 256 bytes."""

    operands = 1

    @staticmethod
    @abstractmethod
    def table(view: NodeView) -> Table:
        """[256]: the results for inputs -128..127."""

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """The table's entries."""
        results: Numbers = cls.table(view).astype(np.int64)[operands[0] + 128]
        return results


def same_shape(view: NodeView) -> str | None:
    """Input and output have the same shape."""
    a, b = view.given(0).shape, view.output().shape
    return None if a == b else f"input {list(a)}, output {list(b)}"


def unary_rules(*more: Rule, types: Rule = rules.activations_int8) -> tuple[Rule, ...]:
    """The rules of every such operator, then `more`; `types` is rules.activations where it takes int16 too."""
    return (rules.operands(1), rules.computed(0, "input"), types, same_shape, *more)


def ratio_bounded(view: NodeView) -> str | None:
    """The input scale is below 2^22 output scales."""
    ratio = view.given(0).scale / view.output().scale
    return None if ratio < LARGEST_RATIO else f"ratio {ratio:g}"


def tabulate(function: Callable[[int], int]) -> Table:
    """[256]: `function` of -128..127, saturated to int8."""
    return np.array([min(127, max(-128, function(int(value)))) for value in INT8_VALUES], np.int8)


def scale_multiplier(view: NodeView, factor: float = 1.0) -> tuple[int, int]:
    """input scale * factor / output scale as (mantissa, shift), in float64 as tflite-micro divides."""
    return quantize_multiplier(view.given(0).scale * factor / view.output().scale)


def real_table(view: NodeView, function: Callable[[np.float32], float | np.float32]) -> Table:
    """[256]: `function` of the real input, in float32 as TFLite fills its own tables: dequantise, compute, multiply by
    the reciprocal of the output scale, round halves away from zero, add the zero point, saturate.

    The oracle's `function` comes from a C library. Where its last bit differs from ours and the product is within that
    bit of a half, the entry differs by one.
    """
    source, out = view.given(0), view.output()
    inverse = np.float32(1) / np.float32(out.scale)

    def entry(value: int) -> int:
        real = np.float32(source.scale) * np.float32(value - source.zero_point)
        with np.errstate(over="ignore"):
            steps = float(np.float32(function(real)) * inverse)
        return round_half_away(max(-1e9, min(1e9, steps))) + out.zero_point

    return tabulate(entry)


def exponential(value: float) -> float:
    """e^value; infinity beyond double."""
    return math.exp(value) if value < 700 else math.inf
