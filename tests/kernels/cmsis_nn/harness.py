# SPDX-License-Identifier: Apache-2.0
"""Runs two calls of the same node in C, on the host or in QEMU, and compares every byte they write."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bare_core
import numpy as np
import numpy.typing as npt

from tinyq_deploy import assets, board, c_text
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Argument, Constant, KernelCall, Read, Scratch, Write
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.kernels.cmsis_nn.library import Library
from tinyq_deploy.toolchains.gcc import Gcc
from tinyq_deploy.toolchains.zig import Zig

BARE_METAL = Path(__file__).parent / "bare_metal"
CTYPES = {name: f"{name}_t" for name in ("int8", "int16", "int32", "int64")}
GUARD = 16
_HOST_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Machine:
    """Where the C runs: a board's name and a compiler, "gcc" or "zig"."""

    board: str
    compiler: str = "gcc"

    @property
    def is_host(self) -> bool:
        return self.board == "host"

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs that must be installed."""
        if self.is_host:
            return ("gcc",)
        return ("arm-none-eabi-gcc", *(("qemu-system-arm",) if self.qemu else ()))

    @property
    def qemu(self) -> str:
        """QEMU's name of the board, empty where it has none and a bare core in unicorn stands in."""
        machine = board.load(self.board).emulate.qemu
        return machine.machine if machine and machine.machine == self.board.removesuffix("-m0plus") else ""

    def command(self) -> list[str]:
        """The compiler with its target flags."""
        if self.is_host:
            return ["gcc"]
        toolchain = {"gcc": Gcc, "zig": Zig}[self.compiler].find()
        assert toolchain is not None
        flags = (
            []
            if self.compiler == "gcc"
            else ["-fhosted", "-fno-sanitize=undefined", "-fno-stack-protector", "-fomit-frame-pointer"]
        )
        return [*toolchain.command, *toolchain.target_flags(board.load(self.board)), "-ffunction-sections", *flags]


@dataclass(frozen=True)
class Case:
    """A node and the two calls to compare; `expected` is the reference."""

    view: NodeView
    expected: KernelCall
    tested: KernelCall


def compile_library(
    library: Library, functions: Sequence[str], folder: Path, machine: Machine, optimize: str
) -> list[Path]:
    """Objects of what `functions` need, as an emitted project would hold it; also writes the headers."""
    files = cmsis_nn.project_files(library, functions)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    # Out-of-bounds accesses of the library count, its signed overflow does not: it wraps on every compiler used.
    extra = ["-fsanitize=address", "-g"] if machine.is_host else []
    # gcc 12.2 breaks off at -Os for the M55 with an internal error, as toolchains/gcc.py says.
    optimize = "-O2" if (machine.board, machine.compiler, optimize) == ("mps3-an547", "gcc", "-Os") else optimize
    objects = []
    for source in (name for name in files if name.endswith(".c")):
        objects.append(folder / (Path(source).stem + ".o"))
        run([*machine.command(), optimize, *extra, "-std=c11", *cmsis_nn.SOURCE_FLAGS, *includes(machine),
             "-c", source, "-o", str(objects[-1])], folder)  # fmt: skip
    return objects


def includes(machine: Machine) -> list[str]:
    """Include flags of a project folder; the port's headers stand in for a C library."""
    firmware = assets.folder("firmware")
    port = [] if machine.is_host else ["-I", str(firmware), "-I", str(firmware / "port" / "libc")]
    system = [word for name in cmsis_nn.INCLUDE_DIRS for word in ("-isystem", name)]
    return [*port, "-I", str(firmware / "kernels"), *system]


def run(argv: Sequence[str], folder: Path, timeout: float = 300) -> str:
    """Output of a tool that must succeed."""
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def build_and_run(source: str, objects: Sequence[Path], folder: Path, machine: Machine, optimize: str = "-O2") -> str:
    """What the program prints; it must end with status 0."""
    (folder / "main.c").write_text(source, encoding="utf-8")
    program = folder / "program"
    if machine.is_host:
        # The sanitizer of undefined behaviour watches main.c, hence the adapters and the portable kernels.
        run([*machine.command(), optimize, *_HOST_SANITIZERS, *_WARNINGS, *includes(machine), "main.c",
             *map(str, objects), "-o", str(program)], folder)  # fmt: skip
        return run([str(program)], folder)
    link_bare_metal(objects, folder, machine, program, optimize)
    if not machine.qemu:
        return bare_core.run(program, board.load(machine.board))
    return run(["qemu-system-arm", "-M", machine.qemu, "-display", "none", "-monitor", "none",
                "-serial", "none", "-chardev", "stdio,id=out", "-semihosting-config",
                "enable=on,target=native,chardev=out", "-kernel", str(program)], folder)  # fmt: skip


def link_bare_metal(objects: Sequence[Path], folder: Path, machine: Machine, program: Path, optimize: str) -> None:
    """Compiles main.c and the start-up of the tests, links to `program`."""
    command, own = machine.command(), []
    libc = assets.folder("firmware") / "port" / "libc.c"
    for path, flags in ((folder / "main.c", _WARNINGS), (BARE_METAL / "start.c", _WARNINGS), (libc, ("-fno-builtin",))):
        own.append(str(folder / (path.stem + ".own.o")))
        run([*command, optimize, *flags, *includes(machine), "-c", str(path), "-o", own[-1]], folder)
    script = str(_linker_script(folder, machine))
    last = ["-nostdlib", "-lgcc"] if machine.compiler == "gcc" else ["-nodefaultlibs", "-nostartfiles"]
    run(
        [*command, "-Wl,--gc-sections", "-Wl,-T," + script, *own, *map(str, objects), *last, "-o", str(program)], folder
    )


def _linker_script(folder: Path, machine: Machine) -> Path:
    """The board's memory for a program of its own. A board whose constants lie apart from its code has a file here."""
    own = BARE_METAL / f"{machine.board}.ld"
    if own.is_file():
        return own
    memory = board.load(machine.board).memory
    assert memory is not None
    regions = {"FLASH": memory.flash, "RAM": memory.ram}
    text = (BARE_METAL / "program.ld").read_text(encoding="utf-8")
    for name, region in regions.items():
        text = text.replace(f"{name}_ORIGIN", hex(region.origin)).replace(f"{name}_BYTES", str(region.bytes))
    (folder / "program.ld").write_text(text, encoding="utf-8")
    return folder / "program.ld"


def program(cases: Sequence[Case], rng: np.random.Generator) -> str:
    """C that makes both calls of every case and returns 0 when all bytes agree and no guard was touched."""
    headers = sorted({call.header for case in cases for call in (case.expected, case.tested)})
    parts = ['#include "harness.h"', *(f'#include "{header}"' for header in headers)]
    parts += [_case(i, case, rng) for i, case in enumerate(cases)]
    calls = "\n".join(f"    failed += case_{i}();" for i in range(len(cases)))
    parts.append(f"int main(void)\n{{\n    int failed = 0;\n{calls}\n    return finish(failed);\n}}\n")
    return "\n".join([(BARE_METAL / "harness.h").read_text(), *parts[1:]])


def _case(number: int, case: Case, rng: np.random.Generator) -> str:
    tensors = {t.index: t for t in case.view.graph.tensors}
    reads = sorted({a.tensor for a in case.expected.arguments if isinstance(a, Read)})
    lines = [
        _array(f"c{number}_in{t}", rng.integers(-128, 128, tensors[t].bytes).astype(np.int8), writable=True)
        for t in reads
    ]
    size = case.view.output().bytes
    body = []
    name = case.view.node.op + " " + " ".join(str(list(t.shape)) for t in case.view.graph.tensors)
    checks = [f'    int bad = compare({number}, "{name}", c{number}a_out, c{number}b_out, {size});']
    for which, call in (("a", case.expected), ("b", case.tested)):
        prefix = f"c{number}{which}"
        lines += [_array(f"{prefix}_{c.name}", c.values) for c in call.constants]
        spaces = {"out": size} | ({"scratch": call.scratch_bytes} if call.scratch_bytes else {})
        for what, length in spaces.items():
            lines.append(_guarded(f"{prefix}_{what}", "int8_t" if what == "out" else "uint8_t", length))
            body.insert(0, f"    guard_set({prefix}_{what}, {length});")
            checks.append(f"    bad |= guard_check({number}, {prefix}_{what}, {length});")
        values = ", ".join(f".{name} = {c_text.number(value)}" for name, value in call.params)
        lines.append(f"static const {call.params_type} {prefix}_params = {{{values}}};")
        arguments = ", ".join(_argument(number, prefix, a, case.view) for a in call.arguments)
        body += [f"    {call.function}(&{prefix}_params, {arguments});"]
    return "\n".join([*lines, f"static int case_{number}(void)", "{", *body, *checks, "    return bad;", "}"])


def _guarded(name: str, kind: str, size: int) -> str:
    """Memory between guards on both sides."""
    space = f"static _Alignas(4) {kind} {name}_space[GUARD + {size} + GUARD];"
    return f"{space}\nstatic {kind} *const {name} = {name}_space + GUARD;"


def _argument(number: int, prefix: str, argument: Argument, view: NodeView) -> str:
    wide = "(void *)" if view.kind == "int16" else ""  # the arrays are bytes
    match argument:
        case Read(tensor):
            return f"{wide}c{number}_in{tensor}"
        case Write():
            return f"{wide}{prefix}_out"
        case Constant(name):
            return f"{prefix}_{name}"
        case Scratch(size):
            return f"{prefix}_scratch" if size else "0"
    raise TypeError(argument)


def _literal(value: int) -> str:
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _array(name: str, values: npt.NDArray[Any], writable: bool = False) -> str:
    flat = ", ".join(_literal(int(v)) for v in values.reshape(-1))
    kind = f"{'' if writable else 'const '}{CTYPES[values.dtype.name]}"
    return f"static _Alignas(8) {kind} {name}[{values.size}] = {{{flat}}};"
