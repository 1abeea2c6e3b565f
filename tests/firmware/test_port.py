# SPDX-License-Identifier: Apache-2.0
"""The port, built for every board and run where a machine stands for it: clock, counters, ring, idle, faults."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import echo_project
import pytest
from talk import Talk, open_virtual, qemu

from tinyq_deploy import board
from tinyq_deploy.errors import TinyqError
from tinyq_deploy.protocol import CounterKind, ResetCause
from tinyq_deploy.simulators.unicorn_stm32f4 import UnicornStm32F4
from tinyq_deploy.toolchains import Gcc, Toolchain, Zig, select

TARGETS = tuple(name for name in board.names() if name != "host")
QEMU = tuple(name for name in TARGETS if name.startswith("mp") or name == "nucleo-f446re")
ZIG = ("mps2-an385-m0plus", "nucleo-f446re", "mps3-an547")
INFO, COUNTER, SLEEP, FPU, BAUD, CRASH, OVERFLOW, RESET = (bytes([n]) for n in range(1, 9))
STACK = 8192


def compiler(kind: type[Toolchain]) -> Toolchain:
    found = kind.find()
    if found is None:
        pytest.skip(f"no {kind.name} on this computer")
    return found


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, type[Toolchain]], Path]:
    """The echo application for a board, built once a session."""
    made: dict[tuple[str, str], Path] = {}

    def image(name: str, kind: type[Toolchain]) -> Path:
        key = (name, kind.name)
        if key not in made:
            made[key] = echo_project.build(board.load(name), compiler(kind), tmp_path_factory.mktemp("echo"))
        return made[key]

    return image


@pytest.mark.parametrize("optimize", ["balanced", "size", "speed"])
@pytest.mark.parametrize("name", TARGETS)
def test_builds_without_warnings_with_gcc(name: str, optimize: str, tmp_path: Path) -> None:
    elf = echo_project.build(board.load(name), compiler(Gcc), tmp_path, optimize)
    assert elf.stat().st_size > 0


@pytest.mark.parametrize("name", ZIG)
def test_builds_without_warnings_with_zig(name: str, images: Callable[[str, type[Toolchain]], Path]) -> None:
    assert images(name, Zig).stat().st_size > 0


def run_all(talk: Talk, elf: Path, hz: int, counter: CounterKind) -> None:
    """Every behaviour that a machine can show, in one run."""
    talk.sync()
    check_start(talk.ask(INFO), hz, counter)
    check_echo(talk)
    check_time(talk)
    assert talk.ask(FPU) == {"half": 5}
    assert talk.ask(BAUD) == {"baud": 1}
    check_restarts(talk)
    check_crash(talk, elf)


def run_on_qemu(name: str, elf: Path) -> None:
    """No QEMU machine has a clock tree that answers, and DWT reads 0 there, so it must not be chosen."""
    made = board.load(name)
    assert made.clock is not None
    with qemu(made, elf) as talk:
        run_all(talk, elf, made.clock.reset_hz, CounterKind.SYSTICK)
        check_overflow(talk)


def check_start(info: dict[str, int], hz: int, counter: CounterKind) -> None:
    assert info["clock"] == info["counter_hz"] == hz
    assert (info["boots"], info["cause"], info["fault"]) == (1, ResetCause.POWER_ON, 0)
    assert info["counter"] == counter
    assert info["stack"] == STACK
    assert 64 < info["used"] < 1024


def check_echo(talk: Talk) -> None:
    data = bytes(32 + i * 7 % 200 for i in range(3000))
    for start in range(0, len(data), 1000):
        talk.send(data[start : start + 1000])
        assert talk.read(1000) == data[start : start + 1000]
    assert talk.ask(INFO)["lost"] == 0


def check_time(talk: Talk) -> None:
    counted = talk.ask(COUNTER)
    assert counted["backwards"] == 0
    assert counted["ms"] >= 200
    assert counted["reads"] > 100
    hz = talk.ask(INFO)["clock"]
    assert counted["cycles"] == pytest.approx(hz // 1000 * counted["ms"], rel=0.1)
    slept = talk.ask(SLEEP)
    assert slept["slept"] >= 100
    assert slept["wakes"] < 20, "idle sleeps"


def check_restarts(talk: Talk) -> None:
    talk.send(RESET)
    talk.sync()
    info = talk.ask(INFO)
    assert (info["boots"], info["cause"], info["fault"]) == (2, ResetCause.SOFTWARE, 0)


def check_crash(talk: Talk, elf: Path) -> None:
    talk.send(CRASH)
    talk.sync()
    info = talk.ask(INFO)
    assert (info["boots"], info["cause"], info["fault"], info["layer"]) == (3, ResetCause.FAULT, 1, 7)
    assert info["pc"] == symbol(elf, "crash_here")
    assert talk.ask(INFO)["fault"] == 0, "cleared by the first"


def check_overflow(talk: Talk) -> None:
    """The stack leaves RAM: the handler must not need it. Where the core cannot push its frame, there is no pc."""
    talk.send(OVERFLOW)
    talk.sync()
    info = talk.ask(INFO)
    assert (info["boots"], info["cause"], info["fault"], info["layer"]) == (4, ResetCause.FAULT, 1, 8)


def symbol(elf: Path, name: str) -> int:
    """Value of a symbol of an ELF file."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return int(table.get_symbol_by_name(name)[0]["st_value"]) & ~1


@pytest.mark.parametrize("name", QEMU)
def test_runs_on_qemu_with_gcc(name: str, images: Callable[[str, type[Toolchain]], Path]) -> None:
    run_on_qemu(name, images(name, Gcc))


@pytest.mark.parametrize("name", ZIG)
def test_runs_on_qemu_with_zig(name: str, images: Callable[[str, type[Toolchain]], Path]) -> None:
    run_on_qemu(name, images(name, Zig))


@pytest.mark.parametrize("name", [name for name in TARGETS if board.load(name).emulate.unicorn])
def test_reaches_its_clock_on_a_virtual_stm32(name: str, images: Callable[[str, type[Toolchain]], Path]) -> None:
    made = board.load(name)
    simulator = UnicornStm32F4()
    if reason := simulator.available():
        pytest.skip(reason)
    elf = images(name, Gcc)
    assert made.clock is not None
    with simulator.start(elf, made) as running, closing(open_virtual(running.url)) as line:
        run_all(Talk(line.write, line.read), elf, made.clock.hz, CounterKind.DWT)


@pytest.mark.parametrize("name", QEMU)
def test_nothing_reloads_what_must_outlive_a_reset(name: str, images: Callable[[str, type[Toolchain]], Path]) -> None:
    from elftools.elf.elffile import ELFFile

    with images(name, Gcc).open("rb") as file:
        elf = ELFFile(file)
        kept = elf.get_section_by_name(".noinit")
        loaded = [(s["p_vaddr"], s["p_vaddr"] + s["p_memsz"]) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        assert kept["sh_size"] > 0
        assert not any(low <= kept["sh_addr"] < high for low, high in loaded)
        memory = board.load(name).memory
        assert memory is not None
        stack = elf.get_section_by_name(".stack")
        assert (stack["sh_addr"], stack["sh_size"]) == (memory.ram.origin, memory.stack_bytes)
        vectors = elf.get_section_by_name(".isr_vector")
        assert vectors["sh_addr"] == memory.flash.origin
        top, reset = (int.from_bytes(vectors.data()[i : i + 4], "little") for i in (0, 4))
        assert (top, reset & 1, reset) == (memory.ram.origin + memory.stack_bytes, 1, elf["e_entry"] | 1)


def test_runs_on_the_host(tmp_path: Path) -> None:
    made = board.load("host")
    try:
        toolchain = select(made)
    except TinyqError as error:
        pytest.skip(str(error))
    elf = echo_project.build(made, toolchain, tmp_path)
    with subprocess.Popen([str(elf)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        talk = Talk(process.stdin.write, process.stdout.read)
        every = bytes(range(32, 256)) + b"\r\n\r\n\x1a\0"
        talk.send(every)
        assert talk.read(len(every)) == every
        assert talk.ask(INFO)["counter"] == CounterKind.HOST
        counted = talk.ask(COUNTER)
        assert counted["backwards"] == 0
        assert counted["cycles"] > 0
        assert talk.ask(SLEEP)["slept"] >= 100
        start = time.monotonic()
        process.stdin.close()
        assert process.wait(5) == 0, "ends when its input ends"
        assert time.monotonic() - start < 2


def test_divider_rounds_and_refuses(tmp_path: Path) -> None:
    """The baud rate arithmetic of port_internal.h against exact arithmetic."""
    try:
        toolchain = select(board.load("host"))
    except TinyqError as error:
        pytest.skip(str(error))
    folder = Path(echo_project.__file__).parent.parent.parent / "firmware"
    (tmp_path / "d.c").write_text(
        '#include <stdio.h>\n#include "port/port_internal.h"\n'
        'int main(void) { unsigned c, s, b; while (scanf("%u %u %u", &c, &s, &b) == 3)'
        ' printf("%u\\n", (unsigned)tinyq_uart_divider(c, s, b, 16, 0xFFFFF)); }\n'
    )
    argv = [*toolchain.command, "-I", str(folder), str(tmp_path / "d.c"), "-o", str(tmp_path / "d")]
    subprocess.run(argv, check=True)
    clocks = (4_000_000, 8_000_000, 16_000_000, 25_000_000, 36_000_000, 45_000_000, 64_000_000, 120_000_000)
    bauds = (1, 9600, 115_200, 230_400, 460_800, 921_600, 1_000_000, 2_000_000, 6_000_000, 20_000_000)
    cases = [(clock, scale, baud) for clock in clocks for scale in (1, 256) for baud in bauds]
    text = "".join(f"{clock} {scale} {baud}\n" for clock, scale, baud in cases)
    result = subprocess.run([str(tmp_path / "d")], input=text, capture_output=True, text=True, check=True)
    for (clock, scale, baud), line in zip(cases, result.stdout.split(), strict=True):
        assert int(line) == expected_divider(clock, scale, baud), (clock, scale, baud)


def expected_divider(clock: int, scale: int, baud: int) -> int:
    if not 300 <= baud <= 16_000_000:
        return 0
    divider = (scale * clock + baud // 2) // baud
    if not 16 <= divider <= 0xFFFFF or abs(divider * baud - scale * clock) > 0.02 * divider * baud:
        return 0
    return divider
