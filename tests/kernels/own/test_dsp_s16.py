# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products of int16 on cores with the DSP extension equal the portable kernels byte for
byte."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import batch
import numpy as np
import pytest
from exact import assert_same, reference, samples
from own_exact import Machine, cases, check, own_calls
from wide_nets import NETS

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy import board
from tinyq_deploy.fixed_point import Multipliers, requantize_wide_array
from tinyq_deploy.graph import NodeView, Quantization, Tensor
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.dsp_s16 import channel_rows, in_pairs
from tinyq_deploy.read import read

COUNT = int(os.environ.get("TINYQ_TEST_NODES", "6")) * 4
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))
M4 = Machine("mps2-an386")
TARGET = Target("cortex-m4")


def widened(made: NodeView) -> NodeView:
    """The node on int16: zero points 0, scales of activations 256 times finer, biases of 64 bits."""

    def wide(tensor: Tensor) -> Tensor:
        if tensor.dtype == "int32":
            assert tensor.data is not None
            return replace(tensor, dtype="int64", data=tensor.data.astype(np.int64) * 256)
        if tensor.data is not None:
            return tensor
        assert tensor.quantization is not None
        return replace(tensor, dtype="int16", quantization=Quantization((tensor.scale / 256,), (0,)))

    filter_ = made.given(1).quantization
    assert filter_ is not None
    finest = made.given(0).scale * max(filter_.scale) / 64
    scale = max(made.output().scale, finest)  # the factor stays below what 64-bit sums allow
    inputs = [wide(tensor) for i in range(len(made.node.inputs)) if (tensor := made.input(i)) is not None]
    output = replace(made.output(), quantization=Quantization((scale,), (0,)))
    return nodes.view(made.node.op, inputs, wide(output), made.node.options)


def random_view(rng: np.random.Generator) -> NodeView:
    def pair(low: int, high: int) -> tuple[int, int]:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    kind = rng.random()
    channels, outputs = int(rng.choice([1, 2, 3, 4, 6, 8, 12, 16])), int(rng.choice([1, 2, 3, 4, 7, 8]))
    if kind < 0.2:
        return widened(
            nodes.fully_connected(rng, int(rng.integers(1, 6)), 7 * channels, outputs, bool(rng.integers(2)))
        )
    kernel = (1, 1) if rng.random() < 0.3 else pair(1, 5)
    dilation = pair(1, 4) if rng.random() < 0.2 else (1, 1)
    stride = (1, 1) if dilation != (1, 1) or rng.random() < 0.5 else pair(1, 4)
    padding = str(rng.choice(["SAME", "VALID"]))
    least = [(k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(int(rng.integers(n, n + 9)) for n in least)
    if kind < 0.6:
        return widened(nodes.conv_2d(rng, size, channels, outputs, kernel, stride, dilation, padding))
    return widened(nodes.depthwise_conv_2d(rng, size, channels, 1, kernel, stride, dilation, padding))


@pytest.mark.parametrize("optimize", ["-O3", "-Os"])
def test_bytes_equal(optimize: str, tmp_path: Path) -> None:
    """Random layers apart from the input and as near over it as `lead` allows."""
    rng = np.random.default_rng(SEED)
    found = cases([random_view(rng) for _ in range(COUNT * 2)], M4)
    assert len(found) > COUNT
    assert {case.view.node.op for case in found} == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    assert {dict(case.tested.params).get("direct") for case in found} == {0, 1, None}
    check(found, M4, tmp_path, optimize)


@pytest.mark.parametrize(
    ("name", "toolchain", "optimize"),
    [
        ("mps2-an386", "gcc", "speed"),
        ("mps2-an500", "zig", "speed"),
        ("mps2-an505", "gcc", "size"),
        ("mps3-an547", "gcc", "speed"),
        ("mps2-an385-m0plus", "gcc", "size"),
    ],
)
def test_whole_models_are_exact(name: str, toolchain: str, optimize: str, tmp_path: Path) -> None:
    """Of the kernels' own cores, and of those that have no kernel of their own for int16."""
    found = board.load(name)
    for model, data in NETS.items():
        folder, given = tmp_path / model, samples(read(data, model), 3)
        elf = batch.build(folder, data, found, Target(found.core, small=optimize == "size"), "own", toolchain, optimize)
        size = sum(tensor.bytes for tensor in read(data, model).output_tensors())
        expected = b"".join(b"".join(row) for row in reference(data).run_many(given))
        assert_same(batch.run(elf, found, given, size, 60), expected, f"{model} on {name}")
        own = "tinyq_own_dsp_conv_2d_s16" in (folder / "model" / "model.c").read_text()
        assert own == (found.core in ("cortex-m4", "cortex-m7", "cortex-m33") and model != "mixed")


def test_only_sums_that_32_bits_hold_are_taken() -> None:
    rng = np.random.default_rng(3)
    made = widened(nodes.conv_2d(rng, (3, 3), 4, 2, (1, 1)))
    filter_, factors = np.full((2, 100), 127), Multipliers(np.array([1 << 30] * 2), np.array([-8] * 2))
    assert channel_rows(made, filter_, factors) is not None
    assert channel_rows(made, np.full((2, 520), 127), factors) is None  # 520 * 127 * 32768 > 2^31


@pytest.mark.parametrize("shift", [-18, -17, -16, -9, -1, 0])
def test_one_rounded_high_word_is_what_64_bits_give(shift: int) -> None:
    rng = np.random.default_rng(abs(shift))
    made = widened(nodes.fully_connected(rng, 1, 4, 2, True))
    multiplier = np.array([(1 << 30) + 12345, 0x7FFFFFFF])
    rows = channel_rows(made, np.zeros((2, 1)), Multipliers(multiplier, np.array([shift, shift])))
    if not -17 <= shift <= -1:
        assert rows is None
        return
    assert rows is not None
    sums = np.concatenate([rng.integers(-(1 << 31), 1 << 31, 1000), [-(1 << 31), (1 << 31) - 1, 0, 1, -1]])
    for row, factor in zip(rows, multiplier, strict=True):
        found = (sums * int(row[1]) + (1 << 31)) >> 32
        assert (found == requantize_wide_array(sums, int(factor), shift)).all()


def test_weights_are_in_the_order_in_which_they_are_taken_apart() -> None:
    packed = in_pairs(np.arange(1, 16).reshape(3, 5))
    assert packed.shape == (2, 2, 2, 4)
    assert packed[0, 0].tolist() == [[1, 3, 2, 4], [6, 8, 7, 9]]
    assert packed[0, 1].tolist() == [[5, 0, 0, 0], [10, 0, 0, 0]]
    assert packed[1, 1].tolist() == [[15, 0, 0, 0], [0, 0, 0, 0]]


def test_cores_without_the_extension_and_32_bit_sums_have_none() -> None:
    rng = np.random.default_rng(4)
    made = widened(nodes.conv_2d(rng, (3, 3), 4, 2, (1, 1)))
    assert [own_calls(made, Target(core)) for core in ("cortex-m0plus", "cortex-m3", "cortex-m55")] == [[], [], []]
    narrow = replace(made, node=replace(made.node, inputs=made.node.inputs[:2], options={"quantized_bias_type": 2}))
    assert own_calls(narrow, TARGET) == []
