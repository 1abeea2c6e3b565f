# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_ALL and REDUCE_ANY: the elements along some axes become one.

Oracle for REDUCE_ANY: LiteRT; tflite-micro lacks it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq_deploy.fixed_point import INT32_MAX, limits, quantize_multiplier, requantize_array, wrap
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator, Rule
from tinyq_deploy.ops.conv_2d import LARGEST_FACTOR

# Loops that most kernels have over axes that stay and over axes that go; see few_loops.
MOST_LOOPS = 3


@dataclass(frozen=True)
class ReduceParams:
    """Field for field the C struct tinyq_reduce_params."""

    kept: tuple[int, ...]
    kept_step: tuple[int, ...]
    reduced: tuple[int, ...]
    reduced_step: tuple[int, ...]
    start: int
    output_offset: int
    multiplier: int
    shift: int


def axes(view: NodeView) -> set[int]:
    """The axes that go; one named twice goes once."""
    rank = len(view.given(0).shape)
    return {movement.axis_of(axis, rank) for axis in movement.values(view, 1)}


def axes_exist(view: NodeView) -> str | None:
    """The axes are the input's."""
    rank = len(view.given(0).shape)
    return None if all(0 <= axis < rank for axis in axes(view)) else f"axes {movement.values(view, 1)} of {rank}"


def reduced_shape(view: NodeView) -> list[int]:
    """The input's shape with 1 for the axes that go, or without them."""
    gone, keep = axes(view), bool(view.option("keep_dims", False))
    shape = enumerate(view.given(0).shape)
    return [1 if axis in gone else size for axis, size in shape if keep or axis not in gone]


def factor_bounded(view: NodeView) -> str | None:
    """The requantisation factor, input scale / output scale, is below 2^30."""
    factor = view.given(0).scale / view.output().scale
    return None if factor < LARGEST_FACTOR else f"factor {factor:g}"


def sum_bounded(view: NodeView) -> str | None:
    """The sum of an output's elements fits int32."""
    count = elements(view)
    low, high = limits(view.given(0).dtype)
    return None if count * (high - low) <= INT32_MAX else f"{count} elements"


@dataclass(frozen=True)
class Loops:
    """Extents and steps through the input, outermost first, over the axes that stay and over those that go."""

    kept: tuple[tuple[int, int], ...]
    reduced: tuple[tuple[int, int], ...]


def loops(view: NodeView) -> Loops:
    """Neighbouring axes of one kind are one loop."""
    gone, shape = axes(view), view.given(0).shape
    found: list[tuple[bool, int, int]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        step = math.prod(shape[axis + 1 :])
        if found and found[-1][0] == (axis in gone):
            found[-1] = (axis in gone, found[-1][1] * size, step)
        else:
            found.append((axis in gone, size, step))
    kinds = [tuple((size, step) for kind, size, step in found if kind is reduced) for reduced in (False, True)]
    return Loops(*kinds)


def few_loops(view: NodeView) -> bool:
    """Whether MOST_LOOPS are enough for either kind of axes, so that `params` describes the node."""
    found = loops(view)
    return max(len(found.kept), len(found.reduced)) <= MOST_LOOPS


@dataclass(frozen=True)
class ReduceManyParams:
    """Field for field the C struct tinyq_reduce_many_params."""

    outputs: int
    elements: int
    kept: int
    reduced: int
    start: int
    output_offset: int
    multiplier: int
    shift: int


def elements(view: NodeView) -> int:
    """Input elements that become one."""
    return math.prod(view.given(0).shape[axis] for axis in axes(view))


class Reduce(Operator):
    """Many elements become one."""

    @staticmethod
    def macs(view: NodeView) -> int:
        """None: it adds or compares."""
        return 0

    @classmethod
    def params(cls, view: NodeView) -> ReduceParams:
        """Loops and quantisation as the kernels take them that have few loops."""
        found = loops(view)
        return ReduceParams(*_columns(found.kept), *_columns(found.reduced), *cls.quantization(view))

    @classmethod
    def many_params(cls, view: NodeView) -> ReduceManyParams:
        """Counts and quantisation for any number of loops."""
        found = loops(view)
        return ReduceManyParams(
            view.output().size, elements(view), len(found.kept), len(found.reduced), *cls.quantization(view)
        )

    @classmethod
    def quantization(cls, view: NodeView) -> tuple[int, int, int, int]:
        """What a sum begins with, the output's zero point, and the factor."""
        start = wrap(-view.given(0).zero_point * elements(view))
        return start, view.output().zero_point, *cls.factor(view)

    @staticmethod
    def factor(view: NodeView) -> tuple[int, int]:
        """Multiplier and shift from a sum less its zero points to the output."""
        return quantize_multiplier(view.given(0).scale / view.output().scale)


def _columns(pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Extents and steps of exactly MOST_LOOPS loops; those that are not needed run once, outside the others."""
    filled = ((1, 0),) * (MOST_LOOPS - len(pairs)) + pairs
    return tuple(size for size, _ in filled), tuple(step for _, step in filled)


_SHAPE_RULES = (
    axes_exist,
    movement.output_is(reduced_shape, "input, axes and keep_dims"),
)


class Sum(Reduce):
    """Sum of the elements."""

    name = "SUM"
    rules = (
        rules.operands(2),
        rules.input_and_output,
        movement.integers(1, "axes"),
        *_SHAPE_RULES,
        factor_bounded,
        sum_bounded,
    )

    @classmethod
    def values_of(cls, view: NodeView, sums: Array) -> Array:
        """What the kernel makes of the plain sums of `elements` values each."""
        p = cls.params(view)
        scaled = requantize_array(sums.astype(np.int64) + p.start, p.multiplier, p.shift)
        return np.clip(scaled + p.output_offset, *limits(view.output().dtype))

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """The sums of a constant input."""
        data = view.given(0).data
        if data is None:
            return None
        sums = data.sum(axis=tuple(axes(view)), dtype=np.int64)
        return (cls.values_of(view, sums).astype(data.dtype).reshape(view.output().shape),)


class Mean(Sum):
    """Mean of the elements."""

    name = "MEAN"

    @staticmethod
    def factor(view: NodeView) -> tuple[int, int]:
        """The scales' factor divided by the number of elements, in TFLite's integers: rounded towards 0, with as many
        bits as the shift has room for."""
        multiplier, shift = quantize_multiplier(view.given(0).scale / view.output().scale)
        count = elements(view)
        bits = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << bits) // count, shift - bits


class _Extreme(Reduce):
    """REDUCE_MAX or REDUCE_MIN; `sign` is 1 or -1."""

    sign: ClassVar[int]
    rules: ClassVar[tuple[Rule, ...]] = (
        rules.operands(2),
        rules.input_and_output,
        rules.same_quantization,
        movement.integers(1, "axes"),
        *_SHAPE_RULES,
    )

    @classmethod
    def evaluate(cls, view: NodeView) -> tuple[Array, ...] | None:
        """The extremes of a constant input."""
        data = view.given(0).data
        if data is None:
            return None
        reduce = np.max if cls.sign > 0 else np.min
        return (np.asarray(reduce(data, axis=tuple(axes(view)))).astype(data.dtype).reshape(view.output().shape),)


class ReduceMax(_Extreme):
    """Largest of the elements."""

    name = "REDUCE_MAX"
    sign = 1


class ReduceMin(_Extreme):
    """Smallest of the elements."""

    name = "REDUCE_MIN"
    sign = -1


class _Whether(_Extreme):
    """REDUCE_ALL or REDUCE_ANY: the extreme of bool."""

    rules = (
        rules.operands(2),
        rules.bool_to_bool,
        movement.integers(1, "axes"),
        *_SHAPE_RULES,
    )

    @classmethod
    def quantization(cls, view: NodeView) -> tuple[int, int, int, int]:
        """None."""
        return 0, 0, 0, 0


class ReduceAll(_Whether):
    """Whether all elements are true."""

    name = "REDUCE_ALL"
    sign = -1


class ReduceAny(_Whether):
    """Whether an element is true."""

    name = "REDUCE_ANY"
    sign = 1
