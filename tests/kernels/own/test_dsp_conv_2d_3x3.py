# SPDX-License-Identifier: Apache-2.0
"""3x3 convolutions by tiles on cores with the DSP extension equal the portable kernel byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from own_exact import Case, cases, check
from test_dsp_conv_2d import M4, FreeFramePointer, layer

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own import dsp_conv_2d_3x3 as own
from tinyq_deploy.kernels.own import requantize
from tinyq_deploy.kernels.own.room import room
from tinyq_deploy.kernels.portable.conv_2d import PortableConv2D
from tinyq_deploy.ops.conv_2d import Conv2D, Conv2DParams

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 2
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))


def random_view(rng: np.random.Generator) -> NodeView:
    """Odd and even sizes, both paddings, 4 to 132 channels."""
    padding = str(rng.choice(["SAME", "VALID"]))
    size = int(rng.integers(3, 12)), int(rng.integers(3, 12))
    channels, outputs = 4 * int(rng.integers(1, 34)), int(rng.integers(1, 10))
    if rng.random() < 0.5:
        return nodes.conv_2d(rng, size, channels, outputs, (3, 3), padding=padding)
    activation = str(rng.choice(["RELU6", "RELU", "NONE"]))
    return layer(rng, size, channels, outputs, (3, 3), padding=padding, activation=activation,
                 reach=int(rng.choice([0, 0, 1 << 24, (1 << 31) - 1])), least=-128)  # fmt: skip


def random_case(rng: np.random.Generator, view: NodeView) -> Case:
    """The layer with weights transformed by either side, in one strip or several."""
    target, p = Target("cortex-m4"), Conv2D.params(view)
    quads = p.input_channels // 4
    chunk = int(rng.choice([n for n in range(1, 9) if quads % n == 0]))
    groups = int(rng.integers(1, 8))
    tiling = own.Tiling(chunk, quads // chunk, groups, 0, bool(rng.random() < 0.5))
    expected = PortableConv2D().call(view, target)
    assert expected is not None
    return Case(view, expected, own.tiles_call(view, p, tiling))


def random_cases(seed: int, count: int) -> list[Case]:
    """Random layers, and every kind of requantisation."""
    rng = np.random.default_rng(seed)
    views = [
        layer(rng, (5, 6), 8, 4, (3, 3), activation="NONE"),
        layer(rng, (5, 6), 20, 4, (3, 3), activation="NONE", scale=1e-5),
        layer(rng, (4, 4), 8, 3, (3, 3), reach=(1 << 31) - 1),
    ]
    return [random_case(rng, view) for view in (*views, *(random_view(rng) for _ in range(count)))]


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_convolutions_equal(optimize: str, tmp_path: Path) -> None:
    found = random_cases(SEED, COUNT)
    params = [dict(case.tested.params) for case in found]
    assert {p["transform"] for p in params} == {0, 1}
    assert {p["requantization"] for p in params} >= {requantize.GENERIC, requantize.SIGNED, requantize.RISING}
    assert min(p["chunks"] for p in params) == 1 < max(p["chunks"] for p in params)
    check(found, M4, tmp_path, optimize)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_many_convolutions_equal(seed: int, compiler: str, tmp_path: Path) -> None:
    machine = FreeFramePointer("mps2-an386", compiler)
    check(random_cases(100 + seed, 30), machine, tmp_path, ["-O3", "-Os", "-O2"][seed % 3], seed)


def test_largest_sums(tmp_path: Path) -> None:
    """All weights -128 and all inputs at either end, in the chosen tiling."""
    rng = np.random.default_rng(SEED)
    view = layer(rng, (16, 18), 16, 4, (3, 3), least=126)
    view.given(1).data[...] = rng.choice([-128, 127], view.given(1).shape)
    found = [case for case in cases([view], M4) if "3x3" in str(case.tested.function)]
    assert len(found) == 1
    check(found, M4, tmp_path, "-O2")


def geometry(size: int, channels: int, outputs: int) -> Conv2DParams:
    return Conv2D.params(layer(np.random.default_rng(SEED), (size, size), channels, outputs, (3, 3)))


def test_tiling_keeps_to_its_memory() -> None:
    """More memory, fewer strips; where even one strip is too much, or many strips are too slow, no tiling."""
    p = geometry(16, 32, 32)
    assert own.choose_tiling(p, 2048) is None
    found = [own.choose_tiling(p, most) for most in (12_000, 30_000, 100_000)]
    tilings = [tiling for tiling in found if tiling is not None]
    assert [t.transform for t in tilings] == [True] * 3
    assert tilings[0].strips > tilings[1].strips > tilings[2].strips == 1
    for tiling, most in zip(tilings, (12_000, 30_000, 100_000), strict=True):
        assert tiling.scratch_bytes <= most
        assert tiling.groups * tiling.strips >= 22


def test_few_weights_are_transformed_beforehand() -> None:
    found = own.choose_tiling(geometry(32, 16, 16), own.LEAST_ROOM)
    assert found is not None
    assert not found.transform
    assert found.groups == 1


def test_takes_only_what_it_computes() -> None:
    rng = np.random.default_rng(SEED)
    kernel, m4 = own.OwnDspConv2D3x3(), Target("cortex-m4")
    taken = layer(rng, (32, 32), 16, 16, (3, 3))
    assert kernel.call(taken, m4) is not None
    assert kernel.call(taken, Target("cortex-m3")) is None
    assert kernel.call(taken, Target("cortex-m55")) is None
    assert kernel.call(taken, Target("cortex-m4", small=True)) is None
    others = [
        layer(rng, (32, 32), 16, 16, (3, 3), (2, 2)),
        layer(rng, (32, 32), 16, 16, (3, 2)),
        layer(rng, (32, 32), 16, 16, (3, 3), dilation=(2, 2)),
        layer(rng, (32, 32), 15, 16, (3, 3)),
        layer(rng, (3, 3), 16, 16, (3, 3)),
    ]
    assert [kernel.call(view, m4) for view in others] == [None] * len(others)


def test_room_is_what_the_peak_leaves() -> None:
    """A chain 100 -> 400 -> 200 -> 200 bytes: 400 at the second tensor, where outputs lie over their inputs."""
    tensors = tuple(nodes.activation(i, (1, size), 1.0, 0) for i, size in enumerate((100, 400, 200, 200)))
    chain = tuple(Node(i, "X", 1, (i,), (i + 1,)) for i in range(3))
    graph = Graph("test", "", tensors, chain, (0,), (3,))
    assert [room(graph, node) for node in chain] == [0, 0, 200]
    branch = Graph("test", "", tensors, (*chain, Node(3, "X", 1, (1, 3), (3,))), (0,), (3,))
    assert [room(branch, node) for node in chain] == [200, 0, 0]
