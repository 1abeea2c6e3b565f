# SPDX-License-Identifier: Apache-2.0
"""A Cortex-M4 under unicorn that knows at every moment, also inside a peripheral access, how much it has executed.

The unit is one executed instruction. IT counts, an instruction that IT makes the core skip does not; taking and leaving
an exception costs nothing. `emu_start(count=...)` counts in unicorn's own C code (about 150 to 450 MIPS; a Python block
hook reaches 35 to 140), but no public call reads that counter while code runs, which is when firmware reads its cycle
counter. So its place inside the engine is found by experiment, once per process, and checked.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from importlib.metadata import version
from typing import Any

from unicorn import arm_const as arm
from unicorn import unicorn_const as const
from unicorn.unicorn_py3.unicorn import Uc, UcError, uclib

from tinyq_deploy.errors import UsageError

NOWHERE = 0xFFFF_FFFE
"""Where no instruction is ever fetched: emulation has to be given an end address."""
Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]
_ON_READ = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p)
_ON_WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p)
_SEARCHED_BYTES = 4096
_INTERRUPT_SVC, _INTERRUPT_FETCH, _INTERRUPT_BREAKPOINT, _INTERRUPT_RETURN = 2, 3, 7, 8
_WFE, _YIELD = b"\x20\xbf", b"\x10\xbf"


class Bank:
    """Registers, by their unicorn numbers, that are read or written in one call: an exception takes a dozen."""

    def __init__(self, *registers: int) -> None:
        self.count = len(registers)
        self.ids = (ctypes.c_int * self.count)(*registers)
        self.values = (ctypes.c_uint64 * self.count)()
        start, size = ctypes.addressof(self.values), ctypes.sizeof(ctypes.c_uint64)
        self.places = (ctypes.c_void_p * self.count)(*(start + size * index for index in range(self.count)))


class Stop(Enum):
    """Why `CountedCpu.run` came back."""

    LIMIT = auto()
    SLEEP = auto()
    SVC = auto()
    EXCEPTION_RETURN = auto()
    BREAKPOINT = auto()
    FETCH = auto()
    UNDEFINED = auto()
    ACCESS = auto()


_BY_INTERRUPT = {
    _INTERRUPT_SVC: Stop.SVC,
    _INTERRUPT_FETCH: Stop.FETCH,
    _INTERRUPT_BREAKPOINT: Stop.BREAKPOINT,
    _INTERRUPT_RETURN: Stop.EXCEPTION_RETURN,
}


_UNFINISHED = frozenset({Stop.LIMIT, Stop.ACCESS, Stop.UNDEFINED, Stop.BREAKPOINT})


@dataclass(frozen=True)
class _Layout:
    """Byte offsets inside the engine: what it has executed, and where it stops."""

    counter: int
    limit: int


class CountedCpu:
    """The core alone: no interrupt controller, no peripherals."""

    def __init__(self) -> None:
        self.uc = _new_engine()
        self._handle = _handle(self.uc)
        layout = _layout()
        self._counter = _field(self.uc, layout.counter)
        self._limit = _field(self.uc, layout.limit)
        self._before = 0
        self._running = False
        self._pc = Bank(arm.UC_ARM_REG_PC)
        self._interrupt: int | None = None
        self._error: BaseException | None = None
        self._callbacks: tuple[Any, ...] = ()
        self.fault_address = 0
        self.uc.hook_add(const.UC_HOOK_INTR, self._on_interrupt)
        self.uc.hook_add(const.UC_HOOK_MEM_INVALID, self._on_invalid)

    @property
    def executed(self) -> int:
        """Instructions since power-on. Inside a peripheral access: the accessing instruction included."""
        return self._before + (self._counter.value if self._running else 0)

    @property
    def pc(self) -> int:
        """Address of the instruction to execute next, bit 0 clear."""
        return self.read_many(self._pc)[0]

    def read(self, register: int) -> int:
        """A register by its unicorn number."""
        return int(self.uc.reg_read(register))

    def write(self, register: int, value: int) -> None:
        """Sets a register by its unicorn number."""
        self.uc.reg_write(register, value & 0xFFFF_FFFF)

    def read_many(self, bank: Bank) -> list[int]:
        """The registers of a bank, in order."""
        uclib.uc_reg_read_batch(self._handle, bank.ids, bank.places, bank.count)
        return bank.values[:]

    def write_many(self, bank: Bank, values: Sequence[int]) -> None:
        """Sets the registers of a bank, in order."""
        bank.values[:] = list(values)
        uclib.uc_reg_write_batch(self._handle, bank.ids, bank.places, bank.count)

    def map_registers(self, base: int, size: int, read: Read, write: Write) -> None:
        """Routes accesses of [base, base + size) to `read(address, bytes)` and `write(address, bytes, value)`.

        An exception from either, Ctrl-C included, ends `run` after the accessing instruction and is raised there.
        Bound without unicorn's own Python layers, which cost more than the rest of a UART access.
        """

        def on_read(_: None, offset: int, size: int, __: None) -> int:
            try:
                return read(base + offset, size)
            except BaseException as error:
                return self._keep(error)

        def on_write(_: None, offset: int, size: int, value: int, __: None) -> None:
            try:
                write(base + offset, size, value)
            except BaseException as error:
                self._keep(error)

        callbacks = (_ON_READ(on_read), _ON_WRITE(on_write))
        self._callbacks += callbacks
        place = (ctypes.c_uint64(base), ctypes.c_size_t(size))
        status = uclib.uc_mmio_map(self._handle, *place, callbacks[0], None, callbacks[1], None)
        if status != const.UC_ERR_OK:
            raise UcError(status)

    def _keep(self, error: BaseException) -> int:
        self._error = self._error or error
        self.stop_soon()
        return 0

    def stop_soon(self) -> None:
        """From inside a peripheral access: come back before the next instruction.

        `emu_stop` there would abandon the accessing instruction and run it, and its side effects, a second time.
        """
        self._limit.value = 0

    def run(self, pc: int, count: int) -> Stop:
        """Executes up to `count` (>= 1) instructions from `pc`; an IT block is finished before it stops."""
        self._interrupt = None
        self._running = True
        # Straight to the library: its Python layer costs as much as a short interrupt handler.
        status = uclib.uc_emu_start(self._handle, pc | 1, NOWHERE, 0, count)
        self._running = False
        stop = self._normal_stop() if status == const.UC_ERR_OK else self._classify(status)
        # On a limit, and on a fault, the counter has seen the instruction that was not executed.
        self._before += max(0, self._counter.value - (stop in _UNFINISHED))
        if self._error:
            error, self._error = self._error, None
            raise error
        return stop

    def _normal_stop(self) -> Stop:
        if self._interrupt is not None:
            return _BY_INTERRUPT.get(self._interrupt, Stop.UNDEFINED)
        return Stop.LIMIT if self._counter.value > self._limit.value else Stop.SLEEP

    def _classify(self, status: int) -> Stop:
        if status == const.UC_ERR_FETCH_UNMAPPED:
            return Stop.FETCH
        if status in (const.UC_ERR_INSN_INVALID, const.UC_ERR_EXCEPTION):
            return self._hint_or_undefined()
        return Stop.ACCESS

    def _hint_or_undefined(self) -> Stop:
        """unicorn refuses WFE and YIELD; both mean: nothing to do just now."""
        pc = self.pc
        try:
            opcode = bytes(self.uc.mem_read(pc, 2))
        except UcError:
            return Stop.FETCH
        if opcode not in (_WFE, _YIELD):
            return Stop.UNDEFINED
        self.write(arm.UC_ARM_REG_PC, pc + 2)
        return Stop.SLEEP

    def _on_interrupt(self, uc: Uc, number: int, _: Any) -> None:
        self._interrupt = number
        uc.emu_stop()

    def _on_invalid(self, _: Uc, __: int, address: int, *___: Any) -> bool:
        self.fault_address = address
        return False


def _new_engine() -> Uc:
    engine = Uc(const.UC_ARCH_ARM, const.UC_MODE_THUMB | const.UC_MODE_MCLASS)
    engine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
    return engine


def _handle(engine: Uc) -> ctypes.c_void_p:
    handle: Any = engine._uch
    return ctypes.c_void_p(int(getattr(handle, "value", handle)))


def _field(engine: Uc, offset: int) -> ctypes.c_size_t:
    """A size_t inside the engine's own structure. Valid as long as the engine."""
    return ctypes.c_size_t.from_address((_handle(engine).value or 0) + offset)


@cache
def _layout() -> _Layout:
    """Finds the counter and the limit: after n instructions of a loop they hold n + 1 and n."""
    engine = _new_engine()
    engine.mem_map(0, 0x1000)
    engine.mem_write(0, b"\xfe\xe7")  # b .
    places: dict[str, set[int]] = {}
    for count in (12_347, 54_323):
        engine.emu_start(1, NOWHERE, count=count)
        for name, value in (("counter", count + 1), ("limit", count)):
            found = {at for at in range(0, _SEARCHED_BYTES, 8) if _field(engine, at).value == value}
            places[name] = places.get(name, found) & found
    if len(places["counter"]) != 1 or len(places["limit"]) != 1:
        raise UsageError(
            "the virtual board needs a unicorn whose instruction counter it can find",
            f"unicorn {version('unicorn')}: {len(places['counter'])} counters, {len(places['limit'])} limits",
            "pip install 'unicorn>=2.1.4,<2.2'",
        )
    return _Layout(counter=places["counter"].pop(), limit=places["limit"].pop())
