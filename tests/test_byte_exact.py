# SPDX-License-Identifier: Apache-2.0
"""Byte for byte against the oracle: shared models and digits, every kernel set, toolchain and virtual board."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import batch
import numpy as np
import pytest

from tinyq_deploy import assets, board, deploy
from tinyq_deploy.data import load_data
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.cmsis_nn import library
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.quantize import quantize
from tinyq_deploy.read import read

SHARED = ("ad_autoencoder", "ic_resnet8", "kws_ref_model", "sww_dscnn1d", "vww_mobilenet96")
MODELS = [*SHARED, "digits"]
QEMU_BOARDS = ["mps2-an385", "mps2-an385-m0plus", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"]
INPUTS = 100

needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
needs_unicorn = pytest.mark.skipif(find_spec("unicorn") is None, reason="unicorn is not installed")


def model_bytes(name: str) -> bytes:
    """An int8 model by its short name; skips where the shared models are absent."""
    if name == "digits":
        folder = assets.folder("examples") / "digits"
        return quantize(folder / "digits_float.tflite", load_data(folder / "representative.npz")).tflite
    place = Path(os.environ.get("TINYQ_MODELS") or Path(__file__).resolve().parents[2] / "shared" / "models")
    path = place / f"{name}_int8.tflite"
    if not path.is_file():
        pytest.skip(f"the shared models are not here (TINYQ_MODELS or ../shared/models): no {path.name}")
    return path.read_bytes()


def real_inputs(name: str) -> np.ndarray | None:
    """Real data where there is any, [N, ...] before quantisation."""
    if name == "digits":
        return load_data(assets.folder("examples") / "digits" / "test.npz").inputs[0][:40]
    if name == "sww_dscnn1d":
        place = Path(os.environ.get("TINYQ_MODELS") or Path(__file__).resolve().parents[2] / "shared" / "models")
        return np.load(place / "sww_labelled_spectra.npz")["specs"]
    return None


def samples(name: str, model: bytes, count: int) -> list[tuple[np.ndarray, ...]]:
    """Zeros, both extremes, the zero point, real data, then random bytes; each the model's own input."""
    from tinyq_deploy.data import to_model_input

    (tensor,) = read(model, name).input_tensors()
    rng = np.random.default_rng(20261123)
    found = [np.full(tensor.shape, value, np.int8) for value in (0, -128, 127, tensor.zero_point)]
    real = real_inputs(name)
    if real is not None:
        found += list(to_model_input(real.astype(np.float32), tensor).reshape(-1, *tensor.shape))
    while len(found) < count:
        found.append(rng.integers(-128, 128, tensor.shape, np.int8))
    return [(array,) for array in found[:count]]


def target_for(core: str, kernels: str) -> Target:
    """The target; skips where CMSIS-NN is asked for and absent."""
    found = library.find(None, os.environ)
    if kernels == "cmsis-nn" and found is None:
        pytest.skip("CMSIS-NN is not installed (extra cmsis-nn)")
    return Target(core, found)  # type: ignore[arg-type]


def expected_bytes(model: bytes, inputs: list[tuple[np.ndarray, ...]]) -> bytes:
    """What the oracle says, one output after the other."""
    with open_oracle(model) as oracle:
        return b"".join(b"".join(outputs) for outputs in oracle.run_many(inputs))


def check_qemu(name: str, board_name: str, kernels: str, toolchain: str, count: int, folder: Path,
               bands: tuple[int, int] | None = None) -> None:  # fmt: skip
    """Builds, runs `count` inputs on a QEMU board, compares every byte; exact values vary between the inputs."""
    model, target_board = model_bytes(name), board.load(board_name)
    inputs = samples(name, model, count)
    target = target_for(target_board.core, kernels)
    elf = batch.build(folder, model, target_board, target, kernels, toolchain, "speed", bands=bands)
    expected = expected_bytes(model, inputs)
    got = batch.run(elf, target_board, inputs, len(expected) // len(inputs), seconds=600)
    assert got == expected
    assert len({expected[i : i + 1] for i in range(len(expected))}) > 1, "outputs vary"


def check_virtual(name: str, board_name: str, kernels: str, toolchain: str, count: int, folder: Path) -> None:
    """The same over the link of a virtual board, unicorn or the host."""
    model = model_bytes(name)
    path, data = folder / f"{name}.tflite", folder / "data.npz"
    path.write_bytes(model)
    inputs = samples(name, model, count)
    np.savez(data, x=np.concatenate([sample[0] for sample in inputs]))
    target_board = board.load(board_name)
    target_for(target_board.core, kernels)
    request = deploy.BuildRequest(path, target_board, kernels=kernels, toolchain=toolchain, out=folder / "project")
    built = deploy.build(request)
    result = deploy.bench(deploy.BenchRequest(built.folder, target_board, str(data), virtual=True))
    assert result.virtual
    assert (result.measurement.exact, result.measurement.total) == (count, count)


@needs_qemu
@pytest.mark.parametrize(
    ("name", "board_name", "kernels"),
    [
        ("digits", "mps2-an386", "cmsis-nn"),
        ("kws_ref_model", "mps2-an386", "cmsis-nn"),
        ("kws_ref_model", "mps2-an385-m0plus", "portable"),
        ("sww_dscnn1d", "mps2-an505", "cmsis-nn"),
        ("ad_autoencoder", "mps2-an500", "cmsis-nn"),
        ("digits", "mps3-an547", "cmsis-nn"),
        ("ic_resnet8", "mps3-an547", "cmsis-nn"),
        ("ic_resnet8", "mps2-an385", "portable"),
        ("vww_mobilenet96", "mps2-an386", "cmsis-nn"),
        ("vww_mobilenet96", "mps3-an547", "portable"),
        ("ic_resnet8", "mps2-an386", "own"),
        ("vww_mobilenet96", "mps2-an386", "own"),
        ("sww_dscnn1d", "mps2-an500", "own"),
        ("kws_ref_model", "mps2-an505", "own"),
        ("kws_ref_model", "mps2-an385-m0plus", "own"),
        ("digits", "mps2-an385", "own"),
        ("ad_autoencoder", "mps3-an547", "own"),
        ("vww_mobilenet96", "mps3-an547", "own"),
    ],
)
def test_a_few_inputs_on_qemu(name: str, board_name: str, kernels: str, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    check_qemu(name, board_name, kernels, "gcc", 8, tmp_path)


@needs_qemu
@pytest.mark.parametrize(
    ("name", "board_name", "kernels", "bands"),
    [
        ("vww_mobilenet96", "mps2-an386", "own", (2, 3)),
        ("ic_resnet8", "mps2-an386", "own", (1, 2)),
        ("kws_ref_model", "mps2-an386", "cmsis-nn", (3, 5)),
        ("sww_dscnn1d", "mps2-an386", "own", (2, 4)),
        ("vww_mobilenet96", "mps3-an547", "own", (4, 4)),
        ("digits", "mps2-an385-m0plus", "own", (2, 4)),
    ],
)
def test_layers_in_bands_of_rows_on_qemu(
    name: str, board_name: str, kernels: str, bands: tuple[int, int], tmp_path: Path
) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    check_qemu(name, board_name, kernels, "gcc", 8, tmp_path, bands)


@needs_qemu
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "own"])
@pytest.mark.parametrize("bands", [(1, 2), (2, 3), (3, 5), (5, 4)])
@pytest.mark.parametrize("board_name", QEMU_BOARDS)
def test_every_model_in_bands_on_qemu(
    name: str, kernels: str, bands: tuple[int, int], board_name: str, tmp_path: Path
) -> None:
    check_qemu(name, board_name, kernels, "gcc", 20, tmp_path, bands)


@needs_qemu
@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang is not installed")
@pytest.mark.parametrize(("name", "board_name"), [("digits", "mps2-an386"), ("sww_dscnn1d", "mps3-an547")])
def test_a_few_inputs_on_qemu_with_zig(name: str, board_name: str, tmp_path: Path) -> None:
    check_qemu(name, board_name, "cmsis-nn", "zig", 8, tmp_path)


@needs_unicorn
@pytest.mark.parametrize("name", ["sww_dscnn1d", "kws_ref_model"])
def test_a_few_inputs_on_the_virtual_nucleo(name: str, tmp_path: Path) -> None:
    check_virtual(name, "nucleo-f446re", "cmsis-nn", "", 8, tmp_path)


@needs_qemu
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "own"])
@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
@pytest.mark.parametrize("board_name", QEMU_BOARDS)
def test_every_model_on_qemu(name: str, kernels: str, toolchain: str, board_name: str, tmp_path: Path) -> None:
    check_qemu(name, board_name, kernels, toolchain, INPUTS, tmp_path)


@needs_unicorn
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "own"])
@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_every_model_on_the_virtual_nucleo(name: str, kernels: str, toolchain: str, tmp_path: Path) -> None:
    check_virtual(name, "nucleo-f446re", kernels, toolchain, INPUTS, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kernels", ["portable"])
@pytest.mark.parametrize("toolchain", ["", "zig"])
def test_every_model_on_the_host(name: str, kernels: str, toolchain: str, tmp_path: Path) -> None:
    check_virtual(name, "host", kernels, toolchain, INPUTS, tmp_path)
