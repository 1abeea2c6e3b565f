# SPDX-License-Identifier: Apache-2.0
"""Cycles of instruction forms by the manuals' tables: Cortex-M0+ (DDI 0484C 3.3), M3 (DDI 0337I 3.3), M4 (DDI 0439D
3.3 and 7.2.3), with the load and store rules of section 3.3 "Load/store timings"."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("capstone")

from tinyq_deploy.cycles import TIMINGS, costs, decode
from tinyq_deploy.errors import FirmwareFault

# Assembly, its bytes, and the cycles on M0+, M3 and M4 (None: the core does not have it).
STRAIGHT = (
    ("adds r0, r1, r2", "8818", 1, 1, 1),
    ("muls r0, r1, r0", "4843", 1, 1, 1),
    ("mla r0, r1, r2, r3", "01fb0230", None, 2, 1),
    ("mls r0, r1, r2, r3", "01fb1230", None, 2, 1),
    ("smull r0, r1, r2, r3", "82fb0301", None, 5, 1),
    ("umull r0, r1, r2, r3", "a2fb0301", None, 5, 1),
    ("smlal r0, r1, r2, r3", "c2fb0301", None, 7, 1),
    ("udiv r0, r1, r2", "b1fbf2f0", None, 12, 12),
    ("smlad r0, r1, r2, r0", "21fb0200", None, None, 1),
    ("smmulr r0, r1, r2", "51fb12f0", None, None, 1),
    ("sxtb16 r0, r1, ror #8", "2ffa91f0", None, None, 1),
    ("ssat r0, #8, r1", "01f30700", None, 1, 1),
    ("uxtb r0, r1", "c8b2", 1, 1, 1),
    ("nop", "00bf", 1, 1, 1),
    ("it eq; moveq r0, r1", "08bf0846", None, 1, 1),
    ("mrs r0, primask", "eff31080", 3, 2, 2),
    ("dmb", "bff35f8f", 3, 1, 1),
)
MEMORY = (
    ("ldr r0, [r1]", "0868", 2, 2, 2),
    ("ldr r0, [r1]; ldr r1, [r2]", "08681168", 4, 3, 3),
    ("ldr r0, [r1, r2]; str r0, [r3, #20]", "88585861", 4, 3, 3),
    ("ldr r0, [r1, r2]; str r1, [r3, r2]", "88589950", 4, 3, 3),
    ("ldr r0, [r1, r5]; ldr r1, [r2]; ldr r2, [r3, #4]", "485911685a68", 6, 4, 4),
    ("ldrsb r0, [r1, r2]; ldrb r3, [r4]", "88562378", 4, 3, 3),
    # The second address needs the first load's result; a load that something else parts from the one before it.
    ("ldr r0, [r1]; ldr r2, [r0]", "08680268", 4, 4, 4),
    ("ldr r0, [r1]; adds r2, #1; ldr r3, [r4]", "086801322368", 5, 5, 5),
    # A load that updates its base is not pipelined with the one before it, but the next one with it.
    ("ldr r0, [r3]; ldr r2, [r1], #4", "186851f8042b", None, 4, 4),
    ("ldr r0, [r1], #4; ldr r2, [r3]", "51f8040b1a68", None, 3, 3),
    # No forwarding from data processing to address generation.
    ("adds r1, #4; ldr r0, [r1]", "04310868", 3, 4, 4),
    ("adds r1, #4; ldr r0, [r2]", "04311068", 3, 3, 3),
    ("adds r1, #4; str r0, [r1]", "04310860", 3, 3, 3),
    ("adds r1, #4; str r1, [r0]", "04310160", 3, 2, 2),
    ("str r0, [r1, #4]", "4860", 2, 1, 1),
    ("str r0, [r1, r2]", "8850", 2, 2, 2),
    ("str r0, [r1, r2]; ldr r3, [r4]", "88502368", 4, 4, 4),
    # Several words: 1 + N, never pipelined.
    ("ldrd r0, r1, [r2]", "d2e90001", None, 3, 3),
    ("ldr r3, [r4]; ldrd r0, r1, [r2]; ldr r5, [r6]", "2368d2e900013568", None, 7, 7),
    ("strd r0, r1, [r2]", "c2e90001", None, 3, 3),
    ("ldm r0!, {r1, r2, r3}", "0ec8", 4, 4, 4),
    ("stm r0!, {r1, r2, r3}", "0ec0", 4, 4, 4),
    ("push {r4, r5, lr}", "30b5", 4, 4, 4),
    ("pop {r4, r5}", "30bc", 3, 3, 3),
)
FLOAT = (
    ("vmov s0, r1", "00ee101a", None, None, 1),
    ("vmov r0, r1, d0", "51ec100b", None, None, 2),
    ("vmov.f32 s0, s1", "b0ee600a", None, None, 1),
    ("vldr s0, [r0]", "90ed000a", None, None, 2),
    ("vldr d0, [r0]", "90ed000b", None, None, 3),
    ("vldmia r0!, {s0-s3}", "b0ec040a", None, None, 5),
    ("vldmia r0!, {d0-d3}", "b0ec080b", None, None, 9),
    ("vpush {d8, d9}", "2ded048b", None, None, 5),
    ("vstr s0, [r0]", "80ed000a", None, None, 2),
    ("vadd.f32 s0, s1, s2", "30ee810a", None, None, 1),
    ("vmla.f32 s0, s1, s2", "00ee810a", None, None, 3),
    ("vfma.f32 s0, s1, s2", "a0ee810a", None, None, 3),
    ("vdiv.f32 s0, s1, s2", "80ee810a", None, None, 14),
)
# With the branch taken.
BRANCHES = (
    ("b .+8", "02e0", 2, 3, 3),
    ("beq .+8", "02d0", 2, 3, 3),
    ("bl .+256", "00f07ef8", 3, 3, 3),
    ("bx lr", "7047", 2, 3, 3),
    ("blx r3", "9847", 2, 3, 3),
    ("mov pc, lr", "f746", 2, 3, 3),
    ("pop {r4, r5, pc}", "30bd", 6, 6, 6),
    ("cbz r0, .+8", "10b1", None, 3, 3),
    ("ldr pc, [r0, r1, lsl #2]", "50f821f0", None, 5, 5),
    ("tbb [r0, r1]", "d0e801f0", None, 6, 6),
)
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4")


@pytest.mark.parametrize(("text", "code", "m0plus", "m3", "m4"), [*STRAIGHT, *MEMORY, *FLOAT, *BRANCHES])
def test_cycles_are_the_manuals(text: str, code: str, m0plus: int | None, m3: int | None, m4: int) -> None:
    for core, expected in zip(CORES, (m0plus, m3, m4), strict=True):
        found = list(costs(decode(bytes.fromhex(code), 0x1000), TIMINGS[core]))  # type: ignore[index]
        assert len(found) == len(text.split(";"))
        if expected is not None:
            assert sum(cost.cycles + cost.taken for cost in found) == expected, core


@pytest.mark.parametrize("text", [row[0] for row in BRANCHES if row[0] in ("beq .+8", "cbz r0, .+8")])
def test_a_branch_that_is_not_taken_is_one_cycle(text: str) -> None:
    code = next(row[1] for row in BRANCHES if row[0] == text)
    for core in CORES:
        (cost,) = costs(decode(bytes.fromhex(code), 0), TIMINGS[core])  # type: ignore[index]
        assert cost.cycles == 1


def test_the_bytes_are_the_assembly(tmp_path: Path) -> None:
    if not shutil.which("arm-none-eabi-as"):
        pytest.skip("no arm-none-eabi-as on this computer")
    for text, code, *_ in (*STRAIGHT, *MEMORY, *FLOAT, *BRANCHES):
        source = tmp_path / "one.s"
        lines = [".syntax unified", ".thumb", ".cpu cortex-m4", ".fpu fpv4-sp-d16", *text.split("; ")]
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(["arm-none-eabi-as", str(source), "-o", str(tmp_path / "one.o")], check=True)
        argv = ["arm-none-eabi-objcopy", "-O", "binary", str(tmp_path / "one.o"), str(tmp_path / "one.bin")]
        subprocess.run(argv, check=True)
        assert (tmp_path / "one.bin").read_bytes().hex() == code, text


def test_what_is_not_thumb_code_is_refused() -> None:
    with pytest.raises(FirmwareFault, match="0x00001002"):
        decode(bytes.fromhex("00bfffffffff"), 0x1000)
