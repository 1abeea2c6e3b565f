# SPDX-License-Identifier: Apache-2.0
"""Compiles and links an emitted project: the same sources, flags and compiler give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinyq_deploy import files, image
from tinyq_deploy.board import Board
from tinyq_deploy.errors import BuildError, Fault, FitError
from tinyq_deploy.process import Finished, Runner
from tinyq_deploy.sizes import OBJECTS, Sizes, measure
from tinyq_deploy.toolchains.base import Optimize, Recipe, Source, Toolchain

Progress = Callable[[int, int, str], None]
COMPILE_SECONDS = 300.0
LINK_SECONDS = 600.0

_OUT = "out"
_LOG = f"{_OUT}/build.log"
_ERROR = re.compile(r"^.*(?:error:|undefined reference|undefined symbol).*$", re.MULTILINE)
_UNDEFINED = "undefined symbol"
_GNU_OVERFLOW = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes?")
_LLD_OVERFLOW = re.compile(r"will not fit in region '(\w+)': overflowed by (\d+) bytes?")
_OUTPUTS = ("firmware.elf", "firmware.bin", "firmware.hex", "firmware.map")


@dataclass(frozen=True)
class Built:
    """A linked image and how it was made. `bin`, `hex`, `map` and `sizes` are None for the board `host`.

    `compiled` counts the sources that were compiled anew; `flags` are those of a source without flags of its own.
    """

    elf: Path
    bin: Path | None
    hex: Path | None
    map: Path | None
    sizes: Sizes | None
    compiler: str
    flags: tuple[str, ...]
    compiled: int


@dataclass(frozen=True)
class _Job:
    """Everything that one build needs to know; `root` is the absolute project folder, where all tools run."""

    root: Path
    recipe: Recipe
    toolchain: Toolchain
    board: Board
    optimize: Optimize
    version: str
    headers: str
    runner: Runner

    def argv(self, source: Source) -> tuple[str, ...]:
        argv = self.toolchain.compile_argv(source, object_name(source), self.recipe, self.board, self.optimize)
        return (*argv, *prefix_maps(self.root, self.toolchain.command))


def object_name(source: Source) -> str:
    """Where the object file of `source` goes, relative to the project."""
    return f"{OBJECTS}{source.path}.o"


def prefix_maps(root: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    """Flags that keep the project's and the compiler's folders out of the objects."""
    program = Path(command[0])
    own = (f"-ffile-prefix-map={program.parent.parent}=toolchain",) if program.is_absolute() else ()
    return (*own, f"-ffile-prefix-map={root}=.")


def build(
    project: Path,
    recipe: Recipe,
    toolchain: Toolchain,
    board: Board,
    optimize: Optimize,
    *,
    progress: Progress | None = None,
) -> Built:
    """Builds `project` to out/firmware.{elf,bin,hex,map}; what is as before is not compiled again.

    `progress` is told (done, all, path). Raises BuildError with the first error and the log's path, FitError when a
    memory region overflows. An interrupt ends every compiler; no half-written output stays.
    """
    root = project.resolve()
    with _locked(root):
        job = _Job(root, recipe, toolchain, board, optimize, toolchain.version(), _headers(root), Runner())
        for name in _OUTPUTS:
            (root / _OUT / name).unlink(missing_ok=True)
        compiled = _compile_all(job, progress or (lambda done, all, path: None))
        link_map = _link(job)
        return _finish(job, link_map, compiled)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One build at a time in a project. The lock is the system's, so it ends with its process."""
    try:
        (root / _OUT).mkdir(exist_ok=True)
        stream = (root / _OUT / ".lock").open("a+b")
    except OSError as error:
        hint = "check the path, the free space and your rights there"
        raise BuildError("the project folder can be written", f"{root}: {error.strerror}", hint) from error
    with stream:
        if not _lock(stream.fileno()):
            found = f"another one holds {root / _OUT / '.lock'}"
            raise BuildError("one build runs in a project at a time", found, "wait for it, or choose another -o")
        yield


def _lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _headers(root: Path) -> str:
    """Digest of all headers of the project: a change of any compiles everything anew."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.h")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _key(job: _Job, source: Source) -> str:
    """Digest of what an object file depends on."""
    try:
        text = (job.root / source.path).read_bytes()
    except OSError as error:
        found = f"{source.path}: {error.strerror}"
        raise BuildError("the recipe's sources exist", found, "render the project again") from error
    what = json.dumps([job.argv(source), job.version, job.headers])
    return hashlib.sha256(what.encode() + b"\0" + text).hexdigest()


def _compile_all(job: _Job, progress: Progress) -> int:
    """Compiles what changed, as many at a time as there are processors, and returns how many that were."""
    keys = {source: _key(job, source) for source in job.recipe.sources}
    stale = [source for source, key in keys.items() if not _is_fresh(job.root, source, key)]
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        jobs = {pool.submit(_compile, job, source, keys[source]): source for source in stale}
        _collect(job, jobs, progress)
    except BaseException:
        job.runner.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return len(stale)


def _collect(job: _Job, jobs: dict[Future[Finished], Source], progress: Progress) -> None:
    """Waits for all, or raises for the first that failed: those that are ended then fail too, and are not told of."""
    for done, future in enumerate(as_completed(jobs), 1):
        path, result = jobs[future].path, future.result()
        if not result.ok:
            raise _failed(job, result, "every source compiles", path)
        progress(done, len(jobs), path)


def _is_fresh(root: Path, source: Source, key: str) -> bool:
    object_file = root / object_name(source)
    stamp = object_file.with_suffix(".key")
    return object_file.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == key


def _compile(job: _Job, source: Source, key: str) -> Finished:
    object_file = job.root / object_name(source)
    stamp = object_file.with_suffix(".key")
    object_file.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    result = _run(job, job.argv(source), COMPILE_SECONDS)
    if result.ok:
        stamp.write_text(key, encoding="ascii")
    else:
        object_file.unlink(missing_ok=True)
    return result


def _run(job: _Job, argv: tuple[str, ...], seconds: float) -> Finished:
    try:
        return job.runner.run(argv, cwd=job.root, timeout=seconds)
    except OSError as error:
        raise BuildError("the compiler starts", f"{argv[0]}: {error.strerror}", job.toolchain.install) from error


def _failed(job: _Job, result: Finished, rule: str, place: str) -> BuildError:
    """The first error of a failed tool; the whole of what it said goes to the log."""
    log = job.root / _LOG
    log.write_text(" ".join(result.argv) + "\n\n" + result.output, encoding="utf-8")
    if result.status is None:
        found = f"{place}: the compiler was ended or ran past its time"
        return BuildError(rule, found, f"run the command in {log} by hand")
    first = _ERROR.search(result.output)
    lines = result.output.strip().splitlines() or ["no message"]
    return BuildError(rule, first[0].strip() if first else f"{place}: {lines[0]}", f"the whole output is in {log}")


def _link(job: _Job) -> str:
    """Links to out/firmware.elf and returns the linker's map."""
    partial = f"{_OUT}/partial.elf"
    try:
        result = _link_once(job, partial, runtime=not job.toolchain.lazy_runtime)
        if job.toolchain.lazy_runtime and _UNDEFINED in result.output:
            result = _link_once(job, partial, runtime=True)
        if not result.ok:
            raise _overflow(job, result.output) or _failed(job, result, "the project links", "link")
        (job.root / partial).replace(job.root / _OUT / "firmware.elf")
        return result.stdout
    except BaseException:
        job.runner.stop()
        raise
    finally:
        (job.root / partial).unlink(missing_ok=True)


def _link_once(job: _Job, elf: str, runtime: bool) -> Finished:
    objects = [object_name(source) for source in job.recipe.sources]
    argv = job.toolchain.link_argv(objects, elf, job.recipe, job.board, job.optimize, runtime=runtime)
    return _run(job, argv, LINK_SECONDS)


def _overflow(job: _Job, output: str) -> FitError | None:
    """The regions that overflow, the bytes too many, and what takes most of each; None when that is not the fault."""
    worst: dict[str, int] = {}
    for pattern in (_GNU_OVERFLOW, _LLD_OVERFLOW):
        for region, size in pattern.findall(output):
            worst[region] = max(worst.get(region, 0), int(size))
    if not worst:
        return None
    found = image.symbols(job.root / object_name(source) for source in job.recipe.sources)
    return FitError.of([_fit_fault(job.board, region, size, found) for region, size in worst.items()])


def _fit_fault(board: Board, region: str, too_many: int, found: tuple[image.Symbol, ...]) -> Fault:
    is_ram = "ram" in region.lower()
    top = ", ".join(f"{s.name} {s.bytes:,}" for s in [s for s in found if s.writable == is_ram][:5])
    size = (board.memory.ram if is_ram else board.memory.flash).bytes if board.memory else 0
    return Fault(
        "the image fits the board's memory",
        f"region {region} of {board.name}: {too_many:,} bytes more than its {size:,}; largest: {top or 'unknown'}",
        "try --optimize size, a smaller model, or a board with more memory",
    )


def _finish(job: _Job, link_map: str, compiled: int) -> Built:
    out = job.root / _OUT
    elf = out / "firmware.elf"
    plain = Source("")
    flags = job.toolchain.compile_flags(plain, job.recipe, job.board, job.optimize)
    compiler = f"{job.toolchain.name} {job.version}"
    if not job.recipe.linker_script:
        return Built(elf, None, None, None, None, compiler, flags, compiled)
    flash = image.read(elf)
    files.write_bytes(out / "firmware.bin", flash.data)
    files.write_bytes(out / "firmware.hex", image.intel_hex(flash).encode("ascii"))
    files.write_bytes(out / "firmware.map", link_map.encode("utf-8"))
    stack = job.board.memory.stack_bytes if job.board.memory else 0
    sizes = measure(image.sections(elf), link_map, stack)
    others = (out / "firmware.bin", out / "firmware.hex", out / "firmware.map")
    return Built(elf, *others, sizes, compiler, flags, compiled)
