# SPDX-License-Identifier: Apache-2.0
"""Every register value of every board file, recomputed from tables that were transcribed from other sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from stm32_facts import CHIPS, F1, F4, G0, L4_PLUS, MHZ, Chip, Family

from tinyq_deploy import assets, board, port
from tinyq_deploy.board import Board, Stage, Step
from tinyq_deploy.errors import UsageError

MODE_AF, AF_PUSH_PULL, INPUT_PULL, PULL_UP = 2, 0b10, 0b10, 1


class Registers:
    """What the steps leave in the chip's registers, read by field name."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.words = dict(family.reset)

    def apply(self, step: Step) -> None:
        name = self.family.at(step.addr)
        if step.op == "write":
            self.words[name] = step.value
        elif step.op == "set":
            assert step.value & ~step.mask == 0, f"{name}: value outside its mask"
            self.words[name] = self.words.get(name, 0) & ~step.mask | step.value

    def get(self, register: str, field: str) -> int:
        position, width = self.family.registers[register][2][field]
        return self.words.get(register, 0) >> position & ((1 << width) - 1)


def run(steps: tuple[Step, ...], family: Family) -> Registers:
    registers = Registers(family)
    for step in steps:
        registers.apply(step)
    return registers


def pll(registers: Registers) -> tuple[int, int, int]:
    """PLL input, VCO and output in Hz, by the formula of the family's reference manual."""
    family = registers.family
    if family is F1:
        source = 8 * MHZ if registers.get("RCC_CFGR", "PLLSRC") else 4 * MHZ
        out = source * min(registers.get("RCC_CFGR", "PLLMUL") + 2, 16)
        return source, out, out
    m, n = registers.get("RCC_PLLCFGR", "PLLM"), registers.get("RCC_PLLCFGR", "PLLN")
    source = registers.get("RCC_PLLCFGR", "PLLSRC")
    if family is F4:
        assert source == 0, "HSI"
        return 16 * MHZ // m, 16 * MHZ * n // m, 16 * MHZ * n // m // (2 * (registers.get("RCC_PLLCFGR", "PLLP") + 1))
    assert source == 2, "HSI16"
    assert registers.get("RCC_PLLCFGR", "PLLREN") == 1
    vco = 16 * MHZ * n // (m + 1)
    r = registers.get("RCC_PLLCFGR", "PLLR")
    assert family is not G0 or r > 0, "G0: PLLR 0 is reserved"
    return 16 * MHZ // (m + 1), vco, vco // (r + 1 if family is G0 else 2 * (r + 1))


def prescaled(hz: int, code: int) -> int:
    """APB clock: codes below 4 divide by 1, then 2, 4, 8, 16."""
    return hz >> max(0, code - 3)


def check_stage(stage: Stage, chip: Chip) -> None:
    """Clock of one stage, its limits and its order."""
    family = chip.family
    registers = run(stage.steps, family)
    source, vco, out = pll(registers)
    assert out == stage.hz
    assert family.pll_in[0] <= source <= family.pll_in[1]
    assert family.vco[0] <= vco <= family.vco[1]
    latency = registers.get("FLASH_ACR", "LATENCY")
    assert stage.hz <= chip.waits[latency] * MHZ, "too few wait states"
    assert latency == 0 or stage.hz > chip.waits[latency - 1] * MHZ, "more wait states than needed"
    assert registers.get("RCC_CFGR", "SW") == family.sw_pll
    assert registers.get("RCC_CFGR", "HPRE") == 0
    apb1 = prescaled(stage.hz, registers.get("RCC_CFGR", "PPRE1"))
    assert apb1 == stage.uart_hz <= chip.apb1_most * MHZ
    check_order(stage, family)


def check_order(stage: Stage, family: Family) -> None:
    """Oscillator, PLL and wait states are ready before the core is switched to them."""

    def first(register: str, field: str, op: str) -> int:
        bits = family.mask(register, field)
        found = [
            i for i, s in enumerate(stage.steps)
            if s.op == op and family.at(s.addr) == register and s.mask & bits and (s.value & bits or op == "set")
            and (field != "PLLON" or s.value & bits)
        ]  # fmt: skip
        assert found, f"no {op} of {register}.{field}"
        return found[0]

    switch = first("RCC_CFGR", "SW", "set")
    configured = first("RCC_CFGR" if family is F1 else "RCC_PLLCFGR", "PLLMUL" if family is F1 else "PLLN", "set")
    assert configured < first("RCC_CR", "PLLON", "set") < first("RCC_CR", "PLLRDY", "wait") < switch
    assert first("FLASH_ACR", "LATENCY", "set") < switch
    last = first("RCC_CFGR", "SWS", "wait")
    position, _ = family.registers["RCC_CFGR"][2]["SWS"]
    assert switch < last
    assert stage.steps[last].value == family.sw_pll << position


def check_bits(steps: tuple[Step, ...], family: Family) -> None:
    """Each step touches whole named fields of a known register, and says so."""
    for step in steps:
        name = family.at(step.addr)
        assert step.op == "delay" or step.why.startswith(name.split("_")[0]), step.why
        if step.op in ("set", "wait"):
            rest = step.mask
            for field in family.registers[name][2]:
                bits = family.mask(name, field)
                rest &= ~bits if rest & bits == bits else -1
            assert rest == 0, f"{name}: bits {rest:#x} of the mask are no whole field"
            assert step.value & ~step.mask == 0


def check_uart(made: Board, chip: Chip) -> None:
    """Base, interrupt, pins, enables, and rates that can be reached from every clock."""
    assert made.uart is not None
    assert made.clock is not None
    assert (made.uart.base, made.uart.irq) == (chip.family.bases[chip.uart], chip.irq)
    assert made.uart.brr_scale == (256 if chip.uart == "LPUART1" else 1)
    registers = run(made.uart.setup, chip.family)
    enable = "RCC_APB1ENR2" if chip.uart == "LPUART1" else chip.family.usart_enable
    assert registers.get(enable, f"{chip.uart}EN") == 1
    check_pins(registers, chip)
    for hz in (*(stage.uart_hz for stage in made.stages), made.uart.reset_clock_hz):
        assert baud_error(hz, made.uart.baud, made.uart.brr_scale) <= 0.01
    assert baud_error(made.uart.clock_hz, made.uart.max_baud, made.uart.brr_scale) <= 0.01
    assert made.uart.reset_clock_hz == made.clock.reset_hz == chip.family.reset_hz


def check_pins(registers: Registers, chip: Chip) -> None:
    tx, rx = chip.pins
    if chip.family is F1:
        assert (registers.get("RCC_APB2ENR", "IOPAEN"), registers.get("RCC_APB2ENR", "AFIOEN")) == (1, 1)
        assert (registers.get("GPIOA_CRL", "CNF2"), registers.get("GPIOA_CRL", "MODE2")) == (AF_PUSH_PULL, 3)
        assert (registers.get("GPIOA_CRL", "CNF3"), registers.get("GPIOA_CRL", "MODE3")) == (INPUT_PULL, 0)
        assert registers.get("GPIOA_BSRR", "BS3") == 1
        return
    gpio = "G" if chip.uart == "LPUART1" else "A"
    assert registers.get(chip.family.gpio_enable, f"GPIO{gpio}EN") == 1
    for pin in (tx, rx):
        assert registers.get(f"GPIO{gpio}_MODER", f"MODER{pin}") == MODE_AF
        assert registers.get(f"GPIO{gpio}_AFR{'L' if pin < 8 else 'H'}", f"AFR{pin}") == chip.af
    assert registers.get(f"GPIO{gpio}_PUPDR", f"PUPDR{rx}") == PULL_UP
    assert gpio == "A" or registers.get("PWR_CR2", "IOSV") == 1


def baud_error(clock: int, baud: int, scale: int) -> float:
    divider = round(scale * clock / baud)
    return abs(scale * clock / divider / baud - 1)


def check(made: Board, chip: Chip) -> None:
    """Everything about one board file."""
    assert made.memory is not None
    assert made.clock is not None
    assert made.flash is not None
    assert made.reset is not None
    assert made.clock.hz == chip.hz
    assert (made.memory.flash.origin, made.memory.flash.bytes) == (0x08000000, chip.flash)
    assert (made.memory.ram.origin, made.memory.ram.bytes) == (0x20000000, chip.ram)
    assert made.flash.volume == chip.volume
    assert (made.reset.addr, made.reset.clear) == (chip.family.address(chip.family.csr), 1 << chip.family.rmvf)
    for stage in made.stages:
        check_bits(stage.steps, chip.family)
        check_stage(stage, chip)
    check_bits(tuple(step for step in made.uart.setup if step.op == "set") if made.uart else (), chip.family)
    check_uart(made, chip)
    check_power(run(made.clock.steps, chip.family), made.clock.steps, chip)


def check_power(registers: Registers, steps: tuple[Step, ...], chip: Chip) -> None:
    """The core voltage that the clock needs."""
    if chip.vos is not None:
        assert registers.get("PWR_CR", "VOS") == chip.vos
        assert registers.get("RCC_APB1ENR", "PWREN") == 1
    if chip.family is F4 and chip.hz > 168 * MHZ:
        assert registers.get("PWR_CR", "ODEN") == registers.get("PWR_CR", "ODSWEN") == 1
        ready = [s.value for s in steps if s.op == "wait" and chip.family.at(s.addr) == "PWR_CSR"]
        assert ready == [chip.family.mask("PWR_CSR", "ODRDY"), chip.family.mask("PWR_CSR", "ODSWRDY")]
    if chip.family is L4_PLUS:
        assert registers.get("PWR_CR5", "R1MODE") == 0
        hpre = [s.value for s in steps if s.op == "set" and s.mask & 0xF0 and chip.family.at(s.addr) == "RCC_CFGR"]
        assert (hpre[0] & 0xF0, hpre[-1] & 0xF0) == (0x80, 0), "AHB / 2 while switching above 80 MHz"
        assert any(s.op == "delay" for s in steps)


@pytest.mark.parametrize("name", sorted(CHIPS))
def test_every_value_agrees_with_the_second_source(name: str) -> None:
    check(board.load(name), CHIPS[name])


MISTAKES = [
    ("nucleo-f446re", "0x28002D08", "0x28002D48"),  # PLLN 181
    ("nucleo-f446re", "0x00000705", "0x00000704"),  # a wait state too few
    ("nucleo-f446re", "value = 0x00009400", "value = 0x00009000"),  # APB1 at 90 MHz
    ("nucleo-f446re", 'value = 0x00010000, why = "PWR_CR.ODEN', 'value = 0x00000000, why = "PWR_CR.ODEN'),
    ("nucleo-f401re", "0x07012A08", "0x07002A08"),  # PLLP 2: 168 MHz
    ("nucleo-f411re", "irq = 38", "irq = 37"),
    ("nucleo-f411re", "value = 0x0000C000", "value = 0x00008000"),  # scale 2
    ("nucleo-l476rg", "0x01002832", "0x00002832"),  # PLLREN off
    ("nucleo-l476rg", "value = 0x00007700", "value = 0x00007800"),  # AF8
    ("nucleo-l4r5zi", "brr_scale = 256", "brr_scale = 1"),
    ("nucleo-l4r5zi", "mask = 0x00000100, value = 0x00000000, why", "mask = 0x00000100, value = 0x00000100, why"),
    ("nucleo-g071rb", "0x30001012", "0x10001012"),  # PLLR reserved
    ("nucleo-g071rb", "bytes = 0x8000", "bytes = 0x9000"),
    ("nucleo-f103rb", "0x001D0400", "0x001D0000"),  # APB1 at 72 MHz
    ("nucleo-f103rb", "0x00380400", "0x00280400"),  # fallback: 48 MHz
    ("nucleo-f103rb", "addr = 0x40021000, mask = 0x00020000", "addr = 0x40021000, mask = 0x00028000"),  # no field
]
ANOTHER_WAY = ("nucleo-f446re", "0x28002D08", "0x28005A10")  # PLLM 16, PLLN 360: the same clock


def changed(change: tuple[str, str, str], folder: Path) -> Board:
    """A shipped board with one piece of its text replaced."""
    name, old, new = change
    text = (assets.folder("boards") / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "x.toml").write_text(text.replace(old, new), encoding="utf-8")
    return board.load(str(folder / "x.toml"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_value_is_found(mistake: tuple[str, str, str], tmp_path: Path) -> None:
    made = changed(mistake, tmp_path)
    with pytest.raises(AssertionError):
        check(made, CHIPS[mistake[0]])


def test_another_way_to_the_same_clock_is_taken(tmp_path: Path) -> None:
    check(changed(ANOTHER_WAY, tmp_path), CHIPS[ANOTHER_WAY[0]])


def test_every_stm32_board_is_in_the_tables() -> None:
    assert {name for name in board.names() if name.startswith("nucleo-")} == set(CHIPS)


@pytest.mark.parametrize("name", board.names())
def test_a_board_file_is_whole(name: str) -> None:
    made = board.load(name)
    assert made.name == name
    assert made.is_host or made.sources
    assert made.verified != "hardware", "no board has been run on hardware"
    context = port.board_context(made)
    size = context["rx_bytes"]
    assert isinstance(size, int)
    assert size & (size - 1) == 0
    folder = assets.folder("firmware")
    for file in (*port.port_sources(made), *port.port_headers(made)):
        assert (folder / file).is_file()


def test_names_and_aliases_are_unique() -> None:
    words = [word for name in board.names() for word in (name, *board.load(name).aliases)]
    assert len(words) == len(set(words))
    assert board.load("NUCLEO").name == "nucleo-f446re"


def test_the_clocks_that_can_be_reached_are_told() -> None:
    clock = board.load("nucleo-f103rb").clock
    assert clock is not None
    assert clock.possible_hz == (72 * MHZ, 64 * MHZ, 8 * MHZ)


def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('name = "x"\ntitle = "x"\ncore = "host"\nverified = "builds"\naliasses = ["y"]\n', encoding="utf-8")
    with pytest.raises(UsageError, match="aliases"):
        board.load(str(path))


def test_an_unknown_driver_is_refused_with_those_there_are(tmp_path: Path) -> None:
    text = (assets.folder("boards") / "nucleo-f411re.toml").read_text(encoding="utf-8")
    path = tmp_path / "x.toml"
    path.write_text(text.replace("stm32_usart_v1", "stm32_usart_v9"), encoding="utf-8")
    with pytest.raises(UsageError, match="stm32_usart_v1"):
        port.port_sources(board.load(str(path)))
