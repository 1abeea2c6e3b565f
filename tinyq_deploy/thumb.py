# SPDX-License-Identifier: Apache-2.0
"""Just enough of the Thumb instruction set to follow direct branches and to recognise multiply-accumulates.

Encodings: Arm v7-M Architecture Reference Manual (DDI 0403), A5 and A7.7; Armv8-M Architecture Reference Manual
(DDI 0553), C2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One instruction: its address, its size of 2 or 4 bytes, and its bits, the first halfword above the second."""

    address: int
    size: int
    bits: int


def instructions(code: bytes, address: int) -> Iterator[Instruction]:
    """The instructions of `code`, which lies at `address` and holds no data. A cut-off last one is left out."""
    position = 0
    while position + 2 <= len(code):
        first = int.from_bytes(code[position : position + 2], "little")
        size = 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2
        if position + size > len(code):
            return
        second = int.from_bytes(code[position + 2 : position + 4], "little")
        yield Instruction(address + position, size, first << 16 | second if size == 4 else first)
        position += size


def branch_target(instruction: Instruction) -> int | None:
    """Where a direct branch or call goes, None for everything else (compare-and-branch and loop ends stay inside)."""
    offset = _offset_16(instruction.bits) if instruction.size == 2 else _offset_32(instruction.bits)
    return None if offset is None else instruction.address + 4 + offset


def is_indirect_call(instruction: Instruction) -> bool:
    """BLX through a register: a call whose target is not in the code."""
    return instruction.size == 2 and instruction.bits & 0xFF87 == 0x4780


def is_dsp_multiply(instruction: Instruction) -> bool:
    """A multiplication of halfwords that cores without the DSP extension lack, alone or accumulating: SMLAxy, SMULxy,
    SMLAWy, SMULWy, SMLAD, SMUAD, SMLSD, SMUSD (and X), SMLALxy, SMLALD, SMLSLD (and X)."""
    if instruction.size != 4:
        return False
    bits = instruction.bits
    group, kind = bits >> 20, bits >> 4 & 0xF
    if group == 0xFB1:
        return kind < 0b0100
    if group in (0xFB2, 0xFB3, 0xFB4):
        return kind < 0b0010
    if group == 0xFBC:
        return kind >> 2 == 0b10 or kind >> 1 == 0b110
    return group == 0xFBD and kind >> 1 == 0b110


def is_mve_multiply(instruction: Instruction) -> bool:
    """A vector multiplication of integers: VMLADAV, VMLSDAV, VMLALDAV, VMLSLDAV and their rounding and accumulating
    kin, VMLA, VMLAS, VMUL, VMULL."""
    if instruction.size != 4:
        return False
    first, second = instruction.bits >> 16, instruction.bits & 0xFFFF
    return _across(first, second) or _by_scalar(first, second) or _by_vector(first, second)


def _across(first: int, second: int) -> bool:
    """Products summed across the vector into one or two registers. VADDV, VADDLV, VABAV, VMAXV, VMINV lie between."""
    if first & 0xEF80 != 0xEE80 or second & 0x0ED0 != 0x0E00:
        return False
    wide_bit, register_high = second & 0x0100, first >> 4 & 7
    return not (wide_bit and (first & 1 or second & 1)) and register_high != 0b110


def _by_scalar(first: int, second: int) -> bool:
    size = first >> 4 & 3
    is_vmla, is_vmul = second & 0x0FF0 == 0x0E40, second & 0x1FF0 == 0x1E60
    return first & 0xEF81 == 0xEE01 and size != 3 and (is_vmla or is_vmul)


def _by_vector(first: int, second: int) -> bool:
    size = first >> 4 & 3
    is_vmul = first & 0xFF81 == 0xEF00 and second & 0x1FF1 == 0x0950
    is_vmull = first & 0xEF81 == 0xEE01 and second & 0x0FF1 == 0x0E00
    return size != 3 and (is_vmul or is_vmull)


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) & 1 else value


def _offset_16(bits: int) -> int | None:
    """B, and B with a condition."""
    if bits >> 11 == 0b11100:
        return _signed(bits & 0x7FF, 11) * 2
    if bits >> 12 == 0b1101 and bits >> 8 & 0xF < 0b1110:
        return _signed(bits & 0xFF, 8) * 2
    return None


def _offset_32(bits: int) -> int | None:
    """BL, B.W, and B.W with a condition."""
    if bits >> 27 != 0b11110 or not bits & 0x8000:
        return None
    sign, j1, j2, low = bits >> 26 & 1, bits >> 13 & 1, bits >> 11 & 1, bits & 0x7FF
    if bits & 0x1000:
        i1, i2 = 1 ^ j1 ^ sign, 1 ^ j2 ^ sign
        high = bits >> 16 & 0x3FF
        return _signed(sign << 23 | i1 << 22 | i2 << 21 | high << 11 | low, 24) * 2
    if not bits & 0x4000 and bits >> 22 & 0xF < 0b1110:
        high = bits >> 16 & 0x3F
        return _signed(sign << 19 | j2 << 18 | j1 << 17 | high << 11 | low, 20) * 2
    return None
