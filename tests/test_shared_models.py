# SPDX-License-Identifier: Apache-2.0
"""Whole models as users have them: the C for this computer computes what the oracle does, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from exact import assert_same, samples
from host_c import program

from tinyq_deploy.data import load_data
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.quantize import quantize
from tinyq_deploy.read import read

MODELS = ("ic_resnet8", "vww_mobilenet96", "kws_ref_model", "ad_autoencoder", "sww_dscnn1d")
INPUTS = 100


def assert_exact(name: str, model: bytes, *, optimize: str = "speed", guards: bool, keep_input: bool = False,
                 count: int, bands: tuple[int, int] | None = None) -> None:  # fmt: skip
    given = samples(read(model, name), count - 4)
    built = program({name: model}, optimize=optimize, guards=guards, keep_input=keep_input, bands=bands)
    with open_oracle(model) as oracle:
        assert oracle.name.startswith("tflite-micro")
        expected = list(oracle.run_many(given))
    assert count < INPUTS or len({row[0] for row in expected}) > 1, "one output for all inputs: nothing is compared"
    for found, wanted in zip(built.run(name, given), expected, strict=True):
        for output, right in zip(found, wanted, strict=True):
            assert_same(output, right, name)


@pytest.fixture(params=MODELS)
def named(request: pytest.FixtureRequest, shared_model: Callable[[str], Path]) -> tuple[str, bytes]:
    return request.param, shared_model(f"{request.param}_int8.tflite").read_bytes()


def test_100_inputs_are_exact_and_the_guards_stay(named: tuple[str, bytes]) -> None:
    assert_exact(*named, guards=True, count=INPUTS)


def test_the_address_sanitizer_finds_nothing(named: tuple[str, bytes]) -> None:
    assert_exact(*named, guards=False, count=5)


@pytest.mark.parametrize("bands", [(1, 3), (3, 5)])
def test_layers_in_bands_of_rows_are_exact(named: tuple[str, bytes], bands: tuple[int, int]) -> None:
    assert_exact(*named, guards=True, count=8, bands=bands)


def test_the_digits_example_is_exact(digits: Path) -> None:
    if not (digits / "digits_float.tflite").exists():
        pytest.skip("the digits example is not there")
    representative = load_data(digits / "representative.npz")
    model = quantize(digits / "digits_float.tflite", representative).tflite
    assert_exact("digits", model, guards=True, count=INPUTS)
    assert_exact("digits", model, guards=False, count=20)


@pytest.mark.exhaustive
@pytest.mark.parametrize("keep_input", [False, True])
@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
def test_every_goal_is_exact(named: tuple[str, bytes], optimize: str, keep_input: bool) -> None:
    assert_exact(*named, optimize=optimize, keep_input=keep_input, guards=False, count=10)
