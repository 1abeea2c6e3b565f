# SPDX-License-Identifier: Apache-2.0
"""QEMU's argv, its processes, and the same image on it as on the emulated board."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import serial

from tinyq_deploy import board as boards
from tinyq_deploy.board import Board, Emulate, Qemu
from tinyq_deploy.errors import LinkError, UsageError
from tinyq_deploy.simulators import pick, qemu
from tinyq_deploy.simulators.qemu import QemuSimulator, instructions, machine_argv, run_image, tcp_link

needs_qemu = pytest.mark.skipif(not shutil.which(qemu.PROGRAM), reason=f"no {qemu.PROGRAM} on this computer")


def test_argv_of_a_running_board() -> None:
    machine = Qemu(machine="netduinoplus2", serial_index=1, icount_shift=3)
    assert machine_argv(Path("fw.elf"), machine, tcp_link(4711)) == [
        "qemu-system-arm", "-M", "netduinoplus2", "-kernel", "fw.elf", "-display", "none", "-monitor", "none",
        "-serial", "null", "-serial", "tcp:127.0.0.1:4711,server=on,wait=on,nodelay=on",
        "-icount", "shift=3,sleep=off",
    ]  # fmt: skip


def test_argv_with_memory_images() -> None:
    images = {0x20010000: Path("b.bin"), 0x20000000: Path("a,1.bin")}
    assert machine_argv(Path("fw.elf"), Qemu(machine="mps2-an386", icount_shift=6), "file:out", images) == [
        "qemu-system-arm", "-M", "mps2-an386", "-kernel", "fw.elf", "-display", "none", "-monitor", "none",
        "-serial", "file:out", "-icount", "shift=6,sleep=off",
        "-device", "loader,file=a,,1.bin,addr=0x20000000,force-raw=on",
        "-device", "loader,file=b.bin,addr=0x20010000,force-raw=on",
    ]  # fmt: skip


def test_instructions_of_ticks() -> None:
    """168 MHz, 8 ns an instruction: 1.344 ticks each."""
    assert instructions(1344, 168_000_000, 3) == 1000
    assert instructions(1600, 25_000_000, 6) == 1000


def test_every_machine_of_our_boards_has_a_clock() -> None:
    machines = {made.emulate.qemu.machine for name in boards.names() if (made := boards.load(name)).emulate.qemu}
    assert machines <= set(qemu.MACHINE_HZ)


def test_absent_program_says_how_to_install(monkeypatch: pytest.MonkeyPatch, made: Board) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("sys.platform", "linux")
    assert QemuSimulator().available() == "qemu-system-arm is not on PATH: sudo apt install qemu-system-arm"
    with pytest.raises(UsageError, match="sudo apt install"):
        QemuSimulator().start(Path("fw.elf"), made)
    with pytest.raises(UsageError, match=r"qemu: qemu-system-arm is not on PATH"):
        pick(made, "qemu")


def test_pick(made: Board) -> None:
    with pytest.raises(UsageError, match="name of a simulator"):
        pick(made, "nonsense")
    with pytest.raises(UsageError, match=r"emulate\.qemu"):
        pick(boards.load("nucleo-g071rb"))


@needs_qemu
def test_same_image_same_text(image: Path, made: Board) -> None:
    """What the image answers here and on the emulated board is what the C says; counts agree to a tick."""
    simulator = QemuSimulator()
    with simulator.start(image, made) as running, closing(serial.serial_for_url(running.url, timeout=10)) as port:
        assert port.readline() == b"ready\n"
        assert _ask(port, b"P") == b"masked=00000000 after=00000001 .\n"
        assert _ask(port, b"N") == b"order=00001234 .\n"
        floats, dsp, ticks = (_ask(port, command) for command in (b"F", b"D", b"S"))
        counted = running.instructions(int(ticks[6:14], 16), 168_000_000)
    assert counted is not None
    assert abs(counted - 4_000_003) <= 2
    pytest.importorskip("unicorn")
    from test_emulated_board import PLENTY, start, taken

    emulated = start(image, made)
    emulated.send(b"FD")
    emulated.run(PLENTY)
    assert taken(emulated) == floats + dsp


def _ask(port: serial.SerialBase, command: bytes) -> bytes:
    port.write(command)
    return bytes(port.readline())


@needs_qemu
def test_nothing_is_left_behind(gcc_image: Path, made: Board) -> None:
    running = QemuSimulator().start(gcc_image, made)
    child = running._child  # type: ignore[attr-defined]
    assert child.poll() is None
    with pytest.raises(KeyboardInterrupt), running:
        raise KeyboardInterrupt
    assert child.poll() is not None
    running.close()


@needs_qemu
def test_what_cannot_start_is_said(tmp_path: Path, made: Board, gcc_image: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        QemuSimulator().start(tmp_path / "none.elf", made)
    wrong = made.model_copy(update={"emulate": Emulate(qemu=Qemu(machine="nonsense"))})
    with pytest.raises(LinkError, match=r"nonsense|unsupported machine"):
        QemuSimulator().start(gcc_image, wrong)


@needs_qemu
def test_batch_image_reads_its_memory(tmp_path: Path, made: Board, gcc_image: Path) -> None:
    """An image that prints the text at the middle of its RAM; without text it has nothing to end with."""
    source = tmp_path / "batch.c"
    source.write_text(
        'void start(void); unsigned vectors[2] __attribute__((section(".isr_vector"), used)) ='
        " {0x20008000u, (unsigned)(unsigned long)&start};\n"
        "void start(void) { volatile unsigned *u = (unsigned *)0x40004400; u[3] = 0x200c;"
        " for (volatile char *c = (char *)0x20010000; *c; c++) u[1] = *c; for (;;) { } }\n"
    )
    script = Path(__file__).parent / "firmware" / "board_test.ld"
    argv = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O1", "-nostdlib", "-w", f"-Wl,-T,{script},-e,start"]
    subprocess.run([*argv, str(source), "-o", str(tmp_path / "batch.elf")], check=True)
    (tmp_path / "in.bin").write_bytes(b"hello\x04\0")
    assert run_image(tmp_path / "batch.elf", made, {0x20010000: tmp_path / "in.bin"}) == b"hello"
    with pytest.raises(LinkError, match="says when it is done"):
        run_image(tmp_path / "batch.elf", made, timeout=0.5)
