# SPDX-License-Identifier: Apache-2.0
"""Estimates of whole images: every layer, outputs like the oracle's, instructions like QEMU's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("capstone")
pytest.importorskip("unicorn")

from elftools.elf.elffile import ELFFile

from tinyq_deploy import board, deploy, manifest
from tinyq_deploy.cli import run
from tinyq_deploy.data import load_data
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.estimate import TAKEN, Estimate, noise
from tinyq_deploy.graph import Tensor
from tinyq_deploy.quantize import quantize

pytestmark = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no arm-none-eabi-gcc on this computer")
Build = Callable[..., Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Build:
    """The digits model for a board, built once each."""
    folder = tmp_path_factory.mktemp("estimate")
    model = folder / "digits.tflite"
    model.write_bytes(quantize(digits / "digits_float.tflite", load_data(digits / "representative.npz")).tflite)

    def built(name: str, optimize: str = "speed") -> Path:
        out = folder / f"{name}-{optimize}"
        if not out.exists():
            deploy.build(deploy.BuildRequest(model, board.load(name), out=out, optimize=optimize, toolchain="gcc"))  # type: ignore[arg-type]
        return out

    return built


def estimate(folder: Path, name: str, data: str = "") -> Estimate:
    return deploy.estimate(folder, board.load(name), data=data)


@pytest.mark.parametrize("name", ["nucleo-g071rb", "nucleo-f103rb", "nucleo-l4r5zi"])
def test_boards_that_nothing_emulates(build: Build, name: str) -> None:
    result = estimate(build(name), name)
    code = [entry.symbol for entry in result.manifest.layers if entry.symbol]
    assert [layer.entry.symbol for layer in result.layers] == code
    for layer in result.layers:
        assert layer.total.cycles > layer.total.instructions > 0
        assert layer.kinds[TAKEN].instructions == 0
    total = result.total
    assert 1.1 < total.cycles / total.instructions < 2.5


def test_more_capable_cores_need_less(build: Build) -> None:
    names = ("nucleo-g071rb", "nucleo-f103rb", "nucleo-l4r5zi")
    cycles = [estimate(build(name), name).total.cycles for name in names]
    assert cycles[0] > cycles[1] > cycles[2]


@pytest.mark.parametrize("name", ["mps2-an385-m0plus", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505"])
def test_instructions_agree_with_qemu(build: Build, tmp_path: Path, name: str) -> None:
    """Within 0.2 %: QEMU's timer ticks are some instructions long, and a layer is called in another way."""
    if not shutil.which("qemu-system-arm"):
        pytest.skip("no qemu-system-arm on this computer")
    folder, target = build(name), board.load(name)
    sample = tmp_path / "one.npz"
    np.savez(sample, x=np.random.default_rng(3).integers(-128, 128, (1, 8, 8, 1)).astype(np.int8))
    request = deploy.BenchRequest(folder, target, str(sample), virtual=True, simulator="qemu")
    counted = deploy.bench(request).instructions
    assert counted is not None
    found = estimate(folder, name, str(sample))
    assert found.total.instructions == pytest.approx(counted, rel=0.002)
    assert (found.timing is None) == (target.core in ("cortex-m7", "cortex-m33"))


def test_helium_is_counted_by_qemu(build: Build) -> None:
    if not shutil.which("qemu-system-arm"):
        pytest.skip("no qemu-system-arm on this computer")
    result = estimate(build("mps3-an547"), "mps3-an547")
    assert result.timing is None
    assert all(layer.total.instructions > 0 for layer in result.layers)


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("ic_resnet8_int8", 17_000_000), ("vww_mobilenet96_int8", 8_000_000), ("kws_ref_model_int8", 4_500_000),
        ("ad_autoencoder_int8", 500_000),
    ],
)  # fmt: skip
def test_cycles_of_the_mlperf_tiny_models(
    shared_model: Callable[[str], Path], tmp_path: Path, model: str, most: int
) -> None:
    """Our kernels on a Cortex-M4, built for speed with GCC, need no more than this."""
    path, target = shared_model(f"{model}.tflite"), board.load("nucleo-l4r5zi")
    deploy.build(deploy.BuildRequest(path, target, kernels="own", toolchain="gcc", out=tmp_path / "out"))
    assert deploy.estimate(tmp_path / "out", target).total.cycles <= most


def test_a_wrong_result_has_no_cost(build: Build, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(build("nucleo-f446re"), folder)
    elf = folder / "out" / "firmware.elf"
    with elf.open("rb") as stream:
        image = ELFFile(stream)
        (weights,) = image.get_section_by_name(".symtab").get_symbol_by_name("digits_weights")
        section = image.get_section(weights["st_shndx"])
        place = section["sh_offset"] + weights["st_value"] - section["sh_addr"]
    data = bytearray(elf.read_bytes())
    for at in range(place, place + weights["st_size"], 64):
        data[at] ^= 1
    elf.write_bytes(data)
    with pytest.raises(FirmwareFault, match=r"output 0: \d+ of 10 bytes differ") as caught:
        estimate(folder, "nucleo-f446re")
    assert caught.value.exit_code == 7


def test_boards_without_an_answer(build: Build) -> None:
    with pytest.raises(UsageError, match="built for nucleo-f446re"):
        estimate(build("nucleo-f446re"), "nucleo-f411re")
    with pytest.raises(UsageError, match="unicorn knows the core"):
        estimate(build("host"), "host")


def test_the_command(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["estimate", "--board", "l4r5zi", str(build("nucleo-l4r5zi")), "--json", "out.json"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    found = json.loads((tmp_path / "out.json").read_text())
    assert "[modelled, 0 wait states]" in told
    assert "at 120 MHz, modelled, 0 wait states" in told
    assert "measured" not in told.replace("not measured", "")
    assert f"{found['cycles']:,}" in told
    assert found["cycles_source"] == "modelled, 0 wait states"
    assert found["cycles"] == sum(layer["cycles"] for layer in found["layers"])
    kinds = [spent for layer in found["layers"] for spent in layer["kinds"].values()]
    assert sum(spent["cycles"] for spent in kinds) == found["cycles"]
    assert manifest.load(build("nucleo-l4r5zi")).build_id == found["firmware"]["build_id"]


def test_the_command_where_there_is_no_model(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["estimate", "--board", "mps2-an500", str(build("mps2-an500")), "--json", "out.json"]) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["cycles"], found["cycles_source"]) == (None, None)
    assert found["instructions"] > 10_000
    assert "there is no cycle model of the cortex-m7" in " ".join(capsys.readouterr().err.split())


def test_reference_noise() -> None:
    tensor = Tensor(0, "x", (1, 2, 2), "int8")
    assert noise(tensor).tolist() == [[[x if x < 128 else x - 256 for x in row] for row in ((5, 4), (139, 162))]]
