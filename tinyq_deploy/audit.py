# SPDX-License-Identifier: Apache-2.0
"""Reads a linked ELF to say which kernels each layer really calls, and whether they use the core's instructions.

A layer is followed from its symbol through direct branches and calls. Calls through registers are not followed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinyq_deploy import thumb
from tinyq_deploy.board import Core
from tinyq_deploy.cores import extension
from tinyq_deploy.errors import BuildError, Fault
from tinyq_deploy.plan import Plan

_EXECUTABLE = 0x4
_KERNEL = re.compile(r"(arm|tinyq)_\w+")
_VENEER = re.compile(r"__(\w+?)_veneer")
_NEEDED = {"dsp": "SMLAD or a kin of it", "mve": "a vector multiplication"}


@dataclass(frozen=True)
class LayerInfo:
    """What was planned for a layer: its C function (`symbol`), the kernel it calls and the set that one is from, the
    library functions it should call in turn, its multiply-accumulates per inference, and the set that the user asked
    for by name ("" where any will do)."""

    symbol: str
    function: str
    kernel_set: str
    library_functions: tuple[str, ...] = ()
    macs: int = 0
    wanted: str = ""


@dataclass(frozen=True)
class LayerAudit:
    """What the ELF holds for a layer: the kernels (arm_*, tinyq_*) in its reach, how many instructions there multiply
    halfwords by the DSP extension and integers by MVE, whether something is called through a register, and what is
    wrong with that, one sentence each."""

    symbol: str
    called: tuple[str, ...]
    dsp_multiplies: int
    mve_multiplies: int
    has_indirect_calls: bool
    reasons: tuple[str, ...]

    @property
    def fell_back(self) -> bool:
        """Whether the layer does not run what was asked for, or not with the core's instructions."""
        return bool(self.reasons)

    @property
    def reason(self) -> str:
        """All that is wrong, empty where nothing is."""
        return "; ".join(self.reasons)

    @property
    def instructions(self) -> str:
        """The counted instructions for a table cell, e.g. "12 DSP"."""
        counts = ((self.dsp_multiplies, "DSP"), (self.mve_multiplies, "MVE"))
        return ", ".join(f"{count} {name}" for count, name in counts if count)


def layer_infos(plan: Plan, kernels: str) -> tuple[LayerInfo, ...]:
    """What `plan` says of each layer that runs code; `kernels` is the user's choice of sets."""
    wanted = "" if kernels == "auto" else kernels
    return tuple(
        LayerInfo(
            layer.symbol,
            layer.call.function or "",
            layer.call.kernel_set,
            layer.call.library_functions,
            layer.macs,
            wanted,
        )
        for layer in plan.code_layers()
    )


def audit(elf: Path, layers: Sequence[LayerInfo], core: Core, *, strict: bool = False) -> tuple[LayerAudit, ...]:
    """The audit of every layer, in order. With `strict`, raises BuildError that names each layer which fell back;
    raises it too when `elf` is not an ELF file."""
    code = read_code(elf)
    found = tuple(_layer(code, layer, core) for layer in layers)
    faults = [
        Fault("with --strict-kernels every layer runs a fast kernel", f"{item.symbol}: {reason}", _HINT)
        for item in found
        for reason in item.reasons
    ]
    if strict and faults:
        raise BuildError.of(faults)
    return found


_HINT = "choose another kernel set, change the layer, or build without --strict-kernels"


def _layer(code: Code, layer: LayerInfo, core: Core) -> LayerAudit:
    starts = code.named(layer.symbol)
    if not starts:
        return LayerAudit(layer.symbol, (), 0, 0, False, ("is not in the ELF",))
    reached = code.reach(starts)
    seen = [i for start in reached for i in code.instructions(start)]
    names = {name for start in reached for name in code.names(start)}
    found = LayerAudit(
        layer.symbol,
        tuple(sorted(name for name in names if _KERNEL.fullmatch(name))),
        sum(thumb.is_dsp_multiply(i) for i in seen),
        sum(thumb.is_mve_multiply(i) for i in seen),
        any(thumb.is_indirect_call(i) for i in seen),
        (),
    )
    return replace(found, reasons=tuple(_reasons(layer, found, core)))


def _reasons(layer: LayerInfo, found: LayerAudit, core: Core) -> Iterator[str]:
    if layer.wanted and layer.kernel_set != layer.wanted:
        yield f"{layer.wanted} was asked for, its kernel is {layer.kernel_set}"
    missing = [name for name in layer.library_functions if name not in found.called]
    if missing and len(missing) == len(layer.library_functions):
        yield f"never calls {', '.join(missing)}"
    offers = extension(core)
    count = {"none": 1, "dsp": found.dsp_multiplies, "mve": found.mve_multiplies}[offers]
    if layer.macs and not count:
        yield f"multiplies {layer.macs:,} times without {_NEEDED[offers]}, which the {core} has"


@dataclass(frozen=True)
class _Function:
    start: int
    end: int
    name: str


@dataclass(frozen=True)
class _Section:
    """Executable bytes at an address, and where data ($d) and code ($t) begin inside, sorted."""

    address: int
    data: bytes
    marks: tuple[tuple[int, bool], ...]

    def code(self, start: int, end: int) -> Iterator[thumb.Instruction]:
        """The instructions between two addresses, data between them skipped."""
        edges = [(a, is_code) for a, is_code in self.marks if start < a < end]
        before = [is_code for a, is_code in self.marks if a <= start]
        spans = [(start, before[-1] if before else True), *edges, (end, False)]
        for (first, is_code), (last, _) in pairwise(spans):
            if is_code:
                yield from thumb.instructions(self.data[first - self.address : last - self.address], first)


class Code:
    """The functions of an ELF by address."""

    def __init__(self, functions: Sequence[_Function], sections: Sequence[_Section]) -> None:
        self._functions: dict[int, list[_Function]] = {}
        for function in functions:
            self._functions.setdefault(function.start, []).append(function)
        self._starts = sorted(self._functions)
        self._sections = sections

    def named(self, symbol: str) -> list[int]:
        """Addresses of the functions called `symbol`."""
        return [start for start in self._starts if symbol in self.names(start)]

    def names(self, start: int) -> list[str]:
        """The names of the function at `start`, without the suffixes that compilers give to parts and copies."""
        plain = (f.name.split(".")[0] for f in self._functions[start])
        return [match[1] if (match := _VENEER.fullmatch(name)) else name for name in plain]

    def bytes(self, start: int) -> int:
        """Bytes of the function at `start`, constants between its instructions included."""
        return max(f.end for f in self._functions[start]) - start

    def instructions(self, start: int) -> list[thumb.Instruction]:
        """The instructions of the function at `start`."""
        end = max(f.end for f in self._functions[start])
        section = next((s for s in self._sections if s.address <= start < s.address + len(s.data)), None)
        return list(section.code(start, end)) if section else []

    def reach(self, starts: Sequence[int]) -> list[int]:
        """Start addresses of all functions that can be reached by direct branches, those of `starts` included."""
        found, wanted = set[int](), list(starts)
        while wanted:
            start = wanted.pop()
            if start not in found:
                found.add(start)
                wanted += self._called_from(start)
        return sorted(found)

    def _called_from(self, start: int) -> Iterator[int]:
        targets = {thumb.branch_target(i) for i in self.instructions(start)} - {None}
        for target in targets:
            callee = self._containing(target) if target is not None else None
            if callee is not None and callee != start:
                yield callee
        for name in self.names(start):
            if any(_VENEER.fullmatch(f.name) for f in self._functions[start]):
                yield from self.named(name)

    def _containing(self, address: int) -> int | None:
        position = bisect_right(self._starts, address) - 1
        if position < 0:
            return None
        start = self._starts[position]
        return start if address < max(f.end for f in self._functions[start]) else None


def read_code(elf: Path) -> Code:
    """The code of a linked image. Raises BuildError where it is no ELF file."""
    try:
        with elf.open("rb") as stream:
            return _code(ELFFile(stream))
    except (OSError, ELFError) as error:
        raise BuildError("the linked image is an ELF file", f"{elf}: {error}", "build the project again") from error


def _code(file: ELFFile) -> Code:
    tables = [s for s in file.iter_sections() if isinstance(s, SymbolTableSection)]
    symbols = [symbol for table in tables for symbol in table.iter_symbols()]
    functions = [
        _Function(s["st_value"] & ~1, (s["st_value"] & ~1) + s["st_size"], s.name)
        for s in symbols
        if s["st_info"]["type"] == "STT_FUNC" and s["st_size"]
    ]
    marks = sorted((s["st_value"] & ~1, s.name[1] == "t") for s in symbols if s.name[:2] in ("$t", "$d"))
    sections = []
    for section in file.iter_sections():
        address, data = section["sh_addr"], section.data() if section["sh_flags"] & _EXECUTABLE else b""
        own = tuple(mark for mark in marks if address <= mark[0] < address + len(data))
        if data:
            sections.append(_Section(address, data, own))
    return Code(functions, sections)
