# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tinyq_deploy.board import Flash
from tinyq_deploy.flashers.pyocd import PyOcd


def test_argv(board, firmware):
    assert PyOcd().argv(("pyocd",), firmware, board, None) == (
        "pyocd", "load", "--no-wait", "--target", "stm32f446re", "--erase", "sector", "-O", "auto_unlock=false",
        str(firmware.elf),
    )  # fmt: skip


def test_argv_with_a_probe(board, firmware):
    argv = PyOcd().argv(("python", "-m", "pyocd"), firmware, board, "066B")
    assert argv[:9] == ("python", "-m", "pyocd", "load", "--no-wait", "--target", "stm32f446re", "--uid", "066B")


def test_a_board_without_a_target_says_so(board):
    bare = board.model_copy(update={"flash": Flash(methods=("pyocd",))})
    assert PyOcd().missing(bare) == "the board file names no pyocd target"
