# SPDX-License-Identifier: Apache-2.0
"""An STM32F4 board without the board: an unmodified ELF on a counted Cortex-M4, with the peripherals it touches.

Nothing runs by itself: `run` executes as many core clocks as it is allowed, on the caller's thread. Virtual time is the
number of executed instructions, plus what a sleeping core skips up to its next SysTick exception.
The same calls in the same order therefore give the same bytes and the same counts, on any computer.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as arm
from unicorn import unicorn_const as const
from unicorn.unicorn_py3.unicorn import UcError

from tinyq_deploy.board import Board, Clock, Memory, Region, Uart
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.simulators import cortex_m_system as system
from tinyq_deploy.simulators import stm32f4, symbols
from tinyq_deploy.simulators.cortex_m import BUS_FAULT, HARD_FAULT, SVCALL, SYSTICK, USAGE_FAULT, Exceptions, Lockup
from tinyq_deploy.simulators.registers import Registers
from tinyq_deploy.simulators.unicorn_cpu import CountedCpu, Stop

FaultPolicy = Literal["raise", "vector"]
_SLICE = 4_000_000
"""Instructions between two looks at Ctrl-C: a few hundredths of a second."""
_FPCA = 1 << 2
_ZERO_AT_RESET = (
    arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK,
)  # fmt: skip
_SHCSR_ENABLE = {BUS_FAULT: 1 << 17, USAGE_FAULT: 1 << 18}
_PRECISERR, _IBUSERR, _STKERR, _UNDEFINSTR, _NOCP = 0x8200, 0x100, 0x1000, 1 << 16, 1 << 19
_FORCED, _DEBUGEVT = 1 << 30, 1 << 31


class EmulatedBoard:
    """`faults="raise"` ends the run with FirmwareFault at the first fault; "vector" lets the firmware handle it."""

    def __init__(self, elf: Path, board: Board, faults: FaultPolicy = "raise") -> None:
        memory, clock, uart = _needed(board)
        self._elf = elf
        self._faults = faults
        self._slept = 0
        self._asleep = False
        self._pc = 0
        self._burst_at = 0
        self._dead: FirmwareFault | None = None
        self.resets = 0
        self.registers = Registers()
        self.cpu = CountedCpu()
        self.exceptions = Exceptions(self.cpu, self.registers)
        self.scb = system.SystemControl(self.exceptions, self.cpu.stop_soon, self.registers)
        self.systick = system.SysTick(lambda: self.now, self.cpu.stop_soon, self.registers)
        self.dwt = system.CycleCounter(lambda: self.now, self.registers)
        self.power = stm32f4.ClockAndPower(self.registers)
        self.usart = stm32f4.Usart(uart, clock.hz, self.exceptions, self.cpu.stop_soon, self.registers)
        self.exceptions.stacking_failed = self._stacking_failed
        self._vectors = memory.flash.origin
        self._map(memory)
        self._load(memory.flash)
        self._reset(stm32f4.POWER_ON)

    @property
    def now(self) -> int:
        """Virtual time since power-on, core clocks."""
        return self.cpu.executed + self._slept

    def send(self, data: bytes) -> None:
        """Puts bytes on the wire to the board.

        A board that sleeps first takes its next timer interrupt: so the position of the bytes between two ticks, and
        with it every later count, does not depend on how long the host has made it wait.
        """
        if self._asleep and self.systick.interrupts and not self.usart.incoming:
            self.run(self.systick.next_event() - self.now, through_sleep=True)
            self.run(_SLICE)
        self.usart.incoming.extend(data)

    def run(self, clocks: int, enough: int = 1 << 62, through_sleep: bool = False) -> bool:
        """Executes up to `clocks` core clocks, or until `enough` bytes have been sent; True: asleep, nothing to do.

        `through_sleep` lets the time of a sleep pass, timer interrupts included. Raises FirmwareFault.
        """
        if self._dead:
            raise self._dead
        end = self.now + clocks
        try:
            while self.now < end and len(self.usart.outgoing) < enough:
                if not self._asleep:
                    self._execute(end)
                elif not self._wake(end, through_sleep):
                    return True
        except Lockup as error:
            raise self._fault("the firmware leaves the core able to go on", f"lockup: {error}") from error
        except UcError as error:
            raise self._fault("the stack and the vectors lie in memory", f"exception entry failed: {error}") from error
        return self._asleep and not self.usart.waiting

    def _execute(self, end: int) -> None:
        if self.now >= self._burst_at and self.usart.waiting:
            self._next_burst()
        ready = self.exceptions.ready()
        if ready is not None:
            self._pc = self.exceptions.enter(ready, self._pc)
        try:
            stop = self.cpu.run(self._pc, self._allowance(end))
        finally:
            self._pc = self.cpu.pc
        if self.scb.reset_requested:
            self._reset(stm32f4.SOFTWARE)
        elif stop is not Stop.LIMIT:
            self._handle(stop)
        if self.systick.take_event():
            self.exceptions.pending.add(SYSTICK)

    def _allowance(self, end: int) -> int:
        """Instructions until something has to be looked at; one at a time while a mask holds back an exception."""
        if self.exceptions.blocked():
            return 1
        now = self.now
        limit = min(end, now + _SLICE)
        if self.systick.interrupts:
            limit = min(limit, self.systick.next_event())
        if self.usart.waiting:
            limit = min(limit, self._burst_at)
        return max(1, limit - now)

    def _next_burst(self) -> None:
        self.usart.offer()
        self._burst_at = self.now + self.usart.burst_clocks()

    def _wake(self, end: int, through_sleep: bool) -> bool:
        """False: sleeps on."""
        if self.usart.waiting:
            self._next_burst()
        if not self.exceptions.wakes() and through_sleep:
            until = min(end, self.systick.next_event()) if self.systick.interrupts else end
            self._slept += max(0, until - self.now)
            if self.systick.take_event():
                self.exceptions.pending.add(SYSTICK)
        self._asleep = not self.exceptions.wakes()
        return not self._asleep or through_sleep

    def _handle(self, stop: Stop) -> None:
        if stop is Stop.SLEEP:
            self._asleep = not self.exceptions.wakes()
            if self._fpu_before_enabled():
                self._take_fault(USAGE_FAULT, _NOCP, "a floating-point instruction ran before CPACR enabled the FPU")
        elif stop is Stop.EXCEPTION_RETURN:
            self._pc = self.exceptions.leave(self._pc | 1)
        elif stop is Stop.SVC and self.exceptions.priority(SVCALL) < self.exceptions.execution_priority():
            self._pc = self.exceptions.enter(SVCALL, self._pc)
        elif stop is Stop.ACCESS:
            self.registers.words[system.BFAR] = self.cpu.fault_address
            self._take_fault(
                BUS_FAULT, _PRECISERR, f"access to {self.cpu.fault_address:#010x}, which the board does not allow"
            )
        elif stop is Stop.FETCH:
            self._take_fault(BUS_FAULT, _IBUSERR, f"jump to {self._pc:#010x}, where the board has no code")
        elif stop is Stop.UNDEFINED:
            self._take_fault(USAGE_FAULT, _UNDEFINSTR, "an instruction that a Cortex-M4 does not have")
        else:
            self._take_fault(HARD_FAULT, 0, "a breakpoint or SVC instruction that nothing can handle now")

    def _fpu_before_enabled(self) -> bool:
        enabled = self.registers.words.get(system.CPACR, 0) & 0xF0_0000 == 0xF0_0000
        return not enabled and bool(self.cpu.read(arm.UC_ARM_REG_CONTROL) & _FPCA)

    def _take_fault(self, number: int, cfsr: int, what: str) -> None:
        """Escalates as DDI 0403 B1.5.14: a fault that is off, or not urgent enough, becomes a HardFault."""
        if self._faults == "raise":
            raise self._fault("the firmware does only what its core and its board can do", what)
        limit = self.exceptions.execution_priority()
        enabled = self.registers.words.get(system.SHCSR, 0) & _SHCSR_ENABLE.get(number, 0)
        self.scb.status[system.CFSR] |= cfsr
        if not enabled or self.exceptions.priority(number) >= limit:
            self.scb.status[system.HFSR] |= _FORCED if number != HARD_FAULT else _DEBUGEVT
            number = HARD_FAULT
        if limit <= self.exceptions.priority(HARD_FAULT):
            raise Lockup(f"{what}, while a fault is being handled")
        self._pc = self.exceptions.enter(number, self._pc)

    def _stacking_failed(self, number: int) -> int:
        """The stack pointer has left memory, as a stack overflow does: DDI 0403 B1.5.14, a derived exception."""
        what = "the stack has left memory when an exception was taken"
        if self._faults == "raise":
            raise self._fault("the stack fits its memory", what)
        if number != HARD_FAULT and self.exceptions.execution_priority() <= self.exceptions.priority(HARD_FAULT):
            raise Lockup(f"{what}, while a fault is being handled")
        self.scb.status[system.CFSR] |= _STKERR
        self.scb.status[system.HFSR] |= _FORCED
        return HARD_FAULT

    def _fault(self, rule: str, what: str) -> FirmwareFault:
        places = {"pc": self._pc & ~1, "lr": self.cpu.read(arm.UC_ARM_REG_LR)}
        where = ", ".join(f"{key} {at:#010x} ({symbols.locate(self._elf, at)})" for key, at in places.items())
        unclocked = ", ".join(f"{address:#010x}" for address in list(self.registers.unclocked)[:3])
        hint = f"first suspect: accesses to peripherals without a clock: {unclocked}" if unclocked else ""
        self._dead = FirmwareFault(rule, f"{what}; {where}, after {self.cpu.executed} instructions", hint)
        return self._dead

    def _reset(self, cause: int) -> None:
        """Everything but RAM to its reset state; the first two vectors start the core."""
        self.registers.reset(stm32f4.RESET_VALUES | system.RESET_VALUES | {system.VTOR: self._vectors})
        for part in (self.exceptions, self.scb, self.systick, self.dwt, self.usart):
            part.reset()
        self.power.reset_flags |= cause
        self.resets += 1
        self._asleep = False
        vectors = bytes(self.cpu.uc.mem_read(self._vectors, 8))
        for register in _ZERO_AT_RESET:
            self.cpu.write(register, 0)
        self.cpu.write(arm.UC_ARM_REG_XPSR, 1 << 24)
        self.cpu.write(arm.UC_ARM_REG_SP, int.from_bytes(vectors[:4], "little") & ~3)
        self.cpu.write(arm.UC_ARM_REG_LR, 0xFFFF_FFFF)
        self._pc = int.from_bytes(vectors[4:], "little") & ~1

    def _map(self, memory: Memory) -> None:
        """Flash that code cannot write, RAM with noise in it, as RAM has at power-on; and the peripherals."""
        noise = random.Random(0).randbytes(memory.ram.bytes)  # noqa: S311
        for region, rights in (
            (memory.flash, const.UC_PROT_READ | const.UC_PROT_EXEC),
            (memory.ram, const.UC_PROT_ALL),
        ):
            start, end = region.origin & ~0xFFF, (region.end + 0xFFF) & ~0xFFF
            self.cpu.uc.mem_map(start, end - start, rights)
        self.cpu.uc.mem_write(memory.flash.origin, b"\xff" * memory.flash.bytes)
        self.cpu.uc.mem_write(memory.ram.origin, noise)
        for base, size in stm32f4.REGIONS:
            self.cpu.map_registers(base, size, self.registers.read, self.registers.write)

    def _load(self, flash: Region) -> None:
        for address, data in _segments(self._elf):
            if not flash.origin <= address or address + len(data) > flash.end:
                raise UsageError(
                    "an image lies inside the board's flash",
                    f"{self._elf}: {len(data)} bytes at {address:#010x}, flash ends at {flash.end:#010x}",
                    "build it for this board",
                )
            self.cpu.uc.mem_write(address, data)


def _needed(board: Board) -> tuple[Memory, Clock, Uart]:
    if board.memory is None or board.clock is None or board.uart is None:
        raise UsageError(
            "a virtual board has [memory], [clock] and [uart]", f"board {board.name}", "see boards/README.md"
        )
    return board.memory, board.clock, board.uart


def _segments(elf: Path) -> list[tuple[int, bytes]]:
    """What a programmer would write: (physical address, bytes) of each loaded segment."""
    try:
        with elf.open("rb") as stream:
            return [(s["p_paddr"], s.data()) for s in ELFFile(stream).iter_segments("PT_LOAD") if s["p_filesz"]]
    except OSError as error:
        raise UsageError("the image can be read", f"{elf}: {error.strerror}", "build it first") from error
    except ELFError as error:
        raise UsageError("the image is an ELF file", f"{elf}: {error}", "give the .elf, not the .bin") from error
