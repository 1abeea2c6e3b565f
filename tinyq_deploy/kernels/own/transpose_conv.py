# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV by a core's own CONV_2D, an output row at a time: see tinyq_transpose_conv_rows.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import Graph, Node, NodeView, Quantization, Tensor
from tinyq_deploy.kernels.base import (
    Argument,
    Kernel,
    KernelCall,
    Read,
    Scratch,
    Target,
    Write,
    bias_or_zeros,
    weights,
)
from tinyq_deploy.kernels.portable.transpose_conv import upward_lead
from tinyq_deploy.ops.conv_2d import BAND_PAD_TOP, EXPLICIT_PADDING, Conv2DParams
from tinyq_deploy.ops.transpose_conv import BIAS, FILTER, INPUT, TransposeConv

# TINYQ_PHASES of the header.
PHASES = 4
_KEPT_OPTIONS = ("fused_activation_function", "clamp_min", "clamp_max")


@dataclass(frozen=True)
class Taps:
    """The filter's taps along one axis that reach one position of a stride, in the order of the inputs that they
    multiply: from the one at `first` on, in the first stride. None where the stride is beyond the filter."""

    first: int
    taps: tuple[int, ...]


@dataclass(frozen=True)
class Phase:
    """One phase as a convolution to an output of one row, and the input row at which its first window begins."""

    view: NodeView
    first: int


def reaching(position: int, pad: int, stride: int, kernel: int) -> Taps:
    """The taps that reach `position`, from 0 to the stride. Tap k brings the input at (position + pad - k) / stride."""
    whole, rest = divmod(position + pad, stride)
    taps = range(rest, kernel, stride)
    return Taps(whole - max(len(taps) - 1, 0), tuple(reversed(taps)))


def phases(view: NodeView) -> list[Phase]:
    """The convolution of every row of a vertical stride."""
    p = TransposeConv.params(view)
    columns = [reaching(c, p.pad_left, p.stride_width, p.filter_width) for c in range(p.stride_width)]
    rows = [reaching(r, p.pad_top, p.stride_height, p.filter_height) for r in range(p.stride_height)]
    return [Phase(_convolution(view, p, row, columns), row.first) for row in rows]


def _convolution(view: NodeView, p: Conv2DParams, row: Taps, columns: Sequence[Taps]) -> NodeView:
    """The CONV_2D that computes output rows of one phase, in whole horizontal strides."""
    given = [column for column in columns if column.taps]
    left, right = min(c.first for c in given), max(c.first + len(c.taps) for c in given)
    filter_ = np.zeros(
        (len(columns), p.output_channels, max(len(row.taps), 1), right - left, p.input_channels), np.int8
    )
    for pixel, column in enumerate(columns):
        for y, ky in enumerate(row.taps):
            for x, kx in enumerate(column.taps):
                filter_[pixel, :, y, column.first - left + x] = weights(view, FILTER)[:, ky, kx]
    strides = -(-p.output_width // p.stride_width)
    margins = (0, 0, -left, strides - 1 + right - p.input_width)
    options = {name: view.node.options[name] for name in _KEPT_OPTIONS if name in view.node.options}
    options |= {"padding": "VALID", BAND_PAD_TOP: 0, **dict(zip(EXPLICIT_PADDING, margins, strict=True))}
    output = replace(view.output(), index=3, shape=(1, 1, strides, len(columns) * p.output_channels))
    quantization = view.given(FILTER).quantization
    assert quantization is not None
    tensors = (
        replace(view.given(INPUT), index=0),
        _constant(1, filter_.reshape(-1, *filter_.shape[2:]), _repeated(quantization, len(columns))),
        _constant(2, np.tile(bias_or_zeros(view, BIAS, p.output_channels), len(columns)), None),
        output,
    )
    node = Node(view.node.index, "CONV_2D", 1, (0, 1, 2), (3,), MappingProxyType(options))
    return NodeView(Graph(view.graph.name, view.graph.sha256, tensors, (node,), (0,), (3,)), node)


def _constant(index: int, data: npt.NDArray[Any], quantization: Quantization | None) -> Tensor:
    return Tensor(index, "", data.shape, str(data.dtype), quantization, data)


def _repeated(quantization: Quantization, count: int) -> Quantization:
    """The scales for `count` times the channels; one for all stays one."""
    times = count if len(quantization.scale) > 1 else 1
    return Quantization(quantization.scale * times, quantization.zero_point * times)


class OwnTransposeConv(Kernel):
    """Rows by the convolution of a family of cores."""

    op = "TRANSPOSE_CONV"
    kernel_set = "own"

    def __init__(self, family: str, convolution: Kernel) -> None:
        self.family, self.convolution = family, convolution

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes vertical strides of up to PHASES on the convolution's cores."""
        p = TransposeConv.params(view)
        if p.stride_height > PHASES:
            return None
        found = phases(view)
        made = [call for phase in found if (call := self.convolution.call(phase.view, target)) is not None]
        if len(made) < len(found) or (any(map(_reads_in_place, made)) and _beyond(p, found)):
            return None
        row = p.output_width * p.output_channels
        computed = found[0].view.output().size
        row_at = -(-max(call.scratch_bytes for call in made) // 4) * 4
        name = f"tinyq_own_{self.family}_transpose_conv"
        return KernelCall(
            "own", name, f"own/{self.family}/transpose_conv.h", f"{name}_params",
            (
                ("phases", len(made)), ("input_height", p.input_height),
                ("input_row_bytes", p.input_width * p.input_channels), ("output_height", p.output_height),
                ("output_row_bytes", row), ("computed_bytes", computed), ("row_at", row_at),
                *((f"first[{n}]", phase.first) for n, phase in enumerate(found)),
                *((f"phase[{n}].{field}", value) for n, call in enumerate(made) for field, value in call.params),
            ),
            (
                Read(view.given(INPUT).index), *_constants(made),
                Scratch(row_at + (computed if computed > row else 0)), Write(view.output().index),
            ),
            lead=upward_lead(view),
        )  # fmt: skip


def _constants(made: Sequence[KernelCall]) -> list[Argument]:
    """Weights and channels of each phase, null behind the last."""
    found = [replace(c, name=f"{c.name}{n}") for n, call in enumerate(made) for c in call.constants]
    return [*found, *[Scratch(0)] * (2 * PHASES - len(found))]


def _reads_in_place(call: KernelCall) -> bool:
    """Whether a convolution of 1 by 1 reads its input where it is, so that no row of it may lie beyond."""
    return dict(call.params).get("direct") == 1


def _beyond(p: Conv2DParams, found: Sequence[Phase]) -> bool:
    """Whether an output row comes from behind the last input row."""
    rows = range(p.output_height)
    return any(found[row % len(found)].first + row // len(found) >= p.input_height for row in rows)
