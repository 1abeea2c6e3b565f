# SPDX-License-Identifier: Apache-2.0
"""Architectures that users bring, from Keras through `quantize` to C: byte-exact, and their outputs vary."""

from __future__ import annotations

from pathlib import Path

import host_c
import numpy as np
import pytest

from tinyq_deploy.dataset import Dataset
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.quantize import quantize
from tinyq_deploy.quantizers import Precision
from tinyq_deploy.read import read
from tinyq_deploy.recipe import Recipe

pytestmark = pytest.mark.exhaustive
pytest.importorskip("tensorflow", reason="tensorflow is not installed", exc_type=ImportError)
zoo = pytest.importorskip("zoo")

SAMPLES = 6


def equal(data: bytes, x: np.ndarray) -> None:
    """The generated C computes the oracle's bytes for every sample, and they are not all the same."""
    (tensor,) = read(data, "net").input_tensors()
    limits = np.iinfo(tensor.dtype)
    steps = np.clip(np.round(x / tensor.scale) + tensor.zero_point, limits.min, limits.max).astype(tensor.dtype)
    given = [[sample[None]] for sample in steps]
    with open_oracle(data) as oracle:
        assert oracle.name.startswith("tflite-micro")
        expected = list(oracle.run_many(given))
    assert len({b"".join(row) for row in expected}) == len(given)
    assert host_c.program({"net": data}, passes=True).run("net", given) == expected


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("name", zoo.MODELS)
def test_keras_to_c(name: str, precision: Precision, tmp_path: Path) -> None:
    """By TensorFlow's converter from the Keras file, and by the light path from the float .tflite of the former."""
    keras_model = zoo.build(name)
    path, flat = tmp_path / f"{name}.keras", tmp_path / f"{name}.tflite"
    keras_model.save(path)
    x = zoo.data(keras_model, 60)
    made = quantize(path, Dataset((x,)), recipe=Recipe(precision=precision), trust_model=True)
    equal(made.tflite, x[:SAMPLES])
    assert made.float_tflite is not None
    flat.write_bytes(made.float_tflite)
    equal(quantize(flat, Dataset((x,)), recipe=Recipe(precision=precision)).tflite, x[:SAMPLES])
