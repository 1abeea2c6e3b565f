# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and FULLY_CONNECTED for cores without DSP extension equal the portable kernels byte for byte: the assembly in
QEMU, and the C beside it on the host under the sanitizers."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from own_exact import Machine, cases, check
from test_dsp_conv_2d import fully_connected, layer, random_view

import harness  # isort: skip  (own_exact adds its folder)
import nodes  # isort: skip

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own import plain_dot, requantize
from tinyq_deploy.kernels.own.plain_conv_2d import OwnPlainConv2D
from tinyq_deploy.kernels.own.plain_fully_connected import OwnPlainFullyConnected

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 3
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
CORES = (Machine("mps2-an385"), Machine("mps2-an385-m0plus"))
M3 = CORES[0]
MACHINES = pytest.mark.parametrize("machine", [*CORES, Machine("host")], ids=lambda m: m.board)


class Ends:
    """Inputs that are all at one end of int8."""

    def __init__(self, value: int) -> None:
        self.value = value

    def integers(self, low: int, high: int, size: int) -> npt.NDArray[np.int64]:
        return np.full(size, min(max(self.value, low), high - 1))


def forms(rng: np.random.Generator) -> list[NodeView]:
    """Every kind of requantisation, output pixels that do and do not fill the last step, accumulators that wrap."""
    return [
        layer(rng, (8, 8), 3, 5, (3, 3)),
        layer(rng, (3, 3), 31, 4, (1, 1)),
        layer(rng, (5, 6), 8, 4, (1, 1), activation="NONE"),
        layer(rng, (5, 7), 20, 4, (3, 2), activation="NONE", scale=1e-5),
        layer(rng, (5, 6), 20, 4, (3, 2), least=-128),
        layer(rng, (4, 5), 6, 3, (3, 3), (1, 1), (2, 2), reach=(1 << 31) - 1),
        layer(rng, (1, 1), 40, 5, (1, 1)),
    ]


def saturated(weight: int) -> NodeView:
    """All weights alike, so that with inputs at one end every chunk reaches its bound."""
    view = layer(np.random.default_rng(SEED), (3, 3), 37, 3, (2, 2), padding="VALID")
    data = view.given(1).data
    assert data is not None
    data[:] = weight
    return view


@MACHINES
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_convolutions_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    views = [*forms(rng), *(random_view(rng) for _ in range(5 if machine.is_host else COUNT))]
    found = cases(views, M3)
    assert len(found) == len(views)
    kinds = {dict(case.tested.params)["requantization"] for case in found}
    assert kinds >= {requantize.GENERIC, requantize.SIGNED, requantize.RISING}
    check(found, machine, tmp_path, optimize)


@MACHINES
@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_matrix_products_equal(machine: Machine, optimize: str, tmp_path: Path) -> None:
    """Rows one at a time and eight at a time, both kinds of scales."""
    rng = np.random.default_rng(SEED)
    found = cases([fully_connected(rng) for _ in range(8 if machine.is_host else COUNT)], M3)
    assert {case.tested.function for case in found} == {"tinyq_own_plain_fully_connected", "tinyq_own_plain_conv_2d"}
    check(found, machine, tmp_path, optimize)


@MACHINES
@pytest.mark.parametrize("value", [-128, 127])
def test_the_largest_sums_equal(machine: Machine, value: int, tmp_path: Path) -> None:
    found = cases([saturated(weight) for weight in (-128, -127, 127, 1)], M3)
    source = harness.program(found, Ends(value))  # type: ignore[arg-type]
    assert harness.build_and_run(source, [], tmp_path, machine).endswith("all equal\n")


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("board", [machine.board for machine in CORES])
def test_many_equal(board: str, compiler: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(200 + seed)
    machine = Machine(board, compiler)
    views = [*forms(rng), *(random_view(rng) for _ in range(25)), *(fully_connected(rng) for _ in range(10))]
    check(cases(views, machine), machine, tmp_path, ["-O3", "-Os", "-O2"][seed % 3], seed)


@pytest.mark.parametrize("weight", [-128, -127, 0, 1, 127, None])
def test_no_chunk_leaves_int16(weight: int | None) -> None:
    """The pieces are the filter, and their sums fit for inputs that are largest for each weight; one tap more would not
    fit, or not into the code."""
    rng = np.random.default_rng(SEED)
    filter_ = rng.integers(-128, 128, 200).astype(np.int8) if weight is None else np.full(200, weight, np.int8)
    pieces = list(plain_dot.chunks(filter_))
    assert np.array_equal(np.concatenate(pieces), filter_)
    ends = [_ends(piece) for piece in pieces]
    assert min(low for low, _ in ends) >= -(1 << 15)
    assert max(high for _, high in ends) < 1 << 15
    for piece, following in pairwise(pieces):
        low, high = _ends(np.append(piece, following[0]))
        assert len(piece) == 18 or low < -(1 << 15) or high >= 1 << 15


def _ends(weights: npt.NDArray[np.int8]) -> tuple[int, int]:
    products = weights.astype(int)[:, None] * np.array([-128, 127])
    return int(products.min(axis=1).sum()), int(products.max(axis=1).sum())


def test_high_word_from_halves(tmp_path: Path) -> None:
    """Against 64-bit products, at the ends of every half and at random."""
    ends = [0, 1, 2, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFEFFFF, 0x7FFF0000, 0x7FFFFFFF]
    rng = np.random.default_rng(SEED)
    second = [*ends, *rng.integers(0, 1 << 31, 200).tolist()]
    first = [*second, *(-v - 1 for v in second)]
    source = f"""#include <stdio.h>
#include "own/tinyq_own_requantize.h"
static const int32_t first[] = {{{", ".join(map(harness._literal, first))}}};
static const int32_t second[] = {{{", ".join(map(str, second))}}};
int main(void)
{{
    for (int i = 0; i < {len(first)}; ++i) {{
        for (int j = 0; j < {len(second)}; ++j) {{
            const int64_t product = (int64_t)first[i] * second[j];
            if (tinyq_multiply_high_by_halves(first[i], second[j], 0) != (int32_t)(product >> 32) ||
                tinyq_multiply_high_by_halves(first[i], second[j], 32768) !=
                    (int32_t)((product + ((int64_t)1 << 31)) >> 32)) {{
                return 1;
            }}
        }}
    }}
    return 0;
}}
"""
    harness.build_and_run(source, [], tmp_path, Machine("host"))


def test_other_cores_and_groups_fall_through() -> None:
    rng = np.random.default_rng(SEED)
    view, grouped = nodes.conv_2d(rng, (4, 4), 4, 4, (3, 3)), nodes.conv_2d(rng, (4, 4), 4, 4, (3, 3), groups=2)
    kernel = OwnPlainConv2D()
    assert kernel.call(view, Target("cortex-m3")) is not None
    assert kernel.call(grouped, Target("cortex-m3")) is None
    for core in ("host", "cortex-m4", "cortex-m55"):
        assert kernel.call(view, Target(core)) is None  # type: ignore[arg-type]
        assert OwnPlainFullyConnected().call(fully_connected(rng), Target(core)) is None  # type: ignore[arg-type]
