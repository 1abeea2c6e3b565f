# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: images [N,H,W,C] of another height and width.

Source of the arithmetic: TFLite's reference kernels, resize_nearest_neighbor.h and resize_bilinear.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import movement, rules
from tinyq_deploy.ops.base import Array, Operator
from tinyq_deploy.ops.pick import Picker, Table, straight

# Steps between two pixels of the input, of bilinear interpolation.
ONE = 1 << 10


def two_numbers(view: NodeView) -> str | None:
    """The size is a constant of int32 or int64: height and width."""
    tensor = view.given(1)
    if tensor.dtype in movement.STATIC_TYPES and tensor.data is not None and tensor.size == 2:
        return None
    known = "constant" if tensor.data is not None else "computed at run time"
    return f"size is {tensor.dtype} {list(tensor.shape)}, {known}"


def resized(view: NodeView) -> list[int]:
    """The input's shape with the size that is asked for."""
    batch, _, _, channels = view.given(0).shape
    return [batch, *movement.values(view, 1), channels]


def corners(view: NodeView) -> bool:
    """Whether the centers of the corner pixels stay where they are."""
    return bool(view.option("align_corners", False))


def half_pixels(view: NodeView) -> bool:
    """Whether a pixel's place is its center."""
    return bool(view.option("half_pixel_centers", False))


def nearest(size: int, output: int, aligned: bool, half: bool) -> list[int]:
    """The input index for each output index along an axis, in TFLite's float32."""
    between = aligned and output > 1
    scale = np.float32(size - 1) / np.float32(output - 1) if between else np.float32(size) / np.float32(output)
    places = (np.arange(output, dtype=np.float32) + np.float32(0.5 if half else 0)) * np.float32(scale)
    rounded = np.floor(places.astype(np.float64) + 0.5) if aligned else np.floor(places)
    return [int(place) for place in np.clip(rounded, 0, size - 1)]


class ResizeNearestNeighbor(Picker):
    """Each pixel is the input's nearest one."""

    name = "RESIZE_NEAREST_NEIGHBOR"
    rules = (
        rules.operands(2),
        rules.rank(0, (4,), "input"),
        movement.moves(),
        two_numbers,
        movement.output_is(resized, "input and size"),
    )

    @staticmethod
    def tables(view: NodeView) -> Sequence[Table]:
        """A table of rows and one of columns."""
        source, output = view.given(0), view.output()
        image, row, pixel, channel = movement.steps(source)
        rows, columns = (
            nearest(source.shape[axis], output.shape[axis], corners(view), half_pixels(view)) for axis in (1, 2)
        )
        return [
            *straight(output.shape[:1], (image,)), [place * row for place in rows],
            [place * pixel for place in columns], *straight(output.shape[3:], (channel,)),
        ]  # fmt: skip


def one_kind(view: NodeView) -> str | None:
    """Either align_corners or half_pixel_centers is set, or none."""
    return "both are set" if corners(view) and half_pixels(view) else None


@dataclass(frozen=True)
class ResizeBilinearParams:
    """Field for field the C struct tinyq_resize_bilinear_params. Scales and starts are in steps of 1/1024 pixel."""

    batches: int
    input_height: int
    input_width: int
    channels: int
    output_height: int
    output_width: int
    row_scale: int
    row_start: int
    column_scale: int
    column_start: int


def scale_of(size: int, output: int, aligned: bool) -> int:
    """Steps of the input from one output pixel to the next, rounded."""
    if aligned and output > 1:
        return (ONE * (size - 1) + (output - 1) // 2) // (output - 1)
    return (ONE * size + output // 2) // output


def places(view: NodeView, axis: int) -> tuple[int, int]:
    """Scale and start along an axis."""
    scale = scale_of(view.given(0).shape[axis], view.output().shape[axis], corners(view))
    return scale, scale // 2 - ONE // 2 if half_pixels(view) else 0


def pixels_inside(view: NodeView) -> str | None:
    """No output pixel lies behind the input's last one, where steps rounded to 1/1024 pixel lead in large images."""
    for axis in (1, 2):
        scale, start = places(view, axis)
        if (view.output().shape[axis] - 1) * scale + start >= ONE * view.given(0).shape[axis]:
            return f"input {list(view.given(0).shape)}, output {list(view.output().shape)}"
    return None


class ResizeBilinear(Operator):
    """Each pixel is a mean of the input's four next ones, weighted by how near they are."""

    name = "RESIZE_BILINEAR"
    rules = (
        rules.operands(2),
        rules.rank(0, (4,), "input"),
        rules.input_int8,
        rules.same_quantization,
        two_numbers,
        movement.output_is(resized, "input and size"),
        one_kind,
        pixels_inside,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Four for each element."""
        return 4 * view.output().size

    @staticmethod
    def params(view: NodeView) -> ResizeBilinearParams:
        """As the kernel takes it."""
        batch, height, width, channels = view.given(0).shape
        _, rows, columns, _ = view.output().shape
        return ResizeBilinearParams(batch, height, width, channels, rows, columns, *places(view, 1), *places(view, 2))

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The resized image of a constant input."""
        data = view.given(0).data
        if data is None:
            return None
        image = data.astype(np.int64)
        for axis in (1, 2):
            first, second, near = _neighbours(view, axis)
            shape = [-1 if i == axis else 1 for i in range(4)]
            near = near.reshape(shape)
            image = image.take(first, axis) * (ONE - near) + image.take(second, axis) * near
        rounded = np.sign(image) * ((np.abs(image) + ONE * ONE // 2) // (ONE * ONE))
        return (rounded.astype(np.int8),)


def _neighbours(view: NodeView, axis: int) -> tuple[npt.NDArray[np.int64], ...]:
    """For each output index the two input indices next to it, and how far it lies from the first to the second."""
    scale, start = places(view, axis)
    at = np.arange(view.output().shape[axis], dtype=np.int64) * scale + start
    first = np.maximum(at // ONE, 0)
    second = np.clip((at + ONE - 1) // ONE, 0, view.given(0).shape[axis] - 1)
    return first, second, at - first * ONE
