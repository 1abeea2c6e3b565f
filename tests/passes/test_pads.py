# SPDX-License-Identifier: Apache-2.0
"""A PAD goes into the window that reads it where that computes the same bytes, and stays elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exact import reference
from execute import Program, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.conv_2d import EXPLICIT_PADDING
from tinyq_deploy.ops.rules import window_output
from tinyq_deploy.passes.pads import Pads
from tinyq_deploy.read import read

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Margins = tuple[tuple[int, int], tuple[int, int]]


def padded(op: str, margins: Margins = ((0, 1), (1, 1)), *, kernel: tuple[int, int] = (3, 3), stride: int = 2,
           dilation: int = 1, padding: str = "VALID", zero: int = -128, value: int | None = None,
           channels: tuple[int, int] = (0, 0), outputs: list[int] | None = None, size: int = 6) -> bytes:  # fmt: skip
    """[1,size,5,2], padded, and a window of three outputs."""
    rows, columns = size + sum(margins[0]), 5 + sum(margins[1])
    depth = 2 + sum(channels)
    extents = [(k - 1) * dilation + 1 for k in kernel]
    out = [window_output(n, e, stride, padding) for n, e in zip((rows, columns), extents, strict=True)]
    rng = np.random.default_rng(5)
    shapes = {"CONV_2D": (3, *kernel, depth), "DEPTHWISE_CONV_2D": (1, *kernel, depth)}
    count = {"CONV_2D": 3}.get(op, depth)
    scale = 0.5 if op.endswith("POOL_2D") else 40.0
    tensors = [
        T((1, size, 5, 2), 0.5, zero), T((1, rows, columns, depth), 0.5, zero),
        T((1, *out, count), scale, zero if op.endswith("POOL_2D") else 3),
        constant([(0, 0), *margins, channels], dtype="int32"),
        constant([zero if value is None else value], 0.5, zero_point=zero),
        constant(rng.integers(-127, 128, shapes.get(op, (1,))), 0.5),
    ]  # fmt: skip
    options: dict[str, Any] = {"padding": padding, "stride_h": stride, "stride_w": stride}
    if op in shapes:
        options |= {"dilation_h_factor": dilation, "dilation_w_factor": dilation}
        options |= {"depth_multiplier": 1} if op == "DEPTHWISE_CONV_2D" else {}
    else:
        options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
    first = Op("PAD", [0, 3], [1]) if value is None else Op("PADV2", [0, 3, 4], [1], version=2)
    window = Op(op, [1, 5] if op in shapes else [1], [2], options, 3)
    return model(tensors, [first, window], [0], outputs or [2])


def assert_exact(data: bytes) -> tuple[tuple[int, int], ...]:
    """The graph after the pass computes what the oracle does; which PADs went into which reader."""
    graph = read(data, "x")
    smaller, report = Pads().run(graph)
    program, inputs = Program(smaller), inputs_of(graph, 3, 2)
    for row, expected in zip(inputs, reference(data).run_many(inputs), strict=True):
        found = program.run(row)
        assert [found[index].tobytes() for index in graph.outputs] == list(expected)
    return report.taken


TAKEN = {
    "strided convolution": padded("CONV_2D"),
    "depthwise": padded("DEPTHWISE_CONV_2D", ((1, 0), (2, 1))),
    "zero point that is no end": padded("CONV_2D", zero=7),
    "same padding behind it": padded("CONV_2D", padding="SAME"),
    "dilated": padded("CONV_2D", ((3, 4), (4, 2)), dilation=2, stride=1),
    "the zero point as a value": padded("CONV_2D", zero=7, value=7),
    "maximum": padded("MAX_POOL_2D"),
    "maximum, lowest value": padded("MAX_POOL_2D", zero=7, value=-128),
}
STAYS = {
    "another value": padded("CONV_2D", zero=7, value=8),
    "mean counts padding": padded("AVERAGE_POOL_2D"),
    "maximum of values above the lowest": padded("MAX_POOL_2D", zero=7),
    "channels": padded("CONV_2D", channels=(0, 1)),
    "as wide as the window": padded("CONV_2D", ((3, 0), (0, 0)), stride=1),
    "one by one": padded("CONV_2D", kernel=(1, 1), stride=1),
}


@pytest.mark.parametrize("name", TAKEN)
def test_it_goes_into_the_window(name: str) -> None:
    smaller, report = Pads().run(read(TAKEN[name], "x"))
    assert assert_exact(TAKEN[name]) == ((0, 1),)
    assert report.removed == (0,)
    assert report.line == "pads: layer 0 into 1"
    assert [node.index for node in smaller.nodes] == [1]


@pytest.mark.parametrize("name", STAYS)
def test_it_stays(name: str) -> None:
    graph = read(STAYS[name], "x")
    smaller, report = Pads().run(graph)
    assert smaller is graph or [node.op for node in smaller.nodes] == [node.op for node in graph.nodes]
    assert not report.changed
    assert assert_exact(STAYS[name]) == ()


def test_padding_that_leaves_the_model_is_still_computed() -> None:
    data = padded("CONV_2D", outputs=[1, 2])
    assert assert_exact(data) == ((0, 1),)
    assert Pads().run(read(data, "x"))[1].removed == ()


def test_margins_are_the_pads_and_the_windows_own() -> None:
    """SAME pads nothing above 7 rows at stride 2 with a window of 3 but 1, and 1 on each side of 7 columns."""
    smaller, _ = Pads().run(read(padded("CONV_2D", padding="SAME"), "x"))
    view = NodeView(smaller, smaller.nodes[0])
    assert view.option("padding", "") == "VALID"
    assert [view.number(name, -1) for name in EXPLICIT_PADDING] == [1, 2, 2, 2]


def causal(outputs: list[int] | None = None, shape: tuple[int, ...] = (1, 1, 16, 2)) -> bytes:
    """[1,12,2] padded in front, and a dilated convolution over one axis."""
    weights = np.random.default_rng(5).integers(-127, 128, (3, 1, 3, 2))
    tensors = [
        T((1, 12, 2), 0.5, 7), T((1, 16, 2), 0.5, 7), T(shape, 0.5, 7), T((1, 1, 12, 3), 40.0, 3),
        constant([(0, 0), (4, 0), (0, 0)], dtype="int32"), constant(shape, dtype="int32"), constant(weights, 0.5),
    ]  # fmt: skip
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "dilation_w_factor": 2}
    ops = [Op("PAD", [0, 4], [1]), Op("RESHAPE", [1, 5], [2]), Op("CONV_2D", [2, 6], [3], options, 3)]
    return model(tensors, ops, [0], outputs or [3])


def test_it_goes_into_a_window_behind_a_new_axis() -> None:
    data = causal()
    assert assert_exact(data) == ((0, 2),)
    smaller, report = Pads().run(read(data, "x"))
    assert report.removed == (0,)
    assert [(node.index, node.op) for node in smaller.nodes] == [(1, "RESHAPE"), (2, "CONV_2D")]


@pytest.mark.parametrize("outputs", [[1, 3], [2, 3]])
def test_what_leaves_the_model_keeps_its_padding(outputs: list[int]) -> None:
    assert_exact(causal(outputs))


margins = st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 2)


@QUICK
@given(
    st.sampled_from(("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")), margins,
    st.sampled_from(((1, 1), (2, 3), (3, 3), (5, 2))), st.integers(1, 3), st.sampled_from(("SAME", "VALID")),
    st.sampled_from((-128, 0, 127)), st.none() | st.sampled_from((-128, 0)),
)  # fmt: skip
def test_random_padding(
    op: str, around: Margins, kernel: tuple[int, int], stride: int, padding: str, zero: int, value: int | None
) -> None:
    assert_exact(padded(op, around, kernel=kernel, stride=stride, padding=padding, zero=zero, value=value))
