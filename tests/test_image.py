# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyq_deploy import image
from tinyq_deploy.errors import BuildError
from tinyq_deploy.image import Image, intel_hex


def decode(text: str) -> tuple[dict[int, int], int]:
    """Bytes by address and the entry point of Intel HEX; checks lengths, checksums and the end."""
    memory: dict[int, int] = {}
    upper = entry = 0
    lines = text.splitlines()
    assert lines[-1] == ":00000001FF"
    for line in lines[:-1]:
        row = bytes.fromhex(line[1:])
        assert line[0] == ":"
        assert sum(row) % 256 == 0
        assert row[0] == len(row) - 5
        address, kind, data = int.from_bytes(row[1:3], "big"), row[3], row[4:-1]
        if kind == 4:
            upper = int.from_bytes(data, "big") << 16
        elif kind == 5:
            entry = int.from_bytes(data, "big")
        else:
            assert kind == 0
            assert address + len(data) <= 0x10000
            memory |= {upper + address + i: byte for i, byte in enumerate(data)}
    return memory, entry


@given(st.integers(0, 0xFFFF0000), st.binary(min_size=1, max_size=100))
def test_intel_hex_reads_back(origin, data):
    memory, entry = decode(intel_hex(Image(origin, origin + 1, data)))
    assert memory == {origin + i: byte for i, byte in enumerate(data)}
    assert entry == origin + 1


def test_intel_hex_crosses_a_64_kib_boundary_with_a_new_page():
    text = intel_hex(Image(0x0800FFF8, 0x08000001, bytes(range(16))))
    assert text.splitlines()[:4] == [
        ":020000040800F2",
        ":08FFF8000001020304050607E5",
        ":020000040801F1",
        ":0800000008090A0B0C0D0E0F9C",
    ]


def test_a_file_that_is_no_elf(tmp_path):
    path = tmp_path / "x.elf"
    path.write_bytes(b"MZ" + bytes(100))
    with pytest.raises(BuildError, match=r"ELF file[\s\S]*x\.elf"):
        image.read(path)
