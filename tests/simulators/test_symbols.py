# SPDX-License-Identifier: Apache-2.0
"""Addresses as people read them."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinyq_deploy.simulators.symbols import locate


def _address(elf: Path, name: str) -> int:
    with elf.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(name)
        return int(symbols[0]["st_value"])


def _line(text: str) -> int:
    source = Path(__file__).parent / "firmware" / "board_test.c"
    return next(n for n, line in enumerate(source.read_text().splitlines(), 1) if line.startswith(text))


def test_function_file_and_line(image: Path) -> None:
    """The Thumb bit of the symbol makes no difference."""
    address = _address(image, "reset_handler")
    line = _line("void reset_handler(void)")
    found = locate(image, address)
    assert found == locate(image, address & ~1)
    function, _, place = found.partition(" at ")
    assert function == "reset_handler"
    assert place.startswith("board_test.c:")
    assert 0 <= int(place.rpartition(":")[2]) - line <= 5


def test_addresses_outside_of_the_image(image: Path) -> None:
    assert locate(image, 0x30000000) == "no function of the image"
