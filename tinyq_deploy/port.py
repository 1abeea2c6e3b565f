# SPDX-License-Identifier: Apache-2.0
"""What the templates and the build need of a board: numbers as C literals, and its files of firmware/port."""

from __future__ import annotations

from collections.abc import Sequence

from tinyq_deploy import assets
from tinyq_deploy.board import Board, Step
from tinyq_deploy.errors import UsageError

RX_BYTES_MOST = 4096
RX_BYTES_LEAST = 256
_RX_SHARE = 16
_COMMON = ("startup.c", "fault.c", "clock.c", "counter.c", "ring.c", "libc.c")
_HEADERS = ("tinyq_port.h",)
_TARGET_HEADERS = ("cortex_m.h", "port_internal.h", "libc/string.h", "libc/math.h", "libc/stdint.h", "libc/limits.h")
NO_BUILTIN = "port/libc.c"


def uart_drivers() -> tuple[str, ...]:
    """Names that `uart.driver` may have: the files of firmware/port that define the interrupt of a UART."""
    folder = assets.folder("firmware") / "port"
    files = sorted(folder.glob("*.c"))
    return tuple(file.stem for file in files if "void tinyq_uart_irq(void)" in file.read_text(encoding="utf-8"))


def port_sources(board: Board) -> tuple[str, ...]:
    """C files that the board's firmware is built from, relative to firmware/. Raises UsageError for an unknown driver.

    The one named NO_BUILTIN implements memcpy and its kind and is compiled so that its loops stay loops.
    """
    if board.uart is None:
        return ("port/host.c",)
    drivers = uart_drivers()
    if board.uart.driver not in drivers:
        raise UsageError(
            "a board names a UART driver that exists", f"{board.name}: uart.driver = {board.uart.driver!r}",
            f"one of {', '.join(drivers)}, or write firmware/port/{board.uart.driver}.c",
        )  # fmt: skip
    return (*(f"port/{name}" for name in _COMMON), f"port/{board.uart.driver}.c")


def port_headers(board: Board) -> tuple[str, ...]:
    """Headers that go with port_sources, relative to firmware/."""
    return tuple(f"port/{name}" for name in (_HEADERS if board.is_host else (*_HEADERS, *_TARGET_HEADERS)))


def include_dirs(board: Board) -> tuple[str, ...]:
    """Include folders that the port adds, relative to src/: a string.h, because not every toolchain brings one."""
    return () if board.is_host else ("port/libc",)


def rx_bytes(board: Board) -> int:
    """Size of the receive ring: a power of two, a sixteenth of RAM or less, at most 4096 bytes."""
    if board.memory is None:
        return RX_BYTES_MOST
    share = board.memory.ram.bytes // _RX_SHARE
    return max(RX_BYTES_LEAST, min(RX_BYTES_MOST, 1 << (share.bit_length() - 1)))


def board_context(board: Board) -> dict[str, object]:
    """Values for src/board_config.h.j2 and, unless the board is the host, linker.ld.j2."""
    common: dict[str, object] = {
        "board_name": board.name,
        "board_title": board.title,
        "core": board.core,
        "is_host": board.is_host,
        "rx_bytes": rx_bytes(board),
    }
    return common if board.is_host else {**common, **_memory(board), **_uart(board), **_clock(board), **_core(board)}


def _memory(board: Board) -> dict[str, object]:
    if board.memory is None:
        return {}
    flash, ram = board.memory.flash, board.memory.ram
    return {
        "flash_origin": f"{flash.origin:#010x}",
        "flash_bytes": flash.bytes,
        "ram_origin": f"{ram.origin:#010x}",
        "ram_bytes": ram.bytes,
        "stack_bytes": board.memory.stack_bytes // 8 * 8,
    }


def _uart(board: Board) -> dict[str, object]:
    if board.uart is None:
        return {}
    uart = board.uart
    return {
        "uart_base": _word(uart.base),
        "uart_irq": uart.irq,
        "uart_baud": uart.baud,
        "uart_max_baud": uart.max_baud,
        "uart_brr_scale": uart.brr_scale,
        "uart_reset_hz": uart.reset_clock_hz,
    }


def _clock(board: Board) -> dict[str, object]:
    if board.clock is None or board.uart is None:
        return {}
    steps: list[dict[str, object]] = []
    stages = []
    for stage in board.stages:
        stages.append({"core_hz": stage.hz, "uart_hz": stage.uart_hz, "first": len(steps), "count": len(stage.steps)})
        steps += _steps(stage.steps)
    setup_first = len(steps)
    steps += _steps(board.uart.setup)
    return {
        "reset_hz": board.clock.reset_hz,
        "stages": stages,
        "steps": steps,
        "uart_setup_first": setup_first,
        "uart_setup_count": len(board.uart.setup),
    }


def _steps(steps: Sequence[Step]) -> list[dict[str, object]]:
    return [
        {
            "op": f"TINYQ_{step.op.upper()}",
            "address": _word(step.addr),
            "mask": _word(step.mask),
            "value": _word(step.value),
            "most": step.max,
            "why": step.why.replace("*/", "* /").replace("\\", "/"),
        }
        for step in steps
    ]


def _core(board: Board) -> dict[str, object]:
    return {
        "no_vtor": board.core == "cortex-m0",
        "try_dwt": int("dwt" in board.counters),
        "reset_status": _word(board.reset.addr) if board.reset else "",
        "reset_clear": _word(board.reset.clear) if board.reset else "",
    }


def _word(value: int) -> str:
    return f"0x{value:08X}u"
