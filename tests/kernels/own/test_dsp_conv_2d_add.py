# SPDX-License-Identifier: Apache-2.0
"""A convolution with the ADD behind it equals the oracle byte for byte, at all ends of the scales."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import batch
import numpy as np
import pytest
from models import Op, T, constant, model
from test_byte_exact import expected_bytes

from tinyq_deploy import board, deploy
from tinyq_deploy.audit import layer_infos
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import LoweredNode, lower
from tinyq_deploy.read import read

SEED = 5
M4 = Target("cortex-m4")
# Of the ADD: the other input's scale over the convolution's, the output's over the larger one of both. One has no
# affine form: its output is a hundred times finer than its inputs.
FINE = (0.37, 0.01)
RATIOS = [(1.0, 1.0), (1.0, 0.5), (1.0, 4.0), (1e-3, 1.0), (1e3, 0.7), FINE, (2.5, 90.0), (1.0, 2.0)]
# Size, channels, outputs, kernel, stride: direct and by tiles; pixels that are no multiple of three; odd channels.
SHAPES = [
    (4, 8, 8, 3, 1), (7, 4, 5, 3, 1), (16, 16, 16, 3, 1), (5, 6, 3, 1, 1), (9, 8, 16, 3, 2), (2, 12, 2, 1, 1),
    (1, 40, 7, 1, 1), (6, 32, 10, 3, 1),
]  # fmt: skip


def pairs(rng: np.random.Generator, swapped: bool) -> bytes:
    """A model of unconnected pairs: convolution k of input 2k, added to input 2k + 1 (or that to it)."""
    tensors: list[T] = []
    ops, inputs, outputs = [], [], []
    for (size, channels, count, kernel, stride), (ratio, scale) in zip(SHAPES, RATIOS, strict=True):
        first, extent = len(tensors), -(-size // stride)
        scales = [float(np.float32(10 ** rng.uniform(-3, -2))) for _ in range(count)]
        middle = float(np.float32(0.02 * np.sqrt(kernel * kernel * channels)))
        zeros = [int(z) for z in rng.choice([-128, 127, 0, -3], 4)]
        after = float(np.float32(max(middle, middle * ratio) * scale))
        tensors += [
            T((1, size, size, channels), 0.02, zeros[0]),
            T((1, extent, extent, count), float(np.float32(middle * ratio)), zeros[1]),
            constant(rng.integers(-127, 128, (count, kernel, kernel, channels)), scales),
            constant(rng.integers(-9999, 9999, count), [0.02 * s for s in scales], dtype="int32"),
            T((1, extent, extent, count), middle, zeros[2]),
            T((1, extent, extent, count), after, zeros[3]),
        ]
        activations = rng.choice(["NONE", "RELU", "RELU6"], 2)
        window = {"padding": "SAME", "stride_h": stride, "stride_w": stride}
        operands = [first + 1, first + 4] if swapped else [first + 4, first + 1]
        ops += [
            Op("CONV_2D", [first, first + 2, first + 3], [first + 4],
               {**window, "fused_activation_function": str(activations[0])}, version=3),
            Op("ADD", operands, [first + 5], {"fused_activation_function": str(activations[1])}, version=2),
        ]  # fmt: skip
        inputs += [first, first + 1]
        outputs.append(first + 5)
    return model(tensors, ops, inputs, outputs)


def lowered(data: bytes, target: Target = M4, kernels: str = "own") -> list[LoweredNode]:
    return list(lower(read(data, "pairs"), target, kernels))


def test_pairs_are_fused() -> None:
    found = lowered(pairs(np.random.default_rng(SEED), False))
    together = [[node.op for node in (*item.fused, item.node)] for item in found]
    wanted = [[["CONV_2D"], ["ADD"]] if ratio == FINE else [["CONV_2D", "ADD"]] for ratio in RATIOS]
    assert together == [ops for pair in wanted for ops in pair]
    found = [item for item in found if item.fused]
    functions = {item.candidates[0].function for item in found}
    assert functions == {"tinyq_own_dsp_conv_2d_add", "tinyq_own_dsp_conv_2d_3x3_add"}
    for item in found:
        (other,) = item.candidates[0].in_place
        assert other in item.node.inputs
        assert item.fused[0].outputs[0] not in {getattr(a, "tensor", None) for a in item.candidates[0].arguments}


def test_small_builds_and_other_kernels_do_not_fuse() -> None:
    data = pairs(np.random.default_rng(SEED), False)
    for target, kernels in ((Target("cortex-m4", small=True), "own"), (M4, "portable"), (Target("cortex-m3"), "own")):
        assert not any(item.fused for item in lowered(data, target, kernels))


def check_pairs(swapped: bool, toolchain: str, seed: int, folder: Path) -> None:
    if shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("qemu-system-arm or arm-none-eabi-gcc is not installed")
    rng = np.random.default_rng(seed)
    data, machine = pairs(rng, swapped), board.load("mps2-an386")
    shapes = [tensor.shape for tensor in read(data, "pairs").input_tensors()]
    samples = [tuple(rng.integers(-128, 128, shape, np.int8) for shape in shapes) for _ in range(20)]
    samples += [tuple(np.full(shape, value, np.int8) for shape in shapes) for value in (-128, 127)]
    elf = batch.build(folder, data, machine, M4, "own", toolchain, "speed")
    expected = expected_bytes(data, samples)
    assert batch.run(elf, machine, samples, len(expected) // len(samples), 300) == expected


@pytest.mark.parametrize("swapped", [False, True])
def test_bytes_equal_the_oracle(swapped: bool, tmp_path: Path) -> None:
    check_pairs(swapped, "gcc", SEED, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
@pytest.mark.parametrize("seed", range(6))
def test_many_bytes_equal_the_oracle(seed: int, toolchain: str, tmp_path: Path) -> None:
    check_pairs(seed % 2 == 1, toolchain, 100 + seed, tmp_path)


def test_project_names_both(tmp_path: Path) -> None:
    """Comment, function, manifest and audit; with --keep-layers each node has its own."""
    path = tmp_path / "pairs.tflite"
    path.write_bytes(pairs(np.random.default_rng(SEED), False))
    request = deploy.BuildRequest(path, board.load("mps2-an386"), kernels="own", out=tmp_path / "out", export=True)
    built = deploy.build(request)
    layers = built.manifest.layers
    fused = [entry for entry in layers if entry.op == "CONV_2D + ADD"]
    assert len(fused) == len(SHAPES) - 1
    source = (built.folder / "model" / "model.c").read_text(encoding="utf-8")
    for entry in fused:
        assert entry.symbol == f"layer_{entry.index:02d}_conv_2d_add"
        assert f"Layer {entry.index}: CONV_2D + ADD" in source
        assert f"LAYER {entry.symbol}(void)" in source
        assert entry.macs > 0
    assert [info.symbol for info in layer_infos(built.plan, "own")] == [entry.symbol for entry in layers]
    apart = deploy.build(dataclasses.replace(request, keep_layers=True, out=tmp_path / "apart"))
    assert [entry.op for entry in apart.manifest.layers] == ["CONV_2D", "ADD"] * len(SHAPES)
