# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND become one dilated convolution that computes the same bytes.
LiteRT pads for the oracle: tflite-micro leaves unset what it pads with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model
from same import assert_same_bytes

from tinyq_deploy.check import check
from tinyq_deploy.ops.rules import window_output
from tinyq_deploy.passes.dilations import Dilations, DilationsReport
from tinyq_deploy.read import read

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Case:
    """`size` and `block` have one axis or two; `stated` is whether the file states the batches."""

    size: tuple[int, ...] = (6, 8)
    block: tuple[int, ...] = (2, 2)
    kernel: tuple[int, ...] = (3, 3)
    pads: Pairs = ((2, 2), (2, 2))
    crops: Pairs = ((0, 0), (0, 0))
    padding: str = "VALID"
    dilation: int = 1
    depthwise: bool = False
    last: bool = False
    stated: bool = True
    batch: int = 1

    def images(self) -> int:
        return math.prod(self.block)

    def inside(self) -> tuple[int, ...]:
        return tuple((n + sum(p)) // b for n, p, b in zip(self.size, self.pads, self.block, strict=True))

    def found(self) -> tuple[int, ...]:
        extents = [(k - 1) * self.dilation + 1 for k in self.kernel]
        return tuple(
            window_output(n, extent, 1, self.padding) for n, extent in zip(self.inside(), extents, strict=True)
        )

    def joined(self) -> tuple[int, ...]:
        return tuple(n * b - sum(c) for n, b, c in zip(self.found(), self.block, self.crops, strict=True))

    def sound(self) -> bool:
        whole = all((n + sum(p)) % b == 0 for n, p, b in zip(self.size, self.pads, self.block, strict=True))
        return whole and min(self.inside()) > 0 and min(self.found()) > 0 and min(self.joined()) > 0


def flat(case: Case, size: tuple[int, ...]) -> tuple[int, ...]:
    """Height and width of a convolution's tensor."""
    if len(size) == 2:
        return size
    return (size[0], 1) if case.last else (1, size[0])


def dilated(case: Case) -> bytes:
    """Two channels, and three behind CONV_2D."""
    rng = np.random.default_rng(3)
    many = case.batch * (case.images() if case.stated else 1)
    channels = 2 if case.depthwise else 3
    kernel = flat(case, case.kernel)
    weights = rng.integers(-127, 128, (1, *kernel, 2) if case.depthwise else (3, *kernel, 2))
    tensors = [
        T((case.batch, *case.size, 2), 0.5, 7), T((many, *case.inside(), 2), 0.5, 7),
        T((many, *flat(case, case.inside()), 2), 0.5, 7), T((many, *flat(case, case.found()), channels), 40.0, -3),
        T((many, *case.found(), channels), 40.0, -3), T((case.batch, *case.joined(), channels), 40.0, -3),
        constant(weights, 0.5), constant(case.block, dtype="int32"), constant(case.pads, dtype="int32"),
        constant(case.crops, dtype="int32"), constant([-1, *case.found(), channels], dtype="int32"),
        constant([-1, *flat(case, case.inside()), 2], dtype="int32"),
        constant(rng.integers(-900, 900, channels), 0.25, dtype="int32"),
    ]  # fmt: skip
    options = {"padding": case.padding, "stride_h": 1, "stride_w": 1}
    options |= {"dilation_h_factor": case.dilation, "dilation_w_factor": case.dilation}
    options |= {"depth_multiplier": 1} if case.depthwise else {}
    row = len(case.size) == 1
    conv = Op("DEPTHWISE_CONV_2D" if case.depthwise else "CONV_2D", [2 if row else 1, 6, 12], [3], options, 3)
    before, behind = Op("RESHAPE", [1, 11], [2]), Op("RESHAPE", [3, 10], [4])
    ops = [
        Op("SPACE_TO_BATCH_ND", [0, 7, 8], [1]), *([before] if row else []), conv, *([behind] if row else []),
        Op("BATCH_TO_SPACE_ND", [4 if row else 3, 7, 9], [5]),
    ]  # fmt: skip
    return model(tensors, ops, [0], [5])


def made(case: Case) -> bool:
    """Whether the pass made one convolution; the bytes are the oracle's either way."""
    graph, report = assert_same_bytes(dilated(case), Dilations(), "mixed")
    assert isinstance(report, DilationsReport)
    assert [node.op for node in graph.nodes].count("SPACE_TO_BATCH_ND") == (not report.made)
    return report.changed


SAME = Case()
ROW = Case((12,), (4,), (3,), ((8, 0),), ((0, 0),))
MADE = {
    "same": SAME,
    "valid": replace(SAME, pads=((0, 0), (0, 0))),
    "odd": replace(SAME, size=(5, 7), pads=((2, 3), (2, 3)), crops=((0, 1), (0, 1))),
    "depthwise": replace(SAME, depthwise=True),
    "blocks that differ": replace(SAME, size=(6, 9), block=(2, 3), pads=((2, 2), (3, 3))),
    "padding of its own": replace(SAME, pads=((0, 0), (0, 0)), padding="SAME"),
    "dilated twice": replace(SAME, pads=((4, 4), (4, 4)), dilation=2),
    "causal row": ROW,
    "causal column": replace(ROW, last=True),
    "cropped row": replace(ROW, size=(20,), block=(8,), kernel=(2,), pads=((4, 8),), crops=((0, 4),)),
    "several batches": replace(SAME, batch=2),
    "batches that the file does not state": replace(SAME, stated=False),
    "a row whose batches the file does not state": replace(ROW, stated=False),
}
STAYS = {
    "cut off in front": replace(SAME, pads=((0, 0), (0, 0)), crops=((1, 0), (0, 0))),
    "padded by more than the filter": replace(SAME, pads=((6, 2), (2, 2))),
}


@pytest.mark.parametrize("name", MADE)
def test_one_convolution_computes_the_same(name: str) -> None:
    assert made(MADE[name])


@pytest.mark.parametrize("name", STAYS)
def test_what_is_no_dilated_convolution_stays(name: str) -> None:
    assert not made(STAYS[name])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    axes = draw(st.integers(1, 2))
    several = st.integers(0, 4)
    case = Case(
        tuple(draw(st.integers(2, 9)) for _ in range(axes)), tuple(draw(st.integers(1, 3)) for _ in range(axes)),
        tuple(draw(st.integers(1, 3)) for _ in range(axes)), tuple((draw(several), 0) for _ in range(axes)),
        tuple((draw(st.sampled_from((0, 0, 1, 2))), draw(st.integers(0, 2))) for _ in range(axes)),
        draw(st.sampled_from(("VALID", "SAME"))), draw(st.sampled_from((1, 1, 2))), draw(st.booleans()),
        draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from((1, 1, 2))),
    )  # fmt: skip
    pads = tuple((front, (-n - front) % b) for n, (front, _), b in zip(case.size, case.pads, case.block, strict=True))
    return replace(case, pads=pads)


@QUICK
@given(cases().filter(Case.sound))
def test_any_such_triple_computes_the_same(case: Case) -> None:
    made(case)


def test_images_that_another_layer_reads_stay() -> None:
    data = dilated(SAME)
    graph = read(data, "x")
    more = replace(graph, outputs=(*graph.outputs, graph.nodes[0].outputs[0]))
    check(more)
    assert not Dilations().run(more)[1].changed
