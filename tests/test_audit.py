# SPDX-License-Identifier: Apache-2.0
"""The audit on small linked images whose layers are known."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinyq_deploy.audit import LayerAudit, LayerInfo, audit
from tinyq_deploy.errors import BuildError

CODE = """
#include <arm_acle.h>
#include <stdint.h>
int32_t data[8];
__attribute__((noinline)) int32_t arm_deep(int32_t a) { return __smlad(a, data[1], data[2]); }
__attribute__((noinline)) int32_t arm_top(int32_t a) { return arm_deep(a + data[3]) + 1; }
__attribute__((noinline)) int32_t tinyq_plain(int32_t a) { return a * data[0] + data[4]; }
__attribute__((noinline)) static void layer_00_conv_2d(void) { data[0] = arm_top(data[5]); }
__attribute__((noinline)) static void layer_01_conv_2d(void) { data[1] = tinyq_plain(0x12345678); }
__attribute__((noinline)) static void layer_02_add(void) { data[2] += 0x1234567; }
__attribute__((noinline)) static void layer_03_softmax(void) { ((void (*)(void))data[3])(); data[0] = 1; }
void Reset_Handler(void)
{
    layer_00_conv_2d();
    layer_01_conv_2d();
    layer_02_add();
    layer_03_softmax();
}
"""
LAYERS = (
    LayerInfo("layer_00_conv_2d", "tinyq_cmsis_nn_conv_2d", "cmsis-nn", ("arm_top",), 100, "cmsis-nn"),
    LayerInfo("layer_01_conv_2d", "tinyq_portable_conv_2d", "portable", (), 100, "cmsis-nn"),
    LayerInfo("layer_02_add", "tinyq_cmsis_nn_add", "cmsis-nn", ("arm_add",), 0, "cmsis-nn"),
    LayerInfo("layer_03_softmax", "tinyq_portable_softmax", "portable", (), 0),
)


@pytest.fixture(scope="module", params=["gcc", "zig"])
def elf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "zig":
        pytest.importorskip("ziglang")
        target = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-fhosted"]
        command = [sys.executable, "-m", "ziglang", "cc", *target]
    elif shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    else:
        command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"]
    (folder / "code.c").write_text(CODE)
    argv = [*command, "-O2", "-nostdlib", "-Wl,-e,Reset_Handler", "code.c", "-o", "code.elf"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    return folder / "code.elf"


def by_symbol(elf: Path) -> dict[str, LayerAudit]:
    return {item.symbol: item for item in audit(elf, LAYERS, "cortex-m4")}


def test_kernels_are_followed_through_calls(elf: Path) -> None:
    found = by_symbol(elf)["layer_00_conv_2d"]
    assert found.called == ("arm_deep", "arm_top")
    assert found.dsp_multiplies == 1
    assert found.instructions == "1 DSP"
    assert not found.fell_back


def test_fallback_and_missing_instructions_are_named(elf: Path) -> None:
    found = by_symbol(elf)["layer_01_conv_2d"]
    assert found.called == ("tinyq_plain",)
    assert found.reasons == (
        "cmsis-nn was asked for, its kernel is portable",
        "multiplies 100 times without SMLAD or a kin of it, which the cortex-m4 has",
    )


def test_a_library_function_that_is_never_called_is_named(elf: Path) -> None:
    assert by_symbol(elf)["layer_02_add"].reason == "never calls arm_add"


def test_calls_through_registers_are_told(elf: Path) -> None:
    found = by_symbol(elf)
    assert found["layer_03_softmax"].has_indirect_calls
    assert not found["layer_00_conv_2d"].has_indirect_calls


def test_cores_without_extensions_are_not_blamed(elf: Path) -> None:
    layer = LayerInfo("layer_01_conv_2d", "tinyq_portable_conv_2d", "portable", (), 100)
    assert audit(elf, [layer], "cortex-m3")[0].reasons == ()
    assert audit(elf, [layer], "cortex-m4")[0].fell_back


def test_strict_names_every_layer_that_fell_back(elf: Path) -> None:
    with pytest.raises(BuildError) as caught:
        audit(elf, LAYERS, "cortex-m4", strict=True)
    assert len(caught.value.faults) == 3
    assert "layer_01_conv_2d" in str(caught.value)
    assert "layer_02_add" in str(caught.value)
    assert "layer_00_conv_2d" not in str(caught.value)


def test_a_layer_that_is_not_there_is_named(elf: Path) -> None:
    (found,) = audit(elf, [LayerInfo("layer_09_add", "f", "portable")], "cortex-m4")
    assert found.reason == "is not in the ELF"


def test_a_file_that_is_no_elf_is_a_build_error(tmp_path: Path) -> None:
    (tmp_path / "x.elf").write_bytes(b"no")
    with pytest.raises(BuildError):
        audit(tmp_path / "x.elf", LAYERS, "cortex-m4")
