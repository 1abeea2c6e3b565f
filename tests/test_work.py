# SPDX-License-Identifier: Apache-2.0
"""What kernel calls have to do, counted on small layers by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models import Op, T, constant, model

from tinyq_deploy.board import Core
from tinyq_deploy.check import check
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.dsp_depthwise_conv_2d import OwnDepthwiseParams
from tinyq_deploy.lower import lower
from tinyq_deploy.read import read
from tinyq_deploy.work import work


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


def done(tensors: list[T], op: Op, function: str, core: Core = "cortex-m4") -> dict[str, int]:
    """The work of the candidate `function` for the only layer of a model."""
    graph = read(model(tensors, [op], [0], [len(tensors) - 1]), "one.tflite")
    check(graph)
    (item,) = lower(graph, Target(core), "auto")
    (call,) = [call for call in item.candidates if call.function == function]
    return work(NodeView(graph, item.node), call)


def parts(found: dict[str, int], **expected: int) -> None:
    assert {name: found[name] for name in expected} == expected


def test_equal_shapes_are_one_run() -> None:
    found = done([q(1, 3, 7), q(1, 3, 7)], Op("ADD", [0, 0], [1]), "tinyq_own_plain_add")
    parts(found, runs=1, elements=21, words=5, odd_bytes=1, eights=3, vectors=2, repeated=0, outputs=21)


@pytest.mark.parametrize(
    ("function", "runs", "repeated"), [("tinyq_portable_mul_rows", 15, 0), ("tinyq_own_plain_mul_lines", 7, 105)]
)
def test_operands_that_broadcast_are_rows_or_lines(function: str, runs: int, repeated: int) -> None:
    """[3,5,7] with [7]: rows of 7, or 7 lines along which the second operand stays."""
    found = done([q(1, 3, 5, 7), constant(range(7), 0.1), q(1, 3, 5, 7)], Op("MUL", [0, 1], [2]), function)
    parts(found, runs=runs, elements=105, repeated=repeated)


@pytest.mark.parametrize(
    ("function", "core", "runs", "vectors"),
    [
        ("tinyq_portable_sum", "cortex-m4", 20 * 1, 20 * 1),
        ("tinyq_own_plain_sum", "cortex-m4", 12, 12 * 2),
        ("tinyq_own_mve_sum", "cortex-m55", 12, 12 * 2),
    ],
)
def test_means_run_along_what_stays_but_for_the_portable_kernel(
    function: str, core: Core, runs: int, vectors: int
) -> None:
    tensors = [q(1, 3, 4, 20), constant([1, 2], dtype="int32"), q(1, 20)]
    parts(done(tensors, Op("MEAN", [0, 1], [2], {}), function, core), runs=runs, vectors=vectors, elements=240)


def test_a_padding_is_runs_between_margins() -> None:
    """2 rows and 1 column around [3,4,5]: rows above and below, and a column on either side of 3 rows."""
    tensors = [q(1, 3, 4, 5), constant([0, 0, 2, 2, 1, 1, 0, 0], dtype="int32"), q(1, 7, 6, 5)]
    own = done(tensors, Op("PAD", [0, 1], [2]), "tinyq_own_plain_pad")
    parts(own, runs=3, elements=60, filled=150, margins=2 + 3 * 2, apart=0)
    parts(done(tensors, Op("PAD", [0, 1], [2]), "tinyq_portable_copy"), runs=3, elements=60, filled=150)


def test_a_transpose_of_single_elements_is_told_from_one_of_runs() -> None:
    def found(order: list[int], shape: tuple[int, ...]) -> dict[str, int]:
        tensors = [q(1, 3, 4, 5), constant(order, dtype="int32"), q(*shape)]
        return done(tensors, Op("TRANSPOSE", [0, 1], [2]), "tinyq_portable_copy")

    parts(found([0, 2, 1, 3], (1, 4, 3, 5)), runs=12, elements=60, apart=0, filled=0)
    parts(found([0, 3, 1, 2], (1, 5, 3, 4)), runs=0, apart_runs=5, elements=0, apart=60)


def test_rows_are_runs_of_their_parts() -> None:
    found = done([q(1, 3, 5), q(1, 3, 10)], Op("CONCATENATION", [0, 0], [1], {"axis": 2}), "tinyq_portable_join")
    parts(found, runs=6, elements=30, unaligned=30)


def depthwise(height: int, width: int, channels: int, size: tuple[int, int], stride: int) -> dict[str, Any]:
    """A layer without padding, its work, and its parameters."""
    rng = np.random.default_rng(3)
    rows, columns = (height - size[0]) // stride + 1, (width - size[1]) // stride + 1
    weights = constant(rng.integers(-9, 9, (1, *size, channels)), 0.01, axis=3)
    tensors = [q(1, height, width, channels), weights, q(1, rows, columns, channels)]
    options = {"padding": "VALID", "stride_h": stride, "stride_w": stride, "depth_multiplier": 1}
    graph = read(model(tensors, [Op("DEPTHWISE_CONV_2D", [0, 1], [2], options, 3)], [0], [2]), "one.tflite")
    check(graph)
    (item,) = lower(graph, Target("cortex-m4"), "own")
    call = next(c for c in item.candidates if c.function == "tinyq_own_dsp_depthwise_conv_2d")
    return {"work": work(NodeView(graph, item.node), call), "params": OwnDepthwiseParams(**dict(call.params))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "shape", [(9, 9, 8, (5, 5), 1), (20, 20, 40, (5, 4), 1), (12, 13, 6, (3, 4), 2), (30, 1, 4, (9, 1), 1)]
)
def test_work_on_planes_is_what_the_loops_of_the_kernel_do(shape: tuple[int, int, int, tuple[int, int], int]) -> None:
    """The loops of tinyq_planes.h and depthwise_conv_2d.h, gone through."""
    found = depthwise(*shape)
    p = found["params"]
    counted = dict.fromkeys(("plane_pairs", "moved_pairs", "decoded", "pairs_in_fours", "pairs_alone"), 0)
    for first in (*range(0, p.input_channels // 4 * 4, 4), *range(p.input_channels // 4 * 4, p.input_channels)):
        count = 4 if first < p.input_channels // 4 * 4 else 1
        for row in range(0, p.output_height, p.strip_rows):
            step = p.strip_rows * p.stride_height
            kept = 0 if row == 0 or step > p.plane_rows else p.plane_rows - step
            counted["moved_pairs"] += count * kept * p.row_words
            counted["plane_pairs"] += (p.plane_rows - kept) * p.copy_pairs
            counted["decoded"] += count * p.filter_height * p.filter_words
        taps = p.filter_height * p.filter_words
        fours = (p.output_width - p.phase) // 4 if p.stride_width == 1 else 0
        counted["pairs_in_fours"] += count * p.output_height * fours * taps
        counted["pairs_alone"] += count * p.output_height * (p.output_width - 4 * fours) * taps
    parts(found["work"], **counted)


def test_work_on_tiles_is_of_whole_groups_of_three() -> None:
    """19 x 20 outputs are 100 tiles of 2 x 2, 34 groups."""
    weights = constant(np.random.default_rng(4).integers(-127, 128, (16, 3, 3, 16)), 0.01)
    tensors = [q(1, 19, 20, 16), weights, q(1, 19, 20, 16)]
    options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    found = done(tensors, Op("CONV_2D", [0, 1], [2], options, 3), "tinyq_own_dsp_conv_2d_3x3")
    parts(found, tile_macs=102 * 16 * 16, tile_inputs=102 * 16, tile_outputs=102 * 16, tile_weights=0)
