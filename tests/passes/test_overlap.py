# SPDX-License-Identifier: Apache-2.0
"""Outputs over their inputs: random networks with and without passes, guards round the arena, equal to the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from exact import assert_same, reference
from execute import inputs_of
from host_c import planned, program
from models import Op, T, constant, model
from random_nets import network

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import pixel_lead, row_lead
from tinyq_deploy.plan import Plan
from tinyq_deploy.read import read

SEEDS = range(100, 116)


def overlapping(made: Plan) -> int:
    """How many layers write over what they read, one behind the other."""
    spans = {t: (o, o + made.graph.tensors[t].bytes) for t, o in made.offsets.items()}
    pairs = [
        (spans[layer.node.inputs[0]], spans[layer.node.outputs[0]])
        for layer in made.code_layers()
        if layer.node.inputs[0] in spans
    ]
    return sum(a[0] < b[1] and b[0] < a[1] and a[0] != b[0] for a, b in pairs)


def assert_exact(passes: bool) -> None:
    models = {f"net{seed}": network(seed) for seed in SEEDS}
    built = program(models, guards=True, passes=passes)
    for name, data in models.items():
        given = inputs_of(read(data, name), 3)
        for row, right in zip(built.run(name, given), reference(data).run_many(given), strict=True):
            for output, wanted in zip(row, right, strict=True):
                assert_same(output, wanted, name)


def test_networks_are_exact() -> None:
    assert sum(overlapping(planned(network(seed))) for seed in SEEDS) > 8
    assert_exact(passes=False)


def test_shorter_networks_are_exact() -> None:
    assert sum(overlapping(planned(network(seed), passes=True)) for seed in SEEDS) > 4
    assert_exact(passes=True)


def window(kernel: int, stride: int, channels: int) -> bytes:
    size = -(-12 // stride)
    tensors = [T((1, 12, 12, 4), 0.5, 0), constant(np.ones((channels, kernel, kernel, 4)), 0.1),
               T((1, size, size, channels), 0.5, 0)]  # fmt: skip
    options = {"padding": "SAME", "stride_h": stride, "stride_w": stride}
    return model(tensors, [Op("CONV_2D", [0, 1], [2], options, 3)], [0], [2])


def test_the_lead_is_what_the_rows_need() -> None:
    def lead(kernel: int, stride: int, channels: int, pad: int) -> int:
        graph = read(window(kernel, stride, channels), "x")
        return row_lead(NodeView(graph, graph.nodes[0]), stride, pad)

    assert lead(1, 1, 4, 0) == 48, "one row, of as many bytes"
    assert lead(3, 1, 4, 1) == 96, "one more row is still read"
    assert lead(1, 1, 8, 0) == 12 * 96 - 11 * 48, "outputs that grow need room below"
    assert lead(2, 2, 4, 0) == 24, "outputs that shrink fall behind"


def brute_force_lead(view: NodeView, stride: tuple[int, int], pad: tuple[int, int], kernel: int, pixels: int) -> int:
    """The same by marking bytes: the least distance at which no byte is read after it was written."""
    _, height, width, channels = view.given(0).shape
    _, rows, columns, outputs = view.output().shape
    count, lead, written, at = rows * columns, 0, 0, 0
    while at < count:
        start = min(at, max(0, count - pixels))
        for pixel in range(start, min(start + pixels, count)):
            y, x = pixel // columns * stride[0] - pad[0], pixel % columns * stride[1] - pad[1]
            taps = [(a, b) for a in range(y, y + kernel) for b in range(x, x + kernel)]
            inside = [(a * width + b) * channels for a, b in taps if 0 <= a < height and 0 <= b < width]
            lead = max(lead, written - min(inside)) if inside else lead
        written = min(start + pixels, count) * outputs
        at = start + pixels
    return lead


@pytest.mark.parametrize("pixels", [1, 2, 3, 144])
@pytest.mark.parametrize("channels", [2, 4, 9])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(1, 1, 0), (3, 1, 1), (2, 2, 0), (5, 1, 2), (3, 2, 0)])
def test_the_lead_of_groups_of_pixels(kernel: int, stride: int, pad: int, channels: int, pixels: int) -> None:
    graph = read(window(kernel, stride, channels), "x")
    view = NodeView(graph, graph.nodes[0])
    pixels = min(pixels, view.output().size // channels)
    found = pixel_lead(view, (stride, stride), (pad, pad), pixels)
    assert found == brute_force_lead(view, (stride, stride), (pad, pad), kernel, pixels)


def test_a_lead_saves_memory_and_the_bound_knows() -> None:
    made = planned(window(3, 1, 4))
    assert made.arena_bytes == made.lower_bound == 12 * 48 + 96
    kept = planned(window(3, 1, 4), keep_input=True)
    assert kept.arena_bytes == kept.lower_bound == 2 * 12 * 48
