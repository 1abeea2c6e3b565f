# SPDX-License-Identifier: Apache-2.0
"""Every own kernel on every virtual core gives the bytes of the portable kernels, whatever the shape: with guards round
all it writes, in place, and with the output ahead of its input.

Hypothesis draws a batch of nodes, because compiling an image costs more than running it.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from own_exact import Machine, cases, check

import nodes  # isort: skip  (own_exact adds its folder)
from tinyq_deploy.graph import NodeView

BOARDS = ("mps2-an385-m0plus", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "nucleo-f446re")
# The default run: three images a board, the first of them trivial; the time goes to the compiler.
FEW = {"max_examples": 3, "phases": (Phase.generate,)}
MANY = {"max_examples": 12, "phases": (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)}
NODES, MOST_MACS, MOST_BYTES = 10, 60_000, 6_000
INT32 = (1 << 31) - 1

needs_tools = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed",
)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


CHANNELS = st.one_of(st.integers(1, 130), st.sampled_from([1, 2, 3, 4, 8, 16, 32]))
KERNELS = st.one_of(st.sampled_from([(1, 1), (3, 3), (1, 5), (5, 1), (5, 5)]), pairs(1, 11))
STRIDES = st.one_of(st.just((1, 1)), st.just((2, 2)), pairs(1, 4))
DILATIONS = st.one_of(st.just((1, 1)), st.just((1, 1)), pairs(1, 3))


@st.composite
def windows(draw: st.DrawFn, channels: int, outputs_of: int) -> dict[str, Any]:
    """Kernel, stride, dilation, padding and a size that holds the window and stays within a test's memory."""
    kernel, dilation = draw(KERNELS), draw(DILATIONS)
    stride = (1, 1) if dilation != (1, 1) else draw(STRIDES)
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    least = [(k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilation, strict=True)]
    most = max(1, int((MOST_BYTES / max(channels, outputs_of)) ** 0.5))
    size = tuple(max(n, draw(st.integers(1, min(most, 14)))) for n in least)
    return {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}


@st.composite
def convolutions(draw: st.DrawFn) -> NodeView:
    channels, outputs, rng = draw(CHANNELS), draw(CHANNELS), np.random.default_rng(draw(st.integers(0, 1 << 30)))
    window = draw(windows(channels, outputs))
    taps = window["kernel"][0] * window["kernel"][1] * channels
    outputs = max(1, min(outputs, MOST_MACS // (taps * window["size"][0] * window["size"][1])))
    return nodes.conv_2d(rng, channels=channels, outputs=outputs, **window)


@st.composite
def depthwise(draw: st.DrawFn) -> NodeView:
    channels, rng = draw(CHANNELS), np.random.default_rng(draw(st.integers(0, 1 << 30)))
    multiplier = draw(st.one_of(st.just(1), st.integers(2, 8))) if channels <= 16 else 1
    window = draw(windows(channels, channels * multiplier))
    return nodes.depthwise_conv_2d(rng, channels=channels, multiplier=multiplier, **window)


@st.composite
def fully_connected(draw: st.DrawFn) -> NodeView:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    rows, depth, outputs = draw(st.integers(1, 5)), draw(st.integers(1, 700)), draw(st.integers(2, 130))
    return nodes.fully_connected(rng, rows, depth, min(outputs, MOST_MACS // (rows * depth) + 2), draw(st.booleans()))


@st.composite
def others(draw: st.DrawFn) -> NodeView:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    op = draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D", "SOFTMAX"]))
    if op == "SOFTMAX":
        return nodes.softmax(rng, draw(st.integers(1, 4)), draw(st.integers(1, 60)))
    channels, kernel = draw(CHANNELS), draw(pairs(1, 6))
    size = tuple(max(k, draw(st.integers(1, 9))) for k in kernel)
    return nodes.pool_2d(rng, op, size, channels, kernel, draw(STRIDES), draw(st.sampled_from(["SAME", "VALID"])))


SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@st.composite
def elementwise(draw: st.DrawFn) -> NodeView:
    """Two operands, of which each axis may be 1 in either."""
    rng, shape = np.random.default_rng(draw(st.integers(0, 1 << 30))), draw(SHAPES)
    op, fixed = draw(st.sampled_from(["ADD", "SUB", "MUL", "TABLE"])), draw(st.sampled_from([None, None, 0, 1]))
    if op == "TABLE":
        return nodes.table(rng, draw(st.integers(1, 300)))
    walks = [draw(st.sampled_from([(1, 1), (1, 1), (1, 0), (0, 1)])) for _ in shape]
    first, second = (tuple(n if walk[side] else 1 for n, walk in zip(shape, walks, strict=True)) for side in (0, 1))
    return nodes.binary(rng, op, (first, second), fixed)


@st.composite
def reductions(draw: st.DrawFn) -> NodeView:
    rng, shape = np.random.default_rng(draw(st.integers(0, 1 << 30))), draw(SHAPES)
    axes = [axis for axis in range(len(shape)) if draw(st.booleans())] or [0]
    shape = tuple(n * draw(st.sampled_from([1, 1, 1, 40])) if n < 4 else n for n in shape)
    return nodes.reduction(rng, draw(st.sampled_from(["MEAN", "SUM"])), shape, axes)


@st.composite
def copies(draw: st.DrawFn) -> NodeView:
    rng, shape = np.random.default_rng(draw(st.integers(0, 1 << 30))), draw(SHAPES)
    if draw(st.booleans()):
        return nodes.transpose(rng, shape, draw(st.permutations(range(len(shape)))))
    return nodes.pad(rng, shape, [draw(pairs(0, 3)) for _ in shape])


@st.composite
def extreme(draw: st.DrawFn, views: st.SearchStrategy[NodeView]) -> NodeView:
    """One node in four with biases that make the sums wrap, one in four with an output scale at an end of its range."""
    view = draw(views)
    match draw(st.integers(0, 7)):
        case 0 | 1:
            return with_bias(view, draw(st.sampled_from([INT32, -INT32 - 1, 1 << 30, -(1 << 24)])))
        case 2 | 3:
            return with_output_scale(view, draw(st.sampled_from([1e-6, 1e-3, 30.0, 1e4])))
    return view


def with_bias(view: NodeView, value: int) -> NodeView:
    """The node with every second bias at `value`, where it has biases."""
    bias = view.input(2)
    if bias is None or bias.data is None:
        return view
    data = np.array(bias.data, np.int32)
    data[::2] = value
    return _replaced(view, dataclasses.replace(bias, data=data))


def with_output_scale(view: NodeView, factor: float) -> NodeView:
    """A weighted node with its output's scale times `factor`: factors far below and above 1."""
    output = view.output()
    if view.node.op not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return view
    assert output.quantization is not None
    scale = float(np.float32(output.scale * factor))
    return _replaced(
        view, dataclasses.replace(output, quantization=dataclasses.replace(output.quantization, scale=(scale,)))
    )


def _replaced(view: NodeView, tensor: Any) -> NodeView:
    tensors = tuple(tensor if t.index == tensor.index else t for t in view.graph.tensors)
    return NodeView(dataclasses.replace(view.graph, tensors=tensors), view.node)


BATCHES = st.lists(
    st.one_of(
        extreme(st.one_of(convolutions(), depthwise(), fully_connected(), others())),
        st.one_of(elementwise(), reductions(), copies()),
    ),
    min_size=NODES,
    max_size=NODES,
)


def equal(board: str, compiler: str, optimize: str, budget: dict[str, Any]) -> None:
    """Batches of nodes through one image each."""
    machine = Machine(board, compiler)
    checks = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)

    @settings(deadline=None, derandomize=True, suppress_health_check=checks, **budget)
    @given(BATCHES)
    def run(views: list[NodeView]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            check(cases(views, machine, small=optimize == "-Os"), machine, Path(folder), optimize)

    run()


@needs_tools
@pytest.mark.parametrize("board", BOARDS)
def test_random_nodes_equal(board: str) -> None:
    equal(board, "gcc", "-O3", FEW)


@needs_tools
@pytest.mark.exhaustive
@pytest.mark.parametrize("optimize", ["-O3", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("board", BOARDS)
def test_many_random_nodes_equal(board: str, compiler: str, optimize: str) -> None:
    equal(board, compiler, optimize, MANY)


@needs_tools
def test_a_lead_that_is_too_small_is_found(tmp_path: Path) -> None:
    machine = Machine("mps2-an386")
    view = nodes.conv_2d(np.random.default_rng(1), (9, 9), 4, 16, (3, 3))
    (case,) = (case for case in cases([view], machine) if case.tested.function == "tinyq_own_dsp_conv_2d")
    assert case.tested.lead
    check([case], machine, tmp_path)
    early = dataclasses.replace(case, tested=dataclasses.replace(case.tested, lead=case.tested.lead - 64))
    with pytest.raises(AssertionError, match="ahead of its input"):
        check([early], machine, tmp_path)
