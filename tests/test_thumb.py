# SPDX-License-Identifier: Apache-2.0
"""The Thumb decoder: single encodings, and every instruction of real code against other disassemblers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tinyq_deploy import thumb
from tinyq_deploy.thumb import Instruction

CODE = """
#include <stdint.h>
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
int32_t vectors(const int8_t *a, const int8_t *b, int32_t n)
{
    int32_t sum = 0;
    for (; n > 0; n -= 16, a += 16, b += 16) {
        mve_pred16_t p = vctp8q((uint32_t)n);
        sum = vmladavaq_p_s8(sum, vldrbq_z_s8(a, p), vldrbq_z_s8(b, p), p);
        sum += vaddvq_s8(vldrbq_z_s8(a, p)) + vmaxvq_s8(0, vldrbq_z_s8(a, p));
    }
    return sum;
}
void scaled(int32_t *a, int32_t n, int32_t by)
{
    for (; n >= 4; n -= 4, a += 4) {
        vst1q_s32(a, vaddq_s32(vmulq_n_s32(vld1q_s32(a), by), vmlaq_n_s32(vld1q_s32(a), vld1q_s32(a), by)));
        vst1q_s32(a, vqrdmulhq_n_s32(vmulq_s32(vld1q_s32(a), vld1q_s32(a)), by));
    }
}
int64_t longer(const int16_t *a, const int16_t *b)
{
    return vmlaldavq_s16(vld1q_s16(a), vld1q_s16(b));
}
#endif
#include <arm_acle.h>
uint32_t sums(const uint32_t *a, const uint32_t *b, int n)
{
    int32_t sum = 0, corner = 0;
    int64_t wide = 0;
    for (int i = 0; i < n; i++) {
        sum = __smlad((int32_t)a[i], (int32_t)b[i], sum) + __smuadx((int32_t)a[i], (int32_t)b[i]);
        corner = __smlabb(corner, (int32_t)a[i], __smlawt(corner, (int32_t)b[i], corner));
        corner -= (int16_t)a[i] * (int16_t)b[i];
        wide = __smlald((int32_t)a[i], (int32_t)b[i], wide) + (int64_t)sum * corner;
        sum = __smlsd((int32_t)a[i], (int32_t)b[i], sum);
    }
    return (uint32_t)(sum + corner + (int32_t)(wide >> 32));
}
extern int other(int);
int (*pointer)(int);
static const int table[] = {3, 1, 4, 1, 5};
int jumps(int x)
{
    switch (x) {
    case 0: return other(1);
    case 1: return other(17) + table[other(2) % 5];
    case 2: return pointer(3);
    case 3: return x / other(5);
    case 4: return 0x12345678;
    default: return x > 7 ? other(x) : jumps(x * x) + 1;
    }
}
int other(int x)
{
    return pointer(x) * 3;
}
"""
DSP = re.compile(r"^(smla|smul)(bb|bt|tb|tt|wb|wt)$|^(smlad|smuad|smlsd|smusd|smlald|smlsld)x?$|^smlal(bb|bt|tb|tt)$")
# Vector multiplications of integers as GNU objdump writes them, less the predicate's t or e.
MVE = re.compile(
    r"v(mlava?|mlsdava?x?|mladava?x?|mlalva?|mlaldava?x?|mlsldava?x?|rml[as]ldavha?x?|rmlalvha?|mlas?|mul|mull[bt])"
    r"[te]?\.[isu](8|16|32)"
)


def compiled(cpu: str, folder: Path) -> Path:
    """The code above, linked, with literal pools and jump tables."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    (folder / "code.c").write_text(CODE)
    hard = ["-mfloat-abi=hard"] if cpu == "cortex-m55" else []
    subprocess.run(
        ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", *hard, "-O2", "-nostdlib", "-Wl,-e,jumps", "code.c",
         "-o", "code.elf", "-lgcc"], cwd=folder, check=True,
    )  # fmt: skip
    return folder / "code.elf"


def code_of(elf: Path) -> tuple[bytes, int]:
    with elf.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".text")
        return section.data(), section["sh_addr"]


@pytest.mark.parametrize(
    ("bits", "size", "offset"),
    [
        (0xE7FE, 2, -4), (0xD0FE, 2, -4), (0xDE00, 2, None), (0xDF00, 2, None), (0x4770, 2, None),
        (0xF7FFFFFE, 4, -4), (0xF000F800, 4, 0), (0xF7FFBFFE, 4, -4), (0xF43FAFFE, 4, -4), (0xF0008000, 4, 0),
        (0xF3EF8010, 4, None), (0xF3BF8F4F, 4, None), (0xF040E001, 4, None),
        (0xF00FC803, 4, None), (0xF8D0F000, 4, None),
    ],
)  # fmt: skip
def test_branches(bits: int, size: int, offset: int | None) -> None:
    target = thumb.branch_target(Instruction(0x1000, size, bits))
    assert target == (None if offset is None else 0x1004 + offset)


def test_indirect_call_is_blx_of_a_register() -> None:
    assert thumb.is_indirect_call(Instruction(0, 2, 0x4798))
    assert not thumb.is_indirect_call(Instruction(0, 2, 0x4718))


def test_cut_off_instruction_is_left_out() -> None:
    assert [i.size for i in thumb.instructions(bytes.fromhex("00bf00f0"), 0)] == [2]


def test_agrees_with_capstone_on_the_dsp_extension(tmp_path: Path) -> None:
    """Sizes, branch targets and multiplications of real Cortex-M4 code."""
    capstone = pytest.importorskip("capstone")
    data, address = code_of(compiled("cortex-m4", tmp_path))
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    engine.skipdata = True
    theirs = {i.address: i for i in engine.disasm(data, address)}
    multiplies = branches = 0
    for own in thumb.instructions(data, address):
        their = theirs.get(own.address)
        if their is None or their.id == 0:
            continue
        assert their.size == own.size, their
        target = thumb.branch_target(own)
        if target is not None:
            branches += 1
            assert their.op_str == f"#{target:#x}", their
        else:
            assert not re.fullmatch(r"b(l|\.w|eq|ne|gt|le|ge|lt|hi|ls|cc|cs|lo|hs|mi|pl)?(\.w)?", their.mnemonic), their
        assert thumb.is_dsp_multiply(own) == bool(DSP.match(their.mnemonic)), their
        multiplies += thumb.is_dsp_multiply(own)
    assert multiplies >= 6
    assert branches >= 6


def test_agrees_with_objdump_on_mve(tmp_path: Path) -> None:
    """Vector multiplications of real Cortex-M55 code."""
    elf = compiled("cortex-m55", tmp_path)
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-m", "armv8.1-m.main", "-d", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    theirs = {int(a, 16): m for a, m in re.findall(r"^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)", listing, re.MULTILINE)}
    data, address = code_of(elf)
    found = 0
    for own in thumb.instructions(data, address):
        mnemonic = theirs.get(own.address, "")
        if mnemonic.startswith("v"):
            assert thumb.is_mve_multiply(own) == bool(MVE.fullmatch(mnemonic)), mnemonic
            found += thumb.is_mve_multiply(own)
    assert found >= 5
