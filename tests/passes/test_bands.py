# SPDX-License-Identifier: Apache-2.0
"""Layers in bands of rows: every row computed once from the rows it needs, outputs like the oracle's."""

from __future__ import annotations

import re

import pytest
from banded import banded
from exact import assert_same, reference, samples
from host_c import TARGET, planned, program, rendered
from models import T, constant
from random_nets import Net
from test_plan import assert_sound

from tinyq_deploy.bands import Banding
from tinyq_deploy.chain import Run
from tinyq_deploy.errors import FitError
from tinyq_deploy.graph import Graph
from tinyq_deploy.lower import lower
from tinyq_deploy.ops.rules import window_output
from tinyq_deploy.plan import Plan, plan
from tinyq_deploy.read import read

SEEDS = range(24)
BANDS = [(1, 2), (2, 5), (3, 3), (4, 4)]


class Tall(Net):
    """Layers that keep four columns, so that rows are whole words; heights, windows, strides and padding vary."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.tensors = [self._tensor((1, int(self.rng.integers(9, 20)), 4, self.pick(1, 3, 4)))]

    def row_layer(self) -> None:
        """A convolution of either kind or a pool."""
        _, height, width, channels = self.tensors[self.at].shape
        op = self.pick("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")
        kernel, dilation = (self.pick(1, 1, 2, 3, 3, 5), self.pick(1, 3)), self.pick(1, 1, 1, 2)
        stride = 1 if dilation > 1 else self.pick(1, 1, 2, 3)
        dilation = 1 if op.endswith("POOL_2D") else dilation
        padding = self.pick("SAME", "SAME", "VALID") if kernel[1] == 1 else "SAME"
        rows = window_output(height, (kernel[0] - 1) * dilation + 1, stride, padding)
        if rows < 2:
            return
        options = {"padding": padding, "stride_h": stride, "stride_w": 1}
        if op.endswith("POOL_2D"):
            source = self.tensors[self.at]
            options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
            self.layer(op, [self.at], T((1, rows, width, channels), source.scale, source.zero_point), options, 2)
            return
        options |= {"dilation_h_factor": dilation, "dilation_w_factor": 1}
        if op == "CONV_2D":
            outputs = int(self.rng.integers(1, 7))
            weights = self._weights((outputs, *kernel, channels), 0, 3)
            self._linear(op, weights, 0, (1, rows, width, outputs), options)
        else:
            weights = self._weights((1, *kernel, channels), 3, None)
            self._linear(op, weights, 3, (1, rows, width, channels), {**options, "depth_multiplier": 1})


def tall(seed: int) -> bytes:
    net = Tall(seed)
    for _ in range(int(net.rng.integers(2, 7))):
        net.row_layer()
    if len(net.ops) < 2 or net.rng.random() < 0.3:
        net.add()
    return net.bytes()


def padded(seed: int) -> bytes:
    """Convolutions behind PADs, which go into the windows: as many rows as fit, one column on each side."""
    net = Tall(seed)
    for _ in range(3):
        source, height, stride = net.tensors[net.at], int(net.pick(2, 3, 5)), int(net.pick(1, 1, 2))
        rows = (int(net.rng.integers(height)), int(net.rng.integers(height)))
        taller = (1, source.shape[1] + sum(rows), source.shape[2] + 2, source.shape[3])
        margins = net.put(constant([(0, 0), rows, (1, 1), (0, 0)], dtype="int32"))
        net.layer("PAD", [net.at, margins], T(taller, source.scale, source.zero_point), {})
        shape = (1, window_output(taller[1], height, stride, "VALID"), source.shape[2], 4)
        weights = net._weights((4, height, 3, source.shape[3]), 0, None)
        net._linear("CONV_2D", weights, 0, shape, {"padding": "VALID", "stride_h": stride, "stride_w": 1})
    return net.bytes()


@pytest.mark.parametrize("bands", BANDS)
def test_windows_with_padding_of_their_own_run_in_bands(bands: tuple[int, int]) -> None:
    models = {f"net{seed}": padded(seed) for seed in SEEDS}
    plans = [planned(data, passes=True, bands=bands) for data in models.values()]
    chains = [layer.chain for made in plans for layer in made.layers if layer.chain]
    assert any(node.options.get("pad_bottom") for chain in chains for node in chain.nodes)
    built = program(models, passes=True, bands=bands)
    for name, data in models.items():
        given = samples(read(data, name), 2)
        for row, right in zip(built.run(name, given), reference(data).run_many(given), strict=True):
            for output, wanted in zip(row, right, strict=True):
                assert_same(output, wanted, f"{name} in bands {bands}")


@pytest.mark.parametrize("bands", BANDS)
def test_every_row_is_computed_once_from_the_rows_it_needs(bands: tuple[int, int]) -> None:
    plans = [planned(tall(seed), bands=bands) for seed in SEEDS]
    chains = [layer.chain for made in plans for layer in made.layers if layer.chain]
    assert len(chains) > len(SEEDS) // 2
    assert bands[1] == 2 or max(len(chain.nodes) for chain in chains) > 2
    assert any(chain.moved_bytes for chain in chains)
    for made in plans:
        assert_sound(made)


@pytest.mark.parametrize("keep_input", [False, True])
def test_own_kernels_in_bands_hold_too(keep_input: bool) -> None:
    for seed in SEEDS:
        graph = read(tall(seed), "tall")
        for core in ("cortex-m4", "cortex-m55", "cortex-m0plus"):
            made = least(graph, core, keep_input=keep_input)
            assert_sound(made, keep_input=keep_input)
            assert made.arena_bytes <= plan(graph, lower(graph, target(core), "own"), keep_input=keep_input).arena_bytes


def target(core: str):  # type: ignore[no-untyped-def]
    return type(TARGET)(core)  # type: ignore[arg-type]


def least(graph: Graph, core: str = "host", kernels: str = "own", *, keep_input: bool = False) -> Plan:
    """The plan with the smallest arena that --ram finds."""
    lowered, banding = lower(graph, target(core), kernels), Banding(graph, target(core), kernels)
    with pytest.raises(FitError) as caught:
        plan(graph, lowered, keep_input=keep_input, banding=banding, ram=1)
    found = re.search(r"give --ram (\d+)", str(caught.value))
    assert found is not None
    made = plan(graph, lowered, keep_input=keep_input, banding=banding, ram=int(found[1]))
    assert made.arena_bytes <= int(found[1])
    assert made.ram == int(found[1])
    return made


@pytest.mark.parametrize(("guards", "optimize"), [(False, "speed"), (True, "speed"), (True, "size")])
@pytest.mark.parametrize("bands", BANDS)
def test_outputs_are_exact(bands: tuple[int, int], guards: bool, optimize: str) -> None:
    models = {f"net{seed}": tall(seed) for seed in SEEDS}
    built = program(models, guards=guards, bands=bands, optimize=optimize)
    for name, data in models.items():
        given = samples(read(data, name), 2)
        for row, right in zip(built.run(name, given), reference(data).run_many(given), strict=True):
            for output, wanted in zip(row, right, strict=True):
                assert_same(output, wanted, f"{name} in bands {bands}")


@pytest.mark.parametrize("small", [False, True])
def test_alike_bands_share_functions(small: bool) -> None:
    target = type(TARGET)("host", small=small)
    plans = [banded(read(tall(seed), "tall"), target, "portable", rows=1, nodes=2) for seed in SEEDS]
    chains = [layer.chain for made in plans for layer in made.layers if layer.chain]
    for chain in chains:
        assert len({part.symbol for part in chain.parts}) == len(chain.parts)
        assert not small or len(chain.parts) == len(chain.nodes), "one function a layer"
        for part in chain.parts:
            assert {"input_height", "output_height", "pad_top"} >= set(part.varying)
            calls = {step.numbers for band in chain.bands for step in band.steps
                     if isinstance(step, Run) and step.part is part}  # fmt: skip
            assert all(len(numbers) == len(part.arguments) for numbers in calls)
            assert len(calls) > 1 or not part.arguments
    assert any(chain.calls > 2 * len(chain.parts) for chain in chains)
    assert any(part.arguments for chain in chains for part in chain.parts) == small


def test_the_c_says_what_runs_in_bands() -> None:
    seed = next(seed for seed in SEEDS if any(layer.chain for layer in planned(tall(seed), bands=(2, 3)).layers))
    project = rendered(tall(seed), bands=(2, 3))
    text, readme = project.files["model/model.c"].decode(), project.files["README.md"].decode()
    (name,) = set(re.findall(r"LAYER (layers_\d+_to_\d+)\(void\)", text)[:1])
    first, last = (int(number) for number in re.findall(r"\d+", name))
    assert f"Layers {first} to {last} in" in text
    assert "/* Rows 0 to 1. */" in text
    assert f"    {name}();" in text
    assert f"layers {first} to {last} in" in readme
    assert "bytes moved, no MACs computed twice" in readme
    entry = next(entry for entry in project.manifest.layers if entry.symbol == name)
    assert entry.index == first
    assert entry.op.count(" + ") == last - first
    assert project.manifest.savings
