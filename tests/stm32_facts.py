# SPDX-License-Identifier: Apache-2.0
"""Registers of four STM32 families, transcribed by name from other sources than the board files were written from.

Bases and field positions: libopencm3 2da12dc (memorymap.h, rcc.h, pwr.h, flash.h, gpio.h, irq.json of each family) and,
where it has none (F4 over-drive, L4R5 PWR_CR5, GPIO and G0/L4 CCIPR), CMSIS-SVD 05a9562 or the ST device header.
PLL limits and wait states: ChibiOS hal_lld headers. Nothing here may be computed from boards/*.toml.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MHZ = 1_000_000
Fields = dict[str, tuple[int, int]]  # field -> (position of its lowest bit, width)


@dataclass(frozen=True)
class Family:
    """One family: base addresses, registers (block, offset, fields), and limits in Hz."""

    bases: dict[str, int]
    registers: dict[str, tuple[str, int, Fields]]
    reset: dict[str, int]
    sw_pll: int
    pll_in: tuple[int, int]
    vco: tuple[int, int]
    gpio_enable: str
    usart_enable: str
    csr: str
    rmvf: int
    reset_hz: int
    extra: dict[str, int] = field(default_factory=dict)

    def address(self, register: str) -> int:
        """Where a register is."""
        block, offset, _ = self.registers[register]
        return self.bases[block] + offset

    def at(self, address: int) -> str:
        """Name of the register at an address; KeyError when the tables know none."""
        return {self.address(name): name for name in self.registers}[address]

    def mask(self, register: str, name: str) -> int:
        """Bits of a field."""
        position, width = self.registers[register][2][name]
        return ((1 << width) - 1) << position


def _pins(fields: str, width: int, count: int = 16, first: int = 0) -> Fields:
    return {f"{fields}{first + n}": (n * width, width) for n in range(count)}


def _gpio(port: str) -> dict[str, tuple[str, int, Fields]]:
    return {
        f"GPIO{port}_MODER": (f"GPIO{port}", 0x00, _pins("MODER", 2)),
        f"GPIO{port}_PUPDR": (f"GPIO{port}", 0x0C, _pins("PUPDR", 2)),
        f"GPIO{port}_AFRL": (f"GPIO{port}", 0x20, _pins("AFR", 4, 8)),
        f"GPIO{port}_AFRH": (f"GPIO{port}", 0x24, _pins("AFR", 4, 8, 8)),
    }


_CFGR_LOW: Fields = {"SW": (0, 2), "SWS": (2, 2), "HPRE": (4, 4)}
_CR_HIGH: Fields = {"HSEON": (16, 1), "HSERDY": (17, 1), "HSEBYP": (18, 1), "PLLON": (24, 1), "PLLRDY": (25, 1)}
_ACR: Fields = {"LATENCY": (0, 4), "PRFTEN": (8, 1), "ICEN": (9, 1), "DCEN": (10, 1)}

F4 = Family(
    bases={"USART2": 0x40004400, "PWR": 0x40007000, "GPIOA": 0x40020000, "RCC": 0x40023800, "FLASH": 0x40023C00},
    registers={
        "RCC_CR": ("RCC", 0x00, {"HSION": (0, 1), "HSIRDY": (1, 1), **_CR_HIGH}),
        "RCC_PLLCFGR": (
            "RCC", 0x04,
            {"PLLM": (0, 6), "PLLN": (6, 9), "PLLP": (16, 2), "PLLSRC": (22, 1), "PLLQ": (24, 4), "PLLR": (28, 3)},
        ),
        "RCC_CFGR": ("RCC", 0x08, {**_CFGR_LOW, "PPRE1": (10, 3), "PPRE2": (13, 3)}),
        "RCC_AHB1ENR": ("RCC", 0x30, {"GPIOAEN": (0, 1)}),
        "RCC_APB1ENR": ("RCC", 0x40, {"USART2EN": (17, 1), "PWREN": (28, 1)}),
        "RCC_CSR": ("RCC", 0x74, {"RMVF": (24, 1)}),
        "PWR_CR": ("PWR", 0x00, {"VOS": (14, 2), "ODEN": (16, 1), "ODSWEN": (17, 1)}),
        "PWR_CSR": ("PWR", 0x04, {"VOSRDY": (14, 1), "ODRDY": (16, 1), "ODSWRDY": (17, 1)}),
        "FLASH_ACR": ("FLASH", 0x00, _ACR),
        **_gpio("A"),
    },
    reset={"RCC_PLLCFGR": 0x24003010, "RCC_CR": 0x83},
    sw_pll=2, pll_in=(1 * MHZ, 2 * MHZ), vco=(192 * MHZ, 432 * MHZ),
    gpio_enable="RCC_AHB1ENR", usart_enable="RCC_APB1ENR", csr="RCC_CSR", rmvf=24, reset_hz=16 * MHZ,
)  # fmt: skip

_L4_BASES = {
    "USART2": 0x40004400, "PWR": 0x40007000, "LPUART1": 0x40008000, "RCC": 0x40021000, "FLASH": 0x40022000,
    "GPIOA": 0x48000000, "GPIOG": 0x48001800,
}  # fmt: skip
_L4_REGISTERS: dict[str, tuple[str, int, Fields]] = {
    "RCC_CR": ("RCC", 0x00, {"HSION": (8, 1), "HSIRDY": (10, 1), **_CR_HIGH}),
    "RCC_CFGR": ("RCC", 0x08, {**_CFGR_LOW, "PPRE1": (8, 3), "PPRE2": (11, 3)}),
    "RCC_AHB2ENR": ("RCC", 0x4C, {"GPIOAEN": (0, 1), "GPIOGEN": (6, 1)}),
    "RCC_APB1ENR1": ("RCC", 0x58, {"USART2EN": (17, 1), "PWREN": (28, 1)}),
    "RCC_APB1ENR2": ("RCC", 0x5C, {"LPUART1EN": (0, 1)}),
    "RCC_CCIPR": ("RCC", 0x88, {"USART2SEL": (2, 2), "LPUART1SEL": (10, 2)}),
    "RCC_CSR": ("RCC", 0x94, {"RMVF": (23, 1)}),
    "PWR_CR1": ("PWR", 0x00, {"VOS": (9, 2)}),
    "PWR_CR2": ("PWR", 0x04, {"IOSV": (9, 1)}),
    **_gpio("A"), **_gpio("G"),
}  # fmt: skip


def _l4(pllm_width: int, latency_width: int, extra: dict[str, tuple[str, int, Fields]], pll_in: int) -> Family:
    pll: Fields = {
        "PLLSRC": (0, 2), "PLLM": (4, pllm_width), "PLLN": (8, 7), "PLLPEN": (16, 1), "PLLREN": (24, 1),
        "PLLR": (25, 2),
    }  # fmt: skip
    acr = {**_ACR, "LATENCY": (0, latency_width)}
    return Family(
        bases=_L4_BASES,
        registers={
            **_L4_REGISTERS, "RCC_PLLCFGR": ("RCC", 0x0C, pll), "FLASH_ACR": ("FLASH", 0x00, acr), **extra,
        },
        reset={"RCC_CR": 0x63, "RCC_PLLCFGR": 0x1000, "PWR_CR5": 0x100, "PWR_CR1": 0x200},
        sw_pll=3, pll_in=(pll_in, 16 * MHZ), vco=(64 * MHZ, 344 * MHZ),
        gpio_enable="RCC_AHB2ENR", usart_enable="RCC_APB1ENR1", csr="RCC_CSR", rmvf=23, reset_hz=4 * MHZ,
    )  # fmt: skip


L4 = _l4(3, 3, {}, 4 * MHZ)
L4_PLUS = _l4(4, 4, {"PWR_CR5": ("PWR", 0x80, {"R1MODE": (8, 1)})}, 2_660_000)

G0 = Family(
    bases={"USART2": 0x40004400, "PWR": 0x40007000, "RCC": 0x40021000, "FLASH": 0x40022000, "GPIOA": 0x50000000},
    registers={
        "RCC_CR": ("RCC", 0x00, {"HSION": (8, 1), "HSIRDY": (10, 1), **_CR_HIGH}),
        "RCC_CFGR": ("RCC", 0x08, {"SW": (0, 3), "SWS": (3, 3), "HPRE": (8, 4), "PPRE1": (12, 3)}),
        "RCC_PLLCFGR": (
            "RCC", 0x0C,
            {"PLLSRC": (0, 2), "PLLM": (4, 3), "PLLN": (8, 7), "PLLPEN": (16, 1), "PLLREN": (28, 1), "PLLR": (29, 3)},
        ),
        "RCC_IOPENR": ("RCC", 0x34, {"GPIOAEN": (0, 1)}),
        "RCC_APBENR1": ("RCC", 0x3C, {"USART2EN": (17, 1), "PWREN": (28, 1)}),
        "RCC_CCIPR": ("RCC", 0x54, {"USART2SEL": (2, 2)}),
        "RCC_CSR": ("RCC", 0x60, {"RMVF": (23, 1)}),
        "FLASH_ACR": ("FLASH", 0x00, {"LATENCY": (0, 3), "PRFTEN": (8, 1), "ICEN": (9, 1)}),
        **_gpio("A"),
    },
    reset={"RCC_CR": 0x500, "RCC_PLLCFGR": 0x1000},
    sw_pll=2, pll_in=(2_660_000, 16 * MHZ), vco=(64 * MHZ, 344 * MHZ),
    gpio_enable="RCC_IOPENR", usart_enable="RCC_APBENR1", csr="RCC_CSR", rmvf=23, reset_hz=16 * MHZ,
)  # fmt: skip

F1 = Family(
    bases={"USART2": 0x40004400, "GPIOA": 0x40010800, "RCC": 0x40021000, "FLASH": 0x40022000},
    registers={
        "RCC_CR": ("RCC", 0x00, {"HSION": (0, 1), "HSIRDY": (1, 1), **_CR_HIGH}),
        "RCC_CFGR": (
            "RCC", 0x04,
            {**_CFGR_LOW, "PPRE1": (8, 3), "PPRE2": (11, 3), "PLLSRC": (16, 1), "PLLXTPRE": (17, 1), "PLLMUL": (18, 4)},
        ),
        "RCC_APB2ENR": ("RCC", 0x18, {"AFIOEN": (0, 1), "IOPAEN": (2, 1)}),
        "RCC_APB1ENR": ("RCC", 0x1C, {"USART2EN": (17, 1)}),
        "RCC_CSR": ("RCC", 0x24, {"RMVF": (24, 1)}),
        "FLASH_ACR": ("FLASH", 0x00, {"LATENCY": (0, 3), "PRFTBE": (4, 1)}),
        "GPIOA_CRL": ("GPIOA", 0x00, {"MODE2": (8, 2), "CNF2": (10, 2), "MODE3": (12, 2), "CNF3": (14, 2)}),
        "GPIOA_BSRR": ("GPIOA", 0x10, {"BS3": (3, 1)}),
    },
    reset={"RCC_CR": 0x83},
    sw_pll=2, pll_in=(1 * MHZ, 25 * MHZ), vco=(16 * MHZ, 72 * MHZ),
    gpio_enable="RCC_APB2ENR", usart_enable="RCC_APB1ENR", csr="RCC_CSR", rmvf=24, reset_hz=8 * MHZ,
)  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """One board: sizes, volume, limits. `waits`: highest core clock in MHz for 0, 1, 2 ... wait states."""

    family: Family
    hz: int
    flash: int
    ram: int
    volume: str
    waits: tuple[int, ...]
    apb1_most: int
    uart: str
    irq: int
    pins: tuple[int, int]
    af: int
    vos: int | None = None


_F4_PINS = ("USART2", 38, (2, 3), 7)
CHIPS = {
    "nucleo-f446re": Chip(F4, 180 * MHZ, 524288, 131072, "NODE_F446RE", (30, 60, 90, 120, 150, 180), 45, *_F4_PINS, 3),
    "nucleo-f401re": Chip(F4, 84 * MHZ, 524288, 98304, "NODE_F401RE", (30, 60, 84), 42, *_F4_PINS, 2),
    "nucleo-f411re": Chip(F4, 100 * MHZ, 524288, 131072, "NODE_F411RE", (30, 64, 90, 100), 50, *_F4_PINS, 3),
    "nucleo-l476rg": Chip(L4, 80 * MHZ, 1048576, 98304, "NODE_L476RG", (16, 32, 48, 64, 80), 80, *_F4_PINS),
    "nucleo-l4r5zi": Chip(
        L4_PLUS, 120 * MHZ, 2097152, 655360, "NODE_L4R5ZI", (20, 40, 60, 80, 100, 120), 120, "LPUART1", 70, (7, 8), 8
    ),
    "nucleo-g071rb": Chip(G0, 64 * MHZ, 131072, 32768, "NODE_G071RB", (24, 48, 64), 64, "USART2", 28, (2, 3), 1),
    "nucleo-f103rb": Chip(F1, 72 * MHZ, 131072, 20480, "NODE_F103RB", (24, 48, 72), 36, "USART2", 38, (2, 3), 0),
}
