# SPDX-License-Identifier: Apache-2.0
"""Generated C on this computer, under the sanitizers: whole rendered models, and single kernels with any shape."""

from __future__ import annotations

import atexit
import contextlib
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pytest
from banded import banded

from tinyq_deploy import assets, board
from tinyq_deploy.check import check
from tinyq_deploy.kernels.base import Constant, KernelCall, Read, Scratch, Target, Write
from tinyq_deploy.lower import lower
from tinyq_deploy.optimize import optimize as run_passes
from tinyq_deploy.plan import Plan, plan
from tinyq_deploy.project import Project, write
from tinyq_deploy.read import read
from tinyq_deploy.render import Settings, render

HOST = Path(__file__).resolve().parent / "host"
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror")
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Guard bytes need the arena inside a larger array, to which the address sanitizer objects.
GUARDED = ("-O2", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")
TARGET = Target("host")
Array = npt.NDArray[np.int8]


def compiler(name: str = "gcc") -> str:
    """The path of a compiler; skips the test where there is none."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


@cache
def _session_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tinyq-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def new_folder(prefix: str = "c") -> Path:
    """A folder that goes away when the tests end."""
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=_session_folder()))


def compile_c(argv: Sequence[str | Path], folder: Path) -> None:
    """Runs a compiler in `folder`; its complaint is the test's failure."""
    done = subprocess.run(
        [str(part) for part in argv], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, argv))}\n{done.stderr[:4000]}"


def planned(model: bytes, name: str = "test.tflite", *, kernels: str = "portable", keep_input: bool = False,
            passes: bool = False, bands: tuple[int, int] | None = None, small: bool = False) -> Plan:  # fmt: skip
    """A model through read, check, the graph passes if wanted, lower and plan; with `bands` (rows, nodes) as many
    layers in bands of so many rows as can be, up to so many nodes a chain."""
    graph = read(model, name)
    check(graph)
    if passes:
        graph = run_passes(graph).graph
    target = Target("host", small=small)
    if bands:
        return banded(graph, target, kernels, rows=bands[0], nodes=bands[1], keep_input=keep_input)
    return plan(graph, lower(graph, target, kernels), keep_input=keep_input)


def rendered(model: bytes, name: str = "net", *, file: str = "test.tflite", optimize: str = "speed",
             export: bool = True, keep_input: bool = False, passes: bool = False,
             bands: tuple[int, int] | None = None) -> Project:  # fmt: skip
    """A model as a project for the host, by default as a library."""
    settings = Settings(name, "portable", optimize, export, keep_input)  # type: ignore[arg-type]
    small = optimize == "size"
    made = planned(model, file, keep_input=keep_input, passes=passes, bands=bands, small=small)
    return render(made, board.load("host"), Target("host", small=small), settings, model)


# Whole models -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """Rendered models in one executable, by name."""

    exe: Path
    names: tuple[str, ...]
    output_bytes: Mapping[str, tuple[int, ...]]

    def run(self, name: str, samples: Iterable[Sequence[Array]]) -> list[list[bytes]]:
        """The bytes of each output for each sample; the samples are one sequence, at whose start the model is reset."""
        number = struct.pack("<I", self.names.index(name))
        requests = [number + b"".join(values.tobytes() for values in sample) for sample in samples]
        done = subprocess.run([self.exe], input=b"".join(requests), capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr.decode(errors='replace')[:4000]}"
        sizes = self.output_bytes[name]
        assert len(done.stdout) == len(requests) * sum(sizes)
        found, at = [], 0
        for _ in requests:
            row = []
            for size in sizes:
                row.append(done.stdout[at : at + size])
                at += size
            found.append(row)
        return found


def program(models: Mapping[str, bytes], *, optimize: str = "speed", guards: bool = False, keep_input: bool = False,
            passes: bool = False, plant: tuple[str, str] | None = None,
            bands: tuple[int, int] | None = None) -> Program:  # fmt: skip
    """Renders `models` (C name -> .tflite) and compiles them with the runner, once a session. The address sanitizer
    watches the arena's ends, or with `guards` bytes on both sides of it do. `plant` (old, new) puts a fault into
    model.c, to see that it is found."""
    return _program(tuple(models.items()), optimize, guards, keep_input, passes, plant, bands)


@cache
def _program(models: tuple[tuple[str, bytes], ...], optimize: str, guards: bool, keep_input: bool, passes: bool,
             plant: tuple[str, str] | None, bands: tuple[int, int] | None) -> Program:  # fmt: skip
    gcc, folder = compiler(), new_folder()
    sizes, states = {}, {}
    for name, data in models:
        project = rendered(data, name, optimize=optimize, keep_input=keep_input, passes=passes, bands=bands)
        states[name] = project.manifest.state_bytes
        if plant is not None:
            text = project.files["model/model.c"].decode()
            assert plant[0] in text
            project.files["model/model.c"] = text.replace(*plant).encode()
        write(project, folder / name)
        sizes[name] = (
            tuple(io.bytes for io in project.manifest.inputs),
            tuple(io.bytes for io in project.manifest.outputs),
        )
    names = tuple(name for name, _ in models)
    (folder / "table.c").write_text(_table(names, sizes, states, guards), encoding="utf-8")
    sources = [f"{name}/model/{part}.c" for name in names for part in ("model", "weights")]
    common = [gcc, *WARNINGS, *(GUARDED if guards else SANITIZERS), f"-I{HOST}"]
    objects = _guarded(common, sources, names, folder) if guards else sources
    compile_c([*common, *objects, "table.c", HOST / "runner.c", "-o", "runner"], folder)
    return Program(folder / "runner", names, {name: outputs for name, (_, outputs) in sizes.items()})


def _guarded(common: Sequence[str], sources: Sequence[str], names: Sequence[str], folder: Path) -> list[str]:
    """Compiles, and lets the arenas of table.c, which lie between guards, take the place of the models' own."""
    objcopy, objects = compiler("objcopy"), []
    for source in sources:
        objects.append(source.replace(".c", ".o"))
        compile_c([*common, "-c", source, "-o", objects[-1]], folder)
    for name in names:
        compile_c([objcopy, f"--weaken-symbol={name}_arena", f"{name}/model/model.o"], folder)
    return objects


def _table(names: Sequence[str], sizes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
           states: Mapping[str, int], guards: bool) -> str:  # fmt: skip
    """C that makes the models known to runner.c."""
    lines = ['#include "runner.h"', *(f'#include "{name}/model/model.h"' for name in names)]
    for name in names:
        inputs, outputs = sizes[name]
        lines += [
            f"static void *{place}_place(void) {{ return {place}(); }}"
            for place in (*_places(name, "input", len(inputs)), *_places(name, "output", len(outputs)))
        ]
        arguments = [f"in[{i}]" for i in range(len(inputs))] + [f"out[{i}]" for i in range(len(outputs))]
        lines.append(f"static void run_{name}(void **in, void **out) {{ {name}_run({', '.join(arguments)}); }}")
        if guards:
            lines += _guards(name)
    lines.append(f"const uint32_t model_count = {len(names)};\nconst rendered_model models[] = {{")
    for name in names:
        inputs, outputs = sizes[name]
        sides = f"{{{name}_guarded, {name}_guarded + GUARD_BYTES + {name.upper()}_ARENA_BYTES}}" if guards else "{0, 0}"
        lines.append(
            f"{{{name}_arena, {name.upper()}_ARENA_BYTES, {states[name]}, {sides}, {len(inputs)}, {len(outputs)}, "
            f"{{{', '.join(map(str, inputs))}}}, {{{', '.join(map(str, outputs))}}}, "
            f"{{{_listed(_places(name, 'input', len(inputs)))}}}, "
            f"{{{_listed(_places(name, 'output', len(outputs)))}}}, run_{name}, "
            f"{f'{name}_reset' if states[name] else '0'}}},"
        )
    return "\n".join([*lines, "};", ""])


def _places(name: str, what: str, count: int) -> list[str]:
    """The functions that give the addresses of inputs or outputs."""
    return [f"{name}_{what}_{i}" for i in range(count)] if count > 1 else [f"{name}_{what}"]


def _listed(places: list[str]) -> str:
    return ", ".join(f"{place}_place" for place in places)


def _guards(name: str) -> list[str]:
    upper = name.upper()
    return [
        f"__attribute__((aligned(16))) uint8_t {name}_guarded[2 * GUARD_BYTES + {upper}_ARENA_BYTES] = {{",
        f"    [0 ... GUARD_BYTES - 1] = GUARD_VALUE, "
        f"[GUARD_BYTES + {upper}_ARENA_BYTES ... 2 * GUARD_BYTES + {upper}_ARENA_BYTES - 1] = GUARD_VALUE}};",
        f'__asm__(".globl {name}_arena\\n.set {name}_arena, {name}_guarded + 256");',
    ]


# Single kernels -----------------------------------------------------------------------------------------------------

_GIVEN, _OUTPUT, _ABSENT, _OUTPUT_OVER_FIRST = range(4)


class Kernels:
    """The portable kernels in one process that takes any shape; each array is an allocation of exactly its size."""

    def __init__(self, exe: Path) -> None:
        self._exe = exe
        self._child: subprocess.Popen[bytes] | None = None

    def run(
        self, call: KernelCall, arrays: Mapping[int, Array], output_bytes: Mapping[int, int], *, over: int | None = None
    ) -> bytes:
        """The outputs of one call, one after the other. `arrays` holds the activations by tensor number, `output_bytes`
        their sizes; `over` is the input position over which the output is written, None for memory of its own.
        Batches are calls of their own."""
        if call.batches > 1:
            return b"".join(self._batch(call, batch, arrays, output_bytes, over) for batch in range(call.batches))
        parts = [call.function.encode().ljust(64, b"\0") if call.function else b""]
        values = [value for _, value in call.params]
        kinds = "".join("f" if isinstance(value, float) else "i" for value in values)
        parts.append(struct.pack(f"<I{kinds}", 4 * len(values), *values))
        parts.append(struct.pack("<I", len(call.arguments)))
        for argument in call.arguments:
            if isinstance(argument, Read):
                data = arrays[argument.tensor].tobytes()
            elif isinstance(argument, Constant):
                data = argument.values.tobytes()
            elif isinstance(argument, Write):
                kind = _OUTPUT if over is None else _OUTPUT_OVER_FIRST + over
                parts.append(struct.pack("<II", kind, output_bytes[argument.tensor]))
                continue
            else:
                assert argument == Scratch(0)
                parts.append(struct.pack("<II", _ABSENT, 0))
                continue
            parts.append(struct.pack("<II", _GIVEN, len(data)) + data)
        written = (argument.tensor for argument in call.arguments if isinstance(argument, Write))
        return self._ask(b"".join(parts), sum(output_bytes[tensor] for tensor in written))

    def _batch(self, call: KernelCall, batch: int, arrays: Mapping[int, Array], output_bytes: Mapping[int, int],
               over: int | None) -> bytes:  # fmt: skip
        tensors = [argument.tensor for argument in call.arguments if isinstance(argument, Read)]
        read = {tensor: arrays[tensor].reshape(call.batches, -1)[batch] for tensor in tensors}
        sizes = {tensor: size // call.batches for tensor, size in output_bytes.items()}
        return self.run(replace(call, batches=1), read, sizes, over=over)

    def _ask(self, request: bytes, size: int) -> bytes:
        if self._child is None:
            pipe = subprocess.PIPE
            self._child = subprocess.Popen([self._exe], stdin=pipe, stdout=pipe, stderr=pipe)
            atexit.register(self._child.kill)
        source, target = self._child.stdout, self._child.stdin
        assert source is not None
        assert target is not None
        with contextlib.suppress(BrokenPipeError):
            target.write(request)
            target.flush()
        answer = source.read(size)
        if len(answer) != size:
            raise AssertionError(self._last_words())
        return answer

    def _last_words(self) -> str:
        """What the sanitizers said; the next request starts a new process."""
        assert self._child is not None
        error: IO[bytes] | None = self._child.stderr
        assert error is not None
        with contextlib.suppress(BrokenPipeError):
            assert self._child.stdin is not None
            self._child.stdin.close()
        text = error.read().decode(errors="replace")
        self._child.wait(timeout=10)
        self._child = None
        return text[:4000] or "the kernel process ended"


@cache
def kernels() -> Kernels:
    """The kernel process, compiled once a session, as `--optimize size` compiles kernels: one copy, shapes unknown."""
    exe = new_folder("kernels") / "kernels"
    (exe.parent / "kernel_table.h").write_text(_kernel_table(), encoding="utf-8")
    folders = (f"-I{assets.folder('firmware') / 'kernels'}", "-I.")
    flags = (*WARNINGS, *SANITIZERS, "-DTINYQ_OPTIMIZE_SIZE", *folders)
    compile_c([compiler(), *flags, HOST / "kernels.c", "-o", exe], exe.parent)
    return Kernels(exe)


_KERNEL = re.compile(r"^TINYQ_KERNEL void (tinyq_portable_(\w+))\(const (\w+) \*p,([^)]*)\)", re.MULTILINE)


def _kernel_table() -> str:
    """C that calls every portable kernel by its name, as its header declares it."""
    lines, rows = [], []
    for path in sorted((assets.folder("firmware") / "kernels" / "portable").glob("*.h")):
        for function, name, params, rest in _KERNEL.findall(path.read_text(encoding="utf-8")):
            last = rest.count(",")
            pointers = "(void *)&" if "*const *" in rest else ""  # an array of all arguments that are left
            arguments = ", ".join(f"{pointers if i == last else ''}a[{i}]" for i in range(last + 1))
            lines.append(f'#include "portable/{path.name}"')
            lines.append(f"static void run_{name}(const void *p, void **a) {{ {function}(p, {arguments}); }}")
            rows.append(f'    {{"{function}", sizeof({params}), run_{name}}},')
    return "\n".join([*lines, "static const kernel kernels[] = {", *rows, "};", ""])
