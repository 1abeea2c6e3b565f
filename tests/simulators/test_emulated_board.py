# SPDX-License-Identifier: Apache-2.0
"""The virtual STM32F4 under an image that asks for everything: counts, exceptions, FPU state, resets, faults, bytes."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

from tinyq_deploy.board import Board
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.simulators.emulated_board import EmulatedBoard

PLENTY = 1 << 40


def start(image: Path, made: Board, faults: str = "raise") -> EmulatedBoard:
    board = EmulatedBoard(image, made, faults)  # type: ignore[arg-type]
    assert board.run(PLENTY), "the image sleeps when it has nothing to do"
    assert taken(board) == b"ready\n"
    return board


def taken(board: EmulatedBoard) -> bytes:
    data = bytes(board.usart.outgoing)
    board.usart.outgoing.clear()
    return data


def ask(board: EmulatedBoard, command: str, through_sleep: bool = False) -> dict[str, int]:
    board.send(command.encode())
    board.run(10_000_000 if through_sleep else PLENTY, through_sleep=through_sleep)
    answer = taken(board)
    assert answer.endswith(b".\n"), answer
    return {key: int(value, 16) for key, value in re.findall(r"(\w+)=(\w+)", answer.decode())}


def test_clock_setup_and_data_section(image: Path, made: Board) -> None:
    board = start(image, made)
    assert board.power.core_hz == 168_000_000
    assert board.usart.baud == pytest.approx(115_200, rel=0.002)
    assert ask(board, "?")["data"] == 0x12345678
    assert not board.registers.unclocked


def test_counts_are_exact(image: Path, made: Board) -> None:
    """1,000,000 turns of 4 instructions, MOV and NOP around them, and the second read itself."""
    board = start(image, made)
    assert ask(board, "L") == {"loop": 4_000_003}
    assert ask(board, "S") == {"ticks": 4_000_003}
    assert ask(board, "C") == {"it": 6 * 1000 + 3}


def test_primask_holds_back_and_wakes(image: Path, made: Board) -> None:
    assert ask(start(image, made), "P") == {"masked": 0, "after": 1}


def test_float_state_survives_interrupts(image: Path, made: Board) -> None:
    found = ask(start(image, made), "F")
    assert found["many"] == 1
    assert found["quiet"] == found["stormy"] != 0


def test_nested_interrupts_by_priority(image: Path, made: Board) -> None:
    assert ask(start(image, made), "N") == {"order": 0x1234}


def test_sleep_passes_time_by_ticks(image: Path, made: Board) -> None:
    """Ten SysTick periods of 168,000 clocks, up to the few instructions of a handler."""
    slept = ask(start(image, made), "T", through_sleep=True)["slept"]
    assert abs(slept - 1_680_000) < 100


def test_sleep_without_permission_is_idle(image: Path, made: Board) -> None:
    board = start(image, made)
    board.send(b"T")
    before = board.now
    assert board.run(PLENTY)
    assert board.now - before < 10_000
    assert taken(board) == b""


def test_reset_keeps_memory_and_says_why(image: Path, made: Board) -> None:
    board = start(image, made)
    ask(board, "0")
    assert ask(board, "?")["cause"] == 0x0E000000
    board.send(b"R")
    board.run(PLENTY)
    assert taken(board) == b"ready\n"
    found = ask(board, "?")
    assert (found["boots"], found["cause"] & 0x10000000, board.resets) == (1, 0x10000000, 2)


def test_echo_of_100_kilobytes_both_ways(image: Path, made: Board) -> None:
    data = random.Random(1).randbytes(100_000)
    board = start(image, made)
    board.send(b"E" + len(data).to_bytes(4, "little") + data)
    board.run(PLENTY)
    assert taken(board) == data + b"lost=00000000 .\n"


def test_two_runs_are_the_same(image: Path, made: Board) -> None:
    def run() -> list[object]:
        board = start(image, made)
        found: list[object] = [ask(board, command) for command in "LPFND"]
        board.send(b"E" + (999).to_bytes(4, "little") + bytes(range(111)) * 9)
        board.run(PLENTY)
        return [*found, taken(board), board.cpu.executed, board.now]

    assert run() == run()


def test_slices_change_nothing(gcc_image: Path, made: Board) -> None:
    """Where `run` stops in between (here after every 777 clocks) does not show in what the firmware counts."""
    whole, sliced = start(gcc_image, made), start(gcc_image, made)
    for board in (whole, sliced):
        board.send(b"F")
    whole.run(PLENTY)
    while not sliced.run(777):
        pass
    assert (taken(whole), whole.cpu.executed) == (taken(sliced), sliced.cpu.executed)


@pytest.mark.parametrize(
    ("command", "what", "where"),
    [
        ("U", "access to 0x50000000", "read_nothing at board_test.c:"),
        ("I", "an instruction that a Cortex-M4 does not have", "at board_test.c:"),
        ("J", "jump to 0x30000000", "no function of the image"),
    ],
)
def test_faults_name_the_place(gcc_image: Path, made: Board, command: str, what: str, where: str) -> None:
    board = start(gcc_image, made)
    board.send(command.encode())
    with pytest.raises(FirmwareFault) as caught:
        board.run(PLENTY)
    assert what in str(caught.value)
    assert where in str(caught.value)
    with pytest.raises(FirmwareFault):
        board.run(1)


@pytest.mark.parametrize(("command", "cfsr"), [("U", 0x8200), ("I", 0x10000), ("J", 0x100)])
def test_firmware_can_handle_its_faults(image: Path, made: Board, command: str, cfsr: int) -> None:
    board = start(image, made, "vector")
    ask(board, "0")
    board.send(command.encode())
    board.run(PLENTY)
    assert taken(board) == b"ready\n"
    assert ask(board, "?")["faults"] == cfsr


def test_endless_loop_uses_up_its_clocks(gcc_image: Path, made: Board) -> None:
    board = start(gcc_image, made)
    board.send(b"W")
    before = board.now
    assert not board.run(1_000_000)
    assert board.now - before == 1_000_000


def test_image_for_another_board_is_refused(gcc_image: Path, made: Board) -> None:
    assert made.memory is not None
    flash = made.memory.flash.model_copy(update={"bytes": 1024})
    small = made.model_copy(update={"memory": made.memory.model_copy(update={"flash": flash})})
    with pytest.raises(UsageError, match="inside the board's flash"):
        EmulatedBoard(gcc_image, small)


def test_not_an_elf_is_refused(tmp_path: Path, made: Board) -> None:
    (tmp_path / "x.elf").write_bytes(b"not an ELF file")
    with pytest.raises(UsageError, match="is an ELF file"):
        EmulatedBoard(tmp_path / "x.elf", made)
    with pytest.raises(UsageError, match="can be read"):
        EmulatedBoard(tmp_path / "y.elf", made)
