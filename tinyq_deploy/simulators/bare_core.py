# SPDX-License-Identifier: Apache-2.0
"""Functions of a firmware image on a bare unicorn core: with memory and nothing else, so for every board of its cores.

Counts how often each block of code is run and how often it is left by a jump.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import arm_const as arm
from unicorn import unicorn_const as const
from unicorn.unicorn_py3.unicorn import Uc, UcError

from tinyq_deploy.board import Board, Core, Memory
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.simulators import symbols

CORES: Mapping[Core, int] = {
    "cortex-m0": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}
_PAGE = 0x1000
_LIMIT = 2_000_000_000
"""Instructions of one call: more than any layer that a microcontroller runs, a minute of emulation."""


@dataclass(frozen=True)
class Block:
    """Straight-line code that was run `count` times and left by a jump `jumped` times."""

    address: int
    code: bytes
    count: int
    jumped: int


class BareCore:
    """A core with the image's flash, its .data copied and its .bss cleared as the startup code would."""

    def __init__(self, elf: Path, board: Board) -> None:
        if board.core not in CORES or board.memory is None:
            raise UsageError("unicorn knows the core", f"{board.name}: {board.core}", f"one of: {', '.join(CORES)}")
        self._elf = elf
        self._uc = Uc(const.UC_ARCH_ARM, const.UC_MODE_THUMB | const.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(CORES[board.core])
        self._map(board.memory)
        self._symbols, self._return = self._load()
        self._jumps: Counter[tuple[int, int, int]] = Counter()
        self._last = (0, 0)
        self._uc.hook_add(const.UC_HOOK_BLOCK, self._on_block)

    def symbol(self, name: str) -> int:
        """The address of a function or object. Raises UsageError when the image has none of that name."""
        if name not in self._symbols:
            raise UsageError("the image has the symbols of its project", f"{self._elf}: no {name}", "build it again")
        return self._symbols[name]

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        """Sets bytes of memory."""
        self._uc.mem_write(address, data)

    def call(self, function: str, argument: int = 0) -> tuple[Block, ...]:
        """Runs a function to its end and gives the blocks it ran. Raises FirmwareFault where the core cannot go on."""
        self._jumps.clear()
        self._last = (0, 0)
        self._uc.reg_write(arm.UC_ARM_REG_SP, self.symbol("__stack_top"))
        self._uc.reg_write(arm.UC_ARM_REG_LR, self._return | 1)
        self._uc.reg_write(arm.UC_ARM_REG_R0, argument)
        try:
            self._uc.emu_start(self.symbol(function) | 1, self._return, count=_LIMIT)
        except UcError as error:
            raise self._fault("a layer does only what the core can do", f"{function}({argument}): {error}") from error
        if self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1 != self._return:
            raise self._fault("a layer ends", f"{function}({argument}): not after {_LIMIT:,} instructions")
        self._jumps[*self._last, self._return] += 1
        return self._blocks()

    def _fault(self, rule: str, what: str) -> FirmwareFault:
        at = self._uc.reg_read(arm.UC_ARM_REG_PC)
        return FirmwareFault(rule, f"{what}; at {at:#010x} ({symbols.locate(self._elf, at)})")

    def _on_block(self, _: Uc, address: int, size: int, __: Any) -> None:
        self._jumps[*self._last, address] += 1
        self._last = (address, size)

    def _blocks(self) -> tuple[Block, ...]:
        count: Counter[tuple[int, int]] = Counter()
        jumped: Counter[tuple[int, int]] = Counter()
        for (address, size, target), times in self._jumps.items():
            count[address, size] += times
            if target != address + size:
                jumped[address, size] += times
        del count[0, 0]
        return tuple(Block(at, self.read(at, size), n, jumped[at, size]) for (at, size), n in sorted(count.items()))

    def _map(self, memory: Memory) -> None:
        for region in (memory.flash, memory.ram):
            start, end = region.origin // _PAGE * _PAGE, -(-region.end // _PAGE) * _PAGE
            self._uc.mem_map(start, end - start)

    def _load(self) -> tuple[dict[str, int], int]:
        """Segments go where they are stored and where they are used; RAM is zero as it comes. Gives the symbols, and
        the entry point, which no layer runs, to return to."""
        try:
            with self._elf.open("rb") as stream:
                image = ELFFile(stream)
                for segment in image.iter_segments("PT_LOAD"):
                    for address in {segment["p_paddr"], segment["p_vaddr"]}:
                        self._uc.mem_write(address, segment.data())
                table = image.get_section_by_name(".symtab")
                rows = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
                return {row.name: row["st_value"] & ~1 for row in rows}, image.header["e_entry"] & ~1
        except (OSError, ELFError, UcError) as error:
            raise UsageError("the image is of this board", f"{self._elf}: {error}", "build it for the board") from error
