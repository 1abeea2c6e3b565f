# SPDX-License-Identifier: Apache-2.0
"""GATHER and GATHER_ND: slices of the input by their indices.

Constant indices lie inside the input. Those that are known at run time only are limited to it: TFLite's kernels read
memory outside the input, or fail, for others.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.pick import Picker, Table, straight

INDICES = 1
INDEX_TYPES = ("int8", "int16", "int32")
MOST_DEPTH = 8


@dataclass(frozen=True)
class GatherParams:
    """Field for field the C struct tinyq_gather_params. `step` has MOST_DEPTH entries."""

    batches: int
    outer: int
    count: int
    depth: int
    step: tuple[int, ...]
    span: int
    run: int
    index_width: int


def index_type(view: NodeView) -> str | None:
    """The indices are int32, int16 or int8, or constants of int64."""
    tensor = view.given(INDICES)
    allowed = (*INDEX_TYPES, "int64") if tensor.data is not None else INDEX_TYPES
    return None if tensor.dtype in allowed else f"indices are {tensor.dtype}"


def batch_dims(view: NodeView) -> int:
    """Axes that input and indices have in common."""
    return movement.axis_of(view.number("batch_dims", 0), len(view.given(INDICES).shape))


def axis_of(view: NodeView) -> int:
    """The axis of the input that the indices are of."""
    return movement.axis_of(view.number("axis", 0), len(view.given(0).shape))


def axes_fit(view: NodeView) -> str | None:
    """The axis is the input's; batch_dims axes before it are equal in input and indices."""
    source, indices, axis, batch = view.given(0).shape, view.given(INDICES).shape, axis_of(view), batch_dims(view)
    if 0 <= axis < len(source) and 0 <= batch <= min(axis, len(indices)) and source[:batch] == indices[:batch]:
        return None
    return f"axis {axis}, batch_dims {batch}, input {list(source)}, indices {list(indices)}"


def gathered(view: NodeView) -> list[int]:
    """The input's shape with those of the indices in place of the axis."""
    source, indices, axis = view.given(0).shape, view.given(INDICES).shape, axis_of(view)
    return [*source[:axis], *indices[batch_dims(view) :], *source[axis + 1 :]]


def indices_inside(view: NodeView) -> str | None:
    """Constant indices are at least 0 and below the extent of the axis."""
    extent = view.given(0).shape[axis_of(view)]
    data = view.given(INDICES).data
    if data is None or data.size == 0 or (data.min() >= 0 and data.max() < extent):
        return None
    return f"indices {int(data.min())} to {int(data.max())} of {extent}"


class Gatherer(Picker):
    """A picker whose tables are known where the indices are."""

    @staticmethod
    def known(view: NodeView) -> bool:
        """Whether the indices are constants."""
        return view.given(INDICES).data is not None

    @staticmethod
    @abstractmethod
    def params(view: NodeView) -> GatherParams:
        """As the kernel for computed indices takes it."""


class Gather(Gatherer):
    """Entries of one axis."""

    name = "GATHER"
    rules = (
        rules.operands(2),
        movement.moves(),
        index_type,
        axes_fit,
        movement.output_is(gathered, "input, indices, axis and batch_dims"),
        indices_inside,
    )

    @staticmethod
    def params(view: NodeView) -> GatherParams:
        """As the kernel takes it."""
        source, axis, batch, indices = view.given(0), axis_of(view), batch_dims(view), view.given(INDICES)
        run = movement.steps(source)[axis]
        return GatherParams(
            math.prod(source.shape[:batch]), math.prod(source.shape[batch:axis]), math.prod(indices.shape[batch:]), 1,
            (run,) + (0,) * (MOST_DEPTH - 1), source.shape[axis] * run, run, movement.itemsize(indices),
        )  # fmt: skip

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """Entries of the axis, for each batch its own."""
        source, data, p = view.given(0), view.given(INDICES).data, Gather.params(view)
        assert data is not None
        width = movement.itemsize(source)
        run = straight((p.run // width,), (width,))
        if p.batches == 1:
            return [*straight((p.outer,), (p.span,)), (data.reshape(-1).astype(np.int64) * p.run).tolist(), *run]
        slices = data.reshape(p.batches, 1, p.count).astype(np.int64) * p.run
        first = np.arange(p.batches * p.outer).reshape(p.batches, p.outer, 1) * p.span
        return [(slices + first).reshape(-1).tolist(), *run]


def index_depth(view: NodeView) -> int:
    """Axes of the input that one row of the indices names."""
    return view.given(INDICES).shape[-1]


def depth_fits(view: NodeView) -> str | None:
    """The indices' last axis has at most one entry for each axis of the input."""
    source, indices = view.given(0).shape, view.given(INDICES).shape
    fits = len(indices) > 0 and 1 <= indices[-1] <= len(source)
    return None if fits else f"input {list(source)}, indices {list(indices)}"


def gathered_nd(view: NodeView) -> list[int]:
    """The shape of the indices with the rest of the input's in place of the last axis."""
    return [*view.given(INDICES).shape[:-1], *view.given(0).shape[index_depth(view) :]]


def rows_inside(view: NodeView) -> str | None:
    """Constant indices are at least 0 and below the extents of the axes that they name."""
    data = view.given(INDICES).data
    if data is None:
        return None
    rows = data.reshape(-1, index_depth(view)).astype(np.int64)
    inside = (rows >= 0) & (rows < np.array(view.given(0).shape[: index_depth(view)]))
    return None if inside.all() else f"indices {rows[~inside.all(1)][0].tolist()}, input {list(view.given(0).shape)}"


class GatherNd(Gatherer):
    """Slices by the indices of several axes."""

    name = "GATHER_ND"
    rules = (
        rules.operands(2),
        movement.moves(),
        index_type,
        depth_fits,
        movement.output_is(gathered_nd, "input and indices"),
        rows_inside,
    )

    @staticmethod
    def params(view: NodeView) -> GatherParams:
        """As the kernel takes it."""
        source, depth, indices = view.given(0), index_depth(view), view.given(INDICES)
        steps = movement.steps(source)[:depth]
        return GatherParams(
            1, 1, indices.size // depth, depth, steps + (0,) * (MOST_DEPTH - depth), source.bytes, steps[-1],
            movement.itemsize(indices),
        )  # fmt: skip

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """A row of indices for each slice."""
        source, data, p = view.given(0), view.given(INDICES).data, GatherNd.params(view)
        assert data is not None
        width = movement.itemsize(source)
        slices = data.reshape(-1, p.depth).astype(np.int64) @ np.array(p.step[: p.depth], np.int64)
        return [slices.tolist(), *straight((p.run // width,), (width,))]
