# SPDX-License-Identifier: Apache-2.0
"""Addresses of a firmware image as people read them: function, file and line, from the ELF."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection


def locate(elf: Path, address: int) -> str:
    """`address` as "function at file.c:12", as far as the image knows; "no function of the image" outside of it."""
    address &= ~1
    with elf.open("rb") as stream:
        image = ELFFile(stream)
        function = _function(image, address)
        line = _line(image, address) if function else ""
    if not function:
        return "no function of the image"
    return f"{function} at {line}" if line else function


def _function(image: Any, address: int) -> str:
    table = image.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return ""
    for symbol in table.iter_symbols():
        start, size = symbol["st_value"] & ~1, max(2, symbol["st_size"])
        if symbol["st_info"]["type"] == "STT_FUNC" and start <= address < start + size:
            return str(symbol.name)
    return ""


def _line(image: Any, address: int) -> str:
    """File and line of the last row of the line table at or before `address`, within one sequence."""
    if not image.has_dwarf_info():
        return ""
    debug = image.get_dwarf_info()
    for unit in debug.iter_CUs():
        program = debug.line_program_for_CU(unit)
        states = [entry.state for entry in program.get_entries() if entry.state] if program else []
        for state, following in pairwise(states):
            if not state.end_sequence and state.address <= address < following.address:
                return f"{_file(program, state.file)}:{state.line}"
    return ""


def _file(program: Any, index: int) -> str:
    """Name, without its folder, of a row's file. DWARF 5 counts files from 0, earlier versions from 1."""
    files = program["file_entry"]
    name = files[index if program["version"] >= 5 else index - 1].name
    return Path(name.decode("utf-8", "replace")).name
