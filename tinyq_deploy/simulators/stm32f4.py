# SPDX-License-Identifier: Apache-2.0
"""The peripherals of an STM32F4 that firmware's start-up and link touch: RCC, PWR, USART. Others are plain registers.

Source: ST RM0390 (F446), RM0368 (F401) and RM0383 (F411): RCC and PWR register maps, USART chapter. Clocks are ready as
soon as they are on; a transmitted byte leaves at once; a block whose RCC enable bit is clear loses what is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tinyq_deploy.board import Uart
from tinyq_deploy.simulators.cortex_m import Exceptions
from tinyq_deploy.simulators.registers import Registers

REGIONS = (
    (0x4000_0000, 0x8000),  # APB1
    (0x4001_0000, 0x8000),  # APB2
    (0x4002_0000, 0x8000),  # AHB1
    (0xE000_0000, 0x2000),  # ITM, DWT
    (0xE000_E000, 0x1000),  # SCS
    (0xE004_0000, 0x3000),  # TPIU, ETM, DBGMCU
)
"""Where peripherals answer: (base, bytes). Anything else is a bus fault."""

RCC, PWR = 0x4002_3800, 0x4000_7000
_RCC_CR, _PLLCFGR, _CFGR, _AHB1ENR, _APB1ENR, _APB2ENR, _BDCR, _CSR = (
    RCC, RCC + 4, RCC + 8, RCC + 0x30, RCC + 0x40, RCC + 0x44, RCC + 0x70, RCC + 0x74,
)  # fmt: skip
_PWR_CR, _PWR_CSR = PWR, PWR + 4
_HSI_HZ, _HSE_HZ = 16_000_000, 8_000_000
_READY = (1 << 0, 1 << 16, 1 << 24, 1 << 26, 1 << 28)
"""RCC_CR: HSION, HSEON, PLLON, PLLI2SON, PLLSAION. The ready flag is the next bit."""
_USART_ENABLE = {
    0x4001_1000: (_APB2ENR, 4), 0x4000_4400: (_APB1ENR, 17), 0x4000_4800: (_APB1ENR, 18),
    0x4000_4C00: (_APB1ENR, 19), 0x4000_5000: (_APB1ENR, 20), 0x4001_1400: (_APB2ENR, 5),
}  # fmt: skip
POWER_ON, SOFTWARE = 0x0E00_0000, 0x1400_0000
"""RCC_CSR reset flags: POR, PIN and BOR; software and PIN."""
_RMVF = 1 << 24

RESET_VALUES = {_RCC_CR: 0x83, _PLLCFGR: 0x2400_3010, _PWR_CR: 0xC000, 0x4002_0000: 0xA800_0000, 0x4002_0400: 0x280}


class ClockAndPower:
    """RCC and PWR: every ready flag follows its enable bit."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self.reset_flags = POWER_ON
        registers.gate(PWR, _APB1ENR, 28)
        for port in range(8):
            registers.gate(0x4002_0000 + 0x400 * port, _AHB1ENR, port)
        registers.writers |= {_RCC_CR: self._write_cr, _CFGR: self._write_cfgr, _CSR: self._write_csr}
        registers.writers |= {_BDCR: self._write_bdcr, _PWR_CSR: lambda _: None}
        registers.readers |= {_CSR: self._read_csr, _PWR_CSR: self._read_pwr_csr}

    @property
    def core_hz(self) -> int:
        """The core clock that the registers set, Hz (RM0390 6.3.2 and 6.3.3)."""
        cfgr = self._registers.words.get(_CFGR, 0)
        source = (_HSI_HZ, _HSE_HZ, self._pll_hz(), 0)[cfgr & 3]
        prescaler = cfgr >> 4 & 0xF
        shift = (1, 2, 3, 4, 6, 7, 8, 9)[prescaler - 8] if prescaler >= 8 else 0
        return source >> shift

    def _pll_hz(self) -> int:
        value = self._registers.words.get(_PLLCFGR, 0)
        source = _HSE_HZ if value >> 22 & 1 else _HSI_HZ
        m, n, p = value & 0x3F, value >> 6 & 0x1FF, 2 * ((value >> 16 & 3) + 1)
        return source * n // (m * p) if m else 0

    def _write_cr(self, value: int) -> None:
        for enable in _READY:
            value = value | enable << 1 if value & enable else value & ~(enable << 1)
        self._registers.words[_RCC_CR] = value

    def _write_cfgr(self, value: int) -> None:
        """SWS follows SW when the wanted source is ready, else stays."""
        ready = self._registers.words.get(_RCC_CR, 0) & (1 << 1, 1 << 17, 1 << 25, 0)[value & 3]
        source = value & 3 if ready else self._registers.words.get(_CFGR, 0) >> 2 & 3
        self._registers.words[_CFGR] = value & ~0xC | source << 2

    def _write_bdcr(self, value: int) -> None:
        self._registers.words[_BDCR] = value & ~2 | (value & 1) << 1

    def _write_csr(self, value: int) -> None:
        if value & _RMVF:
            self.reset_flags = 0
        self._registers.words[_CSR] = value & 1

    def _read_csr(self) -> int:
        low = self._registers.words.get(_CSR, 0) & 1
        return self.reset_flags | low << 1 | low

    def _read_pwr_csr(self) -> int:
        """VOSRDY (14) always, ODRDY (16) and ODSWRDY (17) as ODEN and ODSWEN of PWR_CR."""
        return 1 << 14 | self._registers.words.get(_PWR_CR, 0) & 3 << 16


class Usart:
    """USART "v1" (SR, DR, BRR, CR1): the link. Received bytes wait outside until the firmware has room for them.

    A host may write any amount at once, as if there were flow control: a burst of `BURST` bytes is offered without a
    pause, the next one when the firmware sleeps (it has dealt with the last) or when a line of the set baud rate would
    have delivered the burst. A firmware with a receive ring of that size therefore loses nothing.
    """

    BURST = 64
    _RXNE, _TC_TXE = 1 << 5, 3 << 6
    _DR, _BRR, _CR1 = 4, 8, 12
    _UE = 1 << 13
    _RECEIVES, _SENDS = 1 << 13 | 1 << 2, 1 << 13 | 1 << 3

    def __init__(
        self, uart: Uart, core_hz: int, exceptions: Exceptions, stop_soon: Callable[[], None], registers: Registers
    ) -> None:
        self._uart = uart
        self._core_hz = core_hz
        self._exceptions = exceptions
        self._stop_soon = stop_soon
        self._registers = registers
        self._base = uart.base
        self.incoming: deque[int] = deque()
        self.outgoing = bytearray()
        self._control = 0
        self._offered = 0
        self._last = 0
        if uart.base in _USART_ENABLE:
            registers.gate(uart.base, *_USART_ENABLE[uart.base])
        registers.readers |= {self._base: self._read_sr, self._base + self._DR: self._read_dr}
        registers.writers |= {self._base: lambda _: None, self._base + self._DR: self._write_dr}
        registers.readers[self._base + self._CR1] = lambda: self._control
        registers.writers[self._base + self._CR1] = self._write_cr1

    def reset(self) -> None:
        """The chip was reset; the wire was not: what the host has sent still comes."""
        self._offered = self._control = 0

    def offer(self) -> None:
        """The line has another burst."""
        self._offered = min(self.BURST, len(self.incoming)) if self._control & self._RECEIVES == self._RECEIVES else 0
        self._drive()

    @property
    def waiting(self) -> bool:
        """True while the host has bytes on their way to a receiver that is on."""
        return bool(self.incoming) and self._control & self._RECEIVES == self._RECEIVES

    def burst_clocks(self) -> int:
        """Core clocks that a burst takes on the line: 10 bits a byte, BRR clocks of the peripheral a bit."""
        divider = self._registers.words.get(self._base + self._BRR, 0) or 16
        return self.BURST * 10 * divider * max(1, self._core_hz // self._uart.clock_hz)

    @property
    def baud(self) -> float:
        """The rate that BRR sets, given the clock that the board file promises."""
        divider = self._registers.words.get(self._base + self._BRR, 0)
        return self._uart.clock_hz / divider if divider else 0.0

    def discard(self) -> None:
        """What the host has sent and the board has not taken is gone."""
        self.incoming.clear()
        self._offered = 0
        self._drive()

    def _drive(self) -> None:
        """The interrupt line: RXNE, TC or TXE where CR1 asks for them; TC and TXE are always set."""
        asked = self._control & self._read_sr() & (7 << 5) and self._control & self._UE
        self._exceptions.line(self._uart.irq, bool(asked))

    def _read_sr(self) -> int:
        return self._TC_TXE | self._RXNE if self._offered else self._TC_TXE

    def _read_dr(self) -> int:
        if self._offered:
            self._last = self.incoming.popleft()
            self._offered -= 1
            if not self._offered:
                self._drive()
        return self._last

    def _write_dr(self, value: int) -> None:
        if self._control & self._SENDS == self._SENDS:
            self.outgoing.append(value & 0xFF)

    def _write_cr1(self, value: int) -> None:
        self._control = value
        if value & self._RECEIVES != self._RECEIVES:
            self._offered = 0
        self._drive()
        self._stop_soon()
