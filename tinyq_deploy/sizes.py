# SPDX-License-Identifier: Apache-2.0
"""What an image costs in flash and RAM, and which part of the project each byte comes from.

The parts come from the linker's own map, input section by input section: it counts what was really linked, string
literals and literal pools included, and needs neither debug information nor a naming rule for sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tinyq_deploy import image
from tinyq_deploy.image import Section

OBJECTS = "out/obj/"
MODEL_PARTS = ("model", "weights", "cmsis_nn")
# First match wins; what fits none (libgcc, compiler-rt, string literals that ld.lld merged) is "runtime".
_PREFIXES = (
    ("weights", "model/weights"),
    ("model", "model/"),
    ("cmsis_nn", "cmsis_nn/"),
    ("app", "src/app/"),
    ("link", "src/link/"),
    ("port", "src/port/"),
    ("app", "src/"),
)
_RUNTIME = "runtime"
_STACK = (".stack", ".heap")

_GNU_OUTPUT = re.compile(r"^(\.\S+)(?:\s|$)")
_GNU_NAME = re.compile(r"^ (\S+)$")
_GNU_INPUT = re.compile(r"^ (\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$")
_LLD = re.compile(r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *)(\S.*)$")
_GNU_START = "Linker script and memory map"


@dataclass(frozen=True)
class Part:
    """Bytes of one part of the project: weights, model, cmsis_nn, app, link, port or runtime."""

    name: str
    flash: int
    ram: int


@dataclass(frozen=True)
class Sizes:
    """Bytes. `flash_total` is the programmed image, gaps included; `flash_model` is generated code, kernels and weights
    (parts model, weights and cmsis_nn); `ram_static` is .data, .bss, .noinit; `stack` is what the board reserves."""

    flash_total: int
    flash_model: int
    ram_static: int
    stack: int
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]

    @property
    def ram_total(self) -> int:
        """Static RAM and the reserved stack."""
        return self.ram_static + self.stack


def of_project(folder: Path, stack: int) -> Sizes:
    """The sizes of the image that was built in `folder`."""
    out = folder / "out"
    text = (out / "firmware.map").read_text(encoding="utf-8", errors="replace")
    return measure(image.sections(out / "firmware.elf"), text, stack)


def measure(sections: tuple[Section, ...], link_map: str, stack: int) -> Sizes:
    """Sizes of a linked image from its sections and the linker's map (GNU ld or ld.lld); `stack` bytes are reserved."""
    memory = tuple(s for s in sections if s.name not in _STACK)
    stored = [s for s in memory if s.stored]
    parts = _parts(memory, inputs(link_map))
    return Sizes(
        flash_total=max((s.load + s.stored for s in stored), default=0) - min((s.load for s in stored), default=0),
        flash_model=sum(part.flash for part in parts if part.name in MODEL_PARTS),
        ram_static=sum(s.bytes for s in memory if s.writable),
        stack=stack,
        parts=parts,
        sections=sections,
    )


def inputs(link_map: str) -> Iterator[tuple[str, str, int]]:
    """(output section, file, bytes) for each input section of a map of GNU ld or ld.lld."""
    lines = link_map.splitlines()
    if _GNU_START in lines:
        return _gnu(lines[lines.index(_GNU_START) :])
    return _lld(lines)


def _gnu(lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """A name longer than its column stands alone on the line before its numbers."""
    output, named = "", False
    for line in lines:
        head = _GNU_OUTPUT.match(line)
        found = _GNU_INPUT.match(line)
        if head:
            output = head[1]
        elif found and (found[1] or named) and found[1] != "*fill*":
            yield output, found[4], int(found[3], 16)
        named = bool(_GNU_NAME.match(line))


def _lld(lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """Output sections, input sections and symbols differ by their indentation: 0, 8 and 16 columns."""
    output = ""
    for line in lines:
        found = _LLD.match(line)
        if found and not found[2]:
            output = found[3]
        elif found and len(found[2]) == 8 and ":(" in found[3]:
            yield output, found[3].rsplit(":(", 1)[0], int(found[1], 16)


def _parts(memory: tuple[Section, ...], found: Iterable[tuple[str, str, int]]) -> tuple[Part, ...]:
    by_name = {section.name: section for section in memory}
    flash: dict[str, int] = {}
    ram: dict[str, int] = {}
    for output, file, size in found:
        section = by_name.get(output)
        if section is None:
            continue
        part = _part(file)
        flash[part] = flash.get(part, 0) + (size if section.stored else 0)
        ram[part] = ram.get(part, 0) + (size if section.writable else 0)
    return tuple(Part(name, flash[name], ram[name]) for name in sorted(flash) if flash[name] or ram[name])


def _part(file: str) -> str:
    path = file.removeprefix(OBJECTS)
    return next((part for part, prefix in _PREFIXES if path.startswith(prefix) and path != file), _RUNTIME)
