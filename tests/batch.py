# SPDX-License-Identifier: Apache-2.0
"""Runs many inputs through a model's firmware on a QEMU board quickly: the inputs lie in RAM as a memory image, because
QEMU's UARTs take only about 25 kB/s; the outputs come back over the UART."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinyq_deploy import build as build_stage
from tinyq_deploy import project, render, toolchains
from tinyq_deploy.board import Board
from tinyq_deploy.check import check
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import lower
from tinyq_deploy.optimize import optimize as run_passes
from tinyq_deploy.plan import plan
from tinyq_deploy.read import read
from tinyq_deploy.toolchains.base import Optimize, Source

MAIN = Path(__file__).parent / "firmware" / "batch" / "main.c"
END = b"\x55"
# The image's own data lie at the start of RAM, its stack at the end; the inputs in between.
OFFSET = 1 << 20


def build(
    folder: Path, model: bytes, board: Board, target: Target, kernels: str, toolchain: str, optimize: Optimize,
    keep_layers: bool = False,
) -> Path:  # fmt: skip
    """The ELF of a model with the batch program instead of the application."""
    graph = read(model, "model.tflite")
    check(graph)
    if not keep_layers:
        graph = run_passes(graph).graph
    program = plan(graph, lower(graph, target, kernels, fuse=not keep_layers))
    settings = render.Settings("batch", kernels, optimize)
    made = render.render(program, board, target, settings, model)
    assert board.memory is not None
    recipe = made.recipe
    sources = [source for source in recipe.sources if not source.path.startswith(("src/app/", "src/link/"))]
    address = board.memory.ram.origin + OFFSET
    recipe = dataclasses.replace(
        recipe,
        sources=(*sources, Source("src/app/batch.c")),
        defines=(*recipe.defines, f"TINYQ_BATCH_ADDRESS={address:#x}u"),
    )
    made.files["src/app/batch.c"] = MAIN.read_bytes()
    project.write(made, folder)
    return build_stage.build(folder, recipe, toolchains.select(board, toolchain), board, optimize).elf


def run(elf: Path, board: Board, samples: Sequence[tuple[np.ndarray, ...]], output_bytes: int, seconds: float) -> bytes:
    """The output bytes of every sample, one after the other."""
    image = elf.parent / "inputs.bin"
    image.write_bytes(len(samples).to_bytes(4, "little") + b"".join(a.tobytes() for s in samples for a in s))
    assert board.emulate.qemu is not None
    assert board.memory is not None
    argv = [
        "qemu-system-arm", "-M", board.emulate.qemu.machine, "-kernel", str(elf),
        "-display", "none", "-monitor", "none",
        "-device", f"loader,file={image},addr={board.memory.ram.origin + OFFSET:#x},force-raw=on",
        *["-serial", "null"] * board.emulate.qemu.serial_index, "-serial", "stdio",
    ]  # fmt: skip
    wanted = output_bytes * len(samples) + len(END)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            data = _read(process, wanted, seconds)
        finally:
            process.kill()
    assert data[-1:] == END, f"{len(data)} of {wanted} bytes"
    return data[:-1]


def _read(process: subprocess.Popen[bytes], wanted: int, seconds: float) -> bytes:
    """`wanted` bytes, or what came before `seconds` ran out and the process was ended."""
    import threading

    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        return process.stdout.read(wanted)
    finally:
        timer.cancel()
