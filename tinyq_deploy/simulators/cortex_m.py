# SPDX-License-Identifier: Apache-2.0
"""Exceptions of an Armv7-M core, which unicorn leaves out: what is pending, what wins, stacking and unstacking.

Source: Armv7-M Architecture Reference Manual (DDI 0403), B1.5 "Armv7-M exception model". Kept simple, and said here:
one stack (MSP); no subpriorities; floating-point state is stacked at once, where silicon reserves the space and stacks
when the handler first touches it; the GE flags are not restored, as compilers only rely on them within a few
instructions of a function, and handlers do not set them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from unicorn import arm_const as arm
from unicorn.unicorn_py3.unicorn import UcError

from tinyq_deploy.simulators.registers import Registers
from tinyq_deploy.simulators.unicorn_cpu import Bank, CountedCpu

HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT, SVCALL, PENDSV, SYSTICK, FIRST_IRQ = 3, 4, 5, 6, 11, 14, 15, 16
IRQS = 96

_ISER, _ICER, _ISPR, _ICPR, _IABR, _IPR = (0xE000E100, 0xE000E180, 0xE000E200, 0xE000E280, 0xE000E300, 0xE000E400)
_SHPR1, _VTOR, _STIR = 0xE000ED18, 0xE000ED08, 0xE000EF00
_IDLE_PRIORITY = 256
_FPCA, _SPSEL = 1 << 2, 1 << 1
_THUMB, _ALIGNED, _EXCEPTION = 1 << 24, 1 << 9, 0x1FF
_FRAME = (
    arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3, arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR,
)  # fmt: skip
_FLOATS = (*(arm.UC_ARM_REG_D0 + index for index in range(8)), arm.UC_ARM_REG_FPSCR)


class Lockup(Exception):
    """A fault while a fault is being handled, or an exception that cannot be taken: the core stops for good."""


@dataclass(frozen=True)
class _Masks:
    primask: int
    basepri: int
    faultmask: int


_NO_MASKS = _Masks(0, 0, 0)


class Exceptions:
    """Pending, enabled and active exceptions by number (16 + n for interrupt n)."""

    def __init__(self, cpu: CountedCpu, registers: Registers) -> None:
        self._cpu = cpu
        self._registers = registers
        self.enabled: set[int] = set()
        self.pending: set[int] = set()
        self.lines: set[int] = set()
        self.active: list[int] = []
        self._masks = _NO_MASKS
        self.stacking_failed: Callable[[int], int] = _give_up
        self._make_banks()
        self._install()

    def _make_banks(self) -> None:
        control, stack, xpsr = arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_SP, arm.UC_ARM_REG_XPSR
        self._mask_bank = Bank(arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK)
        self._floats = Bank(*_FLOATS)
        self._state, self._stack = Bank(control, xpsr), Bank(stack, control)
        self._stacked = Bank(*_FRAME, xpsr, stack, control)
        self._entered = Bank(control, stack, arm.UC_ARM_REG_LR, xpsr)
        self._chained = Bank(control, arm.UC_ARM_REG_LR, xpsr)
        self._left = Bank(arm.UC_ARM_REG_FAULTMASK, control, stack, *_FRAME, xpsr)

    def reset(self) -> None:
        """As after a reset: nothing enabled, pending or active. Lines are the peripherals' business."""
        for group in (self.enabled, self.pending, self.lines):
            group.clear()
        self.active.clear()

    def line(self, irq: int, level: bool) -> None:
        """A peripheral drives its interrupt line: a high line pends until it is serviced and low."""
        number = FIRST_IRQ + irq
        if not level:
            self.lines.discard(number)
        elif number not in self.lines:
            self.lines.add(number)
            if number not in self.active:
                self.pending.add(number)

    def priority(self, number: int) -> int:
        """Lower is more urgent; -1 is HardFault."""
        if number <= HARD_FAULT:
            return -1
        place = _IPR + number - FIRST_IRQ if number >= FIRST_IRQ else _SHPR1 + number - 4
        return self._registers.byte(place) & 0xF0

    def ready(self) -> int | None:
        """The pending, enabled exception that is to be taken now. Looks at the core's masks."""
        if not self.pending:
            return None
        self._masks = self._read_masks()
        return self._winner(self._masks)

    def blocked(self) -> bool:
        """True while only the masks that `ready` saw keep a pending exception from being taken."""
        if not self.pending or self._masks == _NO_MASKS:
            return False
        return self._winner(_NO_MASKS) is not None and self._winner(self._masks) is None

    def wakes(self) -> bool:
        """True when a pending exception ends WFI, which PRIMASK does not prevent (B1.5.19)."""
        if not self.pending:
            return False
        masks = self._read_masks()
        return self._winner(_Masks(0, masks.basepri, masks.faultmask)) is not None

    def enter(self, number: int, return_pc: int) -> int:
        """Stacks the state and gives the handler's address (B1.5.6). `number` becomes active."""
        *words, xpsr, before, control = self._cpu.read_many(self._stacked)
        if control & _SPSEL:
            raise Lockup("the firmware uses the process stack, which the virtual board does not have")
        floating = bool(control & _FPCA)
        frame = before - (0x68 if floating else 0x20) & ~7
        padded = _ALIGNED if before & 4 else 0
        data = struct.pack("<8I", *words, return_pc & ~1, xpsr & ~_ALIGNED | padded)
        if floating:
            data += struct.pack("<9Q", *self._cpu.read_many(self._floats))
        number = self._store_frame(number, frame, data)
        exc_return = (0xFFFF_FFE1 if self.active else 0xFFFF_FFE9) | (0 if floating else 0x10)
        status = _THUMB | number | xpsr & 0xF800_0000
        self._cpu.write_many(self._entered, (control & 3 & ~_FPCA, frame, exc_return, status))
        return self._activate(number)

    def leave(self, exc_return: int) -> int:
        """Ends the active exception and gives the address to go on at: the next handler's (tail-chaining, B1.5.12), or
        that of the interrupted code. A line that is still high pends again."""
        if not self.active or exc_return & 0xFFFF_FFEF not in (0xFFFF_FFE1, 0xFFFF_FFE9):
            raise Lockup(f"an exception return to {exc_return:#010x} that no exception entry gave")
        number = self.active.pop()
        if number in self.lines:
            self.pending.add(number)
        following = self.ready()
        if following is None:
            return self._unstack(floating=not exc_return & 0x10)
        control, xpsr = self._cpu.read_many(self._state)
        status = _THUMB | following | xpsr & 0xF800_0000
        self._cpu.write_many(self._chained, (control & 3 & ~_FPCA, exc_return, status))
        return self._activate(following)

    def _activate(self, number: int) -> int:
        self.pending.discard(number)
        self.active.append(number)
        return self._vector(number)

    def _store_frame(self, number: int, frame: int, data: bytes) -> int:
        """Gives the exception to enter: another one, chosen by `stacking_failed`, when the stack is not in memory."""
        try:
            self._cpu.uc.mem_write(frame, data)
        except UcError:
            return self.stacking_failed(number)
        return number

    def _unstack(self, floating: bool) -> int:
        (frame, before) = self._cpu.read_many(self._stack)
        size = 0x68 if floating else 0x20
        data = bytes(self._cpu.uc.mem_read(frame, size))
        *words, return_pc, xpsr = struct.unpack_from("<8I", data)
        if floating:
            self._cpu.write_many(self._floats, struct.unpack_from("<9Q", data, 0x20))
        control = before & 3 & ~_FPCA | (_FPCA if floating else 0)
        after = frame + size + (4 if xpsr & _ALIGNED else 0)
        self._cpu.write_many(self._left, (0, control, after, *words, xpsr & ~_ALIGNED | _THUMB))
        return int(return_pc)

    def _vector(self, number: int) -> int:
        place = self._registers.words.get(_VTOR, 0) + 4 * number
        return int.from_bytes(bytes(self._cpu.uc.mem_read(place, 4)), "little")

    def _read_masks(self) -> _Masks:
        primask, basepri, faultmask = self._cpu.read_many(self._mask_bank)
        return _Masks(primask & 1, basepri & 0xF0, faultmask & 1)

    def execution_priority(self) -> int:
        """What a new exception has to beat."""
        return self._threshold(self._read_masks())

    def _threshold(self, masks: _Masks) -> int:
        limit = min((self.priority(number) for number in self.active), default=_IDLE_PRIORITY)
        if masks.basepri:
            limit = min(limit, masks.basepri)
        if masks.primask:
            limit = min(limit, 0)
        return min(limit, -1) if masks.faultmask else limit

    def _winner(self, masks: _Masks) -> int | None:
        able = [number for number in self.pending if number < FIRST_IRQ or number in self.enabled]
        if not able:
            return None
        best = min(able, key=lambda number: (self.priority(number), number))
        return best if self.priority(best) < self._threshold(masks) else None

    def _install(self) -> None:
        """NVIC: set and clear registers act on the sets above; priorities are plain bytes."""
        registers = self._registers
        for index in range(IRQS // 32):
            base, word = FIRST_IRQ + 32 * index, 4 * index
            for register, group in ((_ISER, self.enabled), (_ISPR, self.pending)):
                registers.readers[register + word] = partial(_bits, base, group)
                registers.writers[register + word] = partial(self._set, group, base)
            for register, group in ((_ICER, self.enabled), (_ICPR, self.pending)):
                registers.readers[register + word] = partial(_bits, base, group)
                registers.writers[register + word] = partial(self._clear, group, base)
            registers.readers[_IABR + word] = partial(_bits, base, self.active)
        registers.writers[_STIR] = lambda value: self._set(self.pending, FIRST_IRQ + (value & 0x1FF), 1)

    def _set(self, group: set[int], base: int, value: int) -> None:
        group |= {base + bit for bit in range(32) if value >> bit & 1}
        self._cpu.stop_soon()

    def _clear(self, group: set[int], base: int, value: int) -> None:
        group -= {base + bit for bit in range(32) if value >> bit & 1}
        self.pending |= self.lines - set(self.active)


def _bits(base: int, numbers: set[int] | list[int]) -> int:
    return sum(1 << number - base for number in numbers if base <= number < base + 32)


def _give_up(number: int) -> int:
    raise Lockup(f"the stack is not in memory when exception {number} is taken")
