# SPDX-License-Identifier: Apache-2.0
"""The linked ELF as bytes: its flash image as .bin and Intel HEX, its sections, its largest symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinyq_deploy.errors import BuildError

MAX_IMAGE_BYTES = 64 << 20
_HEX_ROW = 16


@dataclass(frozen=True)
class Section:
    """One section that occupies memory. `load` is where its bytes lie in flash; `stored` is 0 for .bss and its kind."""

    name: str
    address: int
    bytes: int
    load: int
    stored: int
    writable: bool


@dataclass(frozen=True)
class Symbol:
    """A function or object of an object file, bytes."""

    name: str
    bytes: int
    writable: bool


@dataclass(frozen=True)
class Image:
    """What is programmed: `data` from address `origin` on, gaps filled with 0xFF as erased flash is."""

    origin: int
    entry: int
    data: bytes


def sections(elf: Path) -> tuple[Section, ...]:
    """The sections of `elf` that occupy flash or RAM, in file order. Raises BuildError for a file that is no ELF."""
    with elf.open("rb") as stream:
        return tuple(_sections(_open(stream, elf)))


def read(elf: Path) -> Image:
    """The flash image of `elf`. Raises BuildError when it is no ELF, empty, or spread over more than 64 MiB."""
    with elf.open("rb") as stream:
        file = _open(stream, elf)
        parts = [(s.load, file.get_section_by_name(s.name).data()) for s in _sections(file) if s.stored]
        entry = int(file.header["e_entry"])
    origin = min((load for load, _ in parts), default=0)
    size = max((load + len(data) for load, data in parts), default=0) - origin
    if not 0 < size <= MAX_IMAGE_BYTES:
        hint = "check linker.ld: every section with bytes loads to flash"
        raise BuildError("the image is one piece of flash", f"{elf.name}: {size:,} bytes from {origin:#010x}", hint)
    data = bytearray(b"\xff" * size)
    for load, piece in parts:
        data[load - origin : load - origin + len(piece)] = piece
    return Image(origin, entry, bytes(data))


def intel_hex(image: Image) -> str:
    """`image` in Intel HEX, 16 bytes a row (Intel Hexadecimal Object File Format Specification, revision A, 1988)."""
    return "".join(f":{row}\n" for row in _hex_rows(image))


def symbols(objects: Iterable[Path]) -> tuple[Symbol, ...]:
    """Functions and objects of relocatable object files, largest first."""
    found: list[Symbol] = []
    for path in objects:
        with path.open("rb") as stream:
            found += _symbols(_open(stream, path))
    return tuple(sorted(found, key=lambda symbol: (-symbol.bytes, symbol.name)))


def _open(stream: Any, path: Path) -> Any:
    try:
        return ELFFile(stream)
    except ELFError as error:
        raise BuildError("the compiler makes an ELF file", f"{path.name}: {error}", "check --cc") from error


def _sections(file: Any) -> Iterator[Section]:
    """Load address = address + (physical - virtual) of the segment that holds the section."""
    segments = [s for s in file.iter_segments() if s["p_type"] == "PT_LOAD"]
    for section in file.iter_sections():
        flags, size, address = section["sh_flags"], section["sh_size"], section["sh_addr"]
        if not flags & SH_FLAGS.SHF_ALLOC or not size:
            continue
        home = next((s for s in segments if s["p_vaddr"] <= address < s["p_vaddr"] + s["p_memsz"]), None)
        shift = home["p_paddr"] - home["p_vaddr"] if home else 0
        stored = 0 if section["sh_type"] == "SHT_NOBITS" else size
        yield Section(section.name, address, size, address + shift, stored, bool(flags & SH_FLAGS.SHF_WRITE))


def _symbols(file: Any) -> Iterator[Symbol]:
    table = file.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return
    for symbol in table.iter_symbols():
        index = symbol["st_shndx"]
        if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and isinstance(index, int) and symbol["st_size"]:
            writable = bool(file.get_section(index)["sh_flags"] & SH_FLAGS.SHF_WRITE)
            yield Symbol(symbol.name, symbol["st_size"], writable)


def _hex_rows(image: Image) -> Iterator[str]:
    """A row never crosses a 64 KiB boundary; each new 64 KiB page starts with its upper address."""
    at, page = image.origin, -1
    while at < image.origin + len(image.data):
        if at >> 16 != page:
            page = at >> 16
            yield _hex_row(0, 4, page.to_bytes(2, "big"))
        size = min(_HEX_ROW, 0x10000 - (at & 0xFFFF))
        yield _hex_row(at & 0xFFFF, 0, image.data[at - image.origin : at - image.origin + size])
        at += size
    yield _hex_row(0, 5, image.entry.to_bytes(4, "big"))
    yield _hex_row(0, 1, b"")


def _hex_row(address: int, kind: int, data: bytes) -> str:
    body = bytes((len(data),)) + address.to_bytes(2, "big") + bytes((kind,)) + data
    return (body + bytes((-sum(body) & 0xFF,))).hex().upper()
