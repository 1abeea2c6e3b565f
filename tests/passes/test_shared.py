# SPDX-License-Identifier: Apache-2.0
"""The shared models with all passes: the C for this computer computes what the oracle does, on 200 inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from exact import Array, assert_same, samples
from host_c import program

from tinyq_deploy.graph import Graph
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.read import read

MODELS = ("ic_resnet8", "vww_mobilenet96", "kws_ref_model", "ad_autoencoder", "sww_dscnn1d")
INPUTS = 200


def blocks(graph: Graph, count: int) -> list[list[Array]]:
    """Flat patches of random size and value: outputs vary more than with noise."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(count):
        row = []
        for tensor in graph.input_tensors():
            size = int(rng.integers(2, 40))
            coarse = rng.integers(-128, 128, [-(-extent // size) for extent in tensor.shape])
            for axis in range(len(tensor.shape)):
                coarse = coarse.repeat(size, axis)
            row.append(coarse[tuple(slice(extent) for extent in tensor.shape)].astype(np.int8))
        found.append(row)
    return found


def assert_exact(name: str, data: bytes, *, passes: bool) -> None:
    graph = read(data, name)
    given = [*samples(graph, INPUTS // 2 - 3), *blocks(graph, INPUTS // 2)]
    built = program({name: data}, guards=True, passes=passes)
    with open_oracle(data) as oracle:
        assert oracle.name.startswith("tflite-micro")
        expected = list(oracle.run_many(given))
    assert len({row[0] for row in expected}) > 5, "too few different outputs"
    for found, wanted in zip(built.run(name, given), expected, strict=True):
        for output, right in zip(found, wanted, strict=True):
            assert_same(output, right, name)


@pytest.mark.parametrize("name", MODELS)
def test_200_inputs_are_exact_with_all_passes(name: str, shared_model: Callable[[str], Path]) -> None:
    assert_exact(name, shared_model(f"{name}_int8.tflite").read_bytes(), passes=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
def test_200_inputs_are_exact_without_any(name: str, shared_model: Callable[[str], Path]) -> None:
    assert_exact(name, shared_model(f"{name}_int8.tflite").read_bytes(), passes=False)
