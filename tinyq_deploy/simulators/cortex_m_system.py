# SPDX-License-Identifier: Apache-2.0
"""The system registers of an Armv7-M core that firmware meets: SCB, SysTick, DWT cycle counter.

Source: Armv7-M Architecture Reference Manual (DDI 0403), B3.2 (SCB), B3.3 (SysTick), C1.8 (DWT). One clock of either
counter is one executed instruction, or one skipped one of a sleep.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tinyq_deploy.simulators.cortex_m import FIRST_IRQ, PENDSV, SYSTICK, Exceptions
from tinyq_deploy.simulators.registers import Registers

CPUID, ICSR, VTOR, AIRCR, CCR, SHPR1, SHCSR = (
    0xE000ED00, 0xE000ED04, 0xE000ED08, 0xE000ED0C, 0xE000ED14, 0xE000ED18, 0xE000ED24,
)  # fmt: skip
CFSR, HFSR, MMFAR, BFAR, CPACR, DEMCR, FPCCR = (
    0xE000ED28, 0xE000ED2C, 0xE000ED34, 0xE000ED38, 0xE000ED88, 0xE000EDFC, 0xE000EF34,
)  # fmt: skip
_SYST_CSR, _SYST_RVR, _SYST_CVR = 0xE000E010, 0xE000E014, 0xE000E018
_DWT_CTRL, _DWT_CYCCNT = 0xE0001000, 0xE0001004
_TRCENA = 1 << 24
_VECTKEY, _SYSRESETREQ = 0x05FA, 1 << 2

RESET_VALUES = {CPUID: 0x410F_C241, CCR: 0x200, FPCCR: 0xC000_0000}
"""Cortex-M4 r0p1, 8-byte stack alignment, automatic floating-point stacking."""


class SysTick:
    """24-bit down counter. `now()` is the virtual time in core clocks."""

    def __init__(self, now: Callable[[], int], changed: Callable[[], None], registers: Registers) -> None:
        self._now = now
        self._changed = changed
        self.reset()
        registers.readers |= {_SYST_CSR: self._read_csr, _SYST_RVR: lambda: self._reload, _SYST_CVR: self._value}
        registers.writers |= {_SYST_CSR: self._write_csr, _SYST_RVR: self._write_rvr, _SYST_CVR: self._write_cvr}

    def reset(self) -> None:
        """Stopped, as after a reset."""
        self._csr = self._reload = self._stopped_at = 0
        self._zero_at = self._seen = self._delivered = 0
        self._flag = False

    @property
    def interrupts(self) -> bool:
        """True while the counter runs and ends in exceptions."""
        return self._csr & 3 == 3 and self._reload > 0

    def next_event(self) -> int:
        """Virtual time at which the counter next reaches 0."""
        period = self._reload + 1
        return self._zero_at + (self._phase() // period + 1) * period * self._divider

    def take_event(self) -> bool:
        """True once after the counter has reached 0 and asks for its exception."""
        if not self.interrupts:
            return False
        wraps = self._wraps()
        due = wraps > self._delivered
        self._delivered = wraps
        return due

    @property
    def _divider(self) -> int:
        return 1 if self._csr & 4 else 8

    def _phase(self) -> int:
        return (self._now() - self._zero_at) // self._divider

    def _wraps(self) -> int:
        return self._phase() // (self._reload + 1)

    def _value(self) -> int:
        if not self._csr & 1 or not self._reload:
            return self._stopped_at
        return -self._phase() % (self._reload + 1)

    def _read_csr(self) -> int:
        self._settle()
        flag, self._flag = self._flag, False
        return self._csr | flag << 16

    def _settle(self) -> None:
        """COUNTFLAG: whether the counter has reached 0 since it was last asked."""
        if self._csr & 1 and self._reload:
            wraps = self._wraps()
            self._flag = self._flag or wraps > self._seen
            self._seen = wraps

    def _restart(self, value: int) -> None:
        """The running counter holds `value` now."""
        into = self._reload + 1 - value if value else 0
        self._zero_at = self._now() - into * self._divider
        self._seen = self._delivered = 0
        self._stopped_at = value

    def _write_csr(self, value: int) -> None:
        self._settle()
        held = self._value()
        self._csr = value & 7
        self._restart(held)
        self._changed()

    def _write_rvr(self, value: int) -> None:
        self._settle()
        held = self._value()
        self._reload = value & 0xFF_FFFF
        self._restart(min(held, self._reload))
        self._changed()

    def _write_cvr(self, _: int) -> None:
        self._flag = False
        self._restart(0)
        self._changed()


class CycleCounter:
    """DWT CYCCNT: runs while DEMCR.TRCENA and DWT_CTRL.CYCCNTENA are set."""

    def __init__(self, now: Callable[[], int], registers: Registers) -> None:
        self._now = now
        self._registers = registers
        self.reset()
        registers.readers |= {_DWT_CTRL: lambda: 0x4000_0000 | self._ctrl, _DWT_CYCCNT: self._value}
        registers.writers |= {_DWT_CTRL: self._write_ctrl, _DWT_CYCCNT: self._write_value, DEMCR: self._write_demcr}

    def reset(self) -> None:
        """Stopped at 0."""
        self._ctrl = self._held = self._since = 0

    def _runs(self) -> bool:
        return bool(self._ctrl & 1 and self._registers.words.get(DEMCR, 0) & _TRCENA)

    def _value(self) -> int:
        return (self._held + (self._now() - self._since if self._runs() else 0)) & 0xFFFF_FFFF

    def _hold(self) -> None:
        self._held, self._since = self._value(), self._now()

    def _write_value(self, value: int) -> None:
        self._held, self._since = value, self._now()

    def _write_ctrl(self, value: int) -> None:
        self._hold()
        self._ctrl = value & 1

    def _write_demcr(self, value: int) -> None:
        self._hold()
        self._registers.words[DEMCR] = value


class SystemControl:
    """SCB: pending bits, reset request, fault status (write 1 to clear)."""

    def __init__(self, exceptions: Exceptions, stop_soon: Callable[[], None], registers: Registers) -> None:
        self._exceptions = exceptions
        self._stop_soon = stop_soon
        self._registers = registers
        self.reset_requested = False
        self.status = {CFSR: 0, HFSR: 0}
        registers.readers |= {ICSR: self._icsr, AIRCR: lambda: 0xFA05_0000}
        registers.writers |= {ICSR: self._write_icsr, AIRCR: self._write_aircr, CPUID: lambda _: None}
        for address in (CFSR, HFSR):
            registers.readers[address] = partial(self._status, address)
            registers.writers[address] = partial(self._clear, address)

    def reset(self) -> None:
        """No request, no fault."""
        self.reset_requested = False
        self.status = {CFSR: 0, HFSR: 0}

    def _status(self, address: int) -> int:
        return self.status[address]

    def _clear(self, address: int, value: int) -> None:
        self.status[address] &= ~value

    def _icsr(self) -> int:
        active, pending = self._exceptions.active, self._exceptions.pending
        ready = self._exceptions.ready() or 0
        bits = (PENDSV in pending) << 28 | (SYSTICK in pending) << 26 | any(n >= FIRST_IRQ for n in pending) << 22
        return bits | ready << 12 | (len(active) <= 1) << 11 | (active[-1] if active else 0)

    def _write_icsr(self, value: int) -> None:
        for bit, number in ((28, PENDSV), (26, SYSTICK)):
            if value >> bit & 1:
                self._exceptions.pending.add(number)
            if value >> (bit - 1) & 1:
                self._exceptions.pending.discard(number)
        self._stop_soon()

    def _write_aircr(self, value: int) -> None:
        if value >> 16 == _VECTKEY and value & _SYSRESETREQ:
            self.reset_requested = True
            self._stop_soon()
