# SPDX-License-Identifier: Apache-2.0
"""Compiles damaged models and looks for what must not be: `python tests/fuzz.py --count 100000`.

Each model is a mutant of an earlier one (see mutants.py) and goes through `deploy.build` as a library project. Allowed
are a project, or a TinyqError that says which rule is broken and what was found, and that leaves no file. Not allowed
are any other exception, more than SECONDS of processor time, or more than BYTES of memory. Mutants that are told
something new, or compile to something new, are mutated further. Some that compile run on this computer under the
address and undefined-behaviour sanitizers. The same --seed gives the same mutants of the same models.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

import host_c
import mutants
import nets
from exact import samples

from tinyq_deploy import board, deploy
from tinyq_deploy.errors import TinyqError
from tinyq_deploy.inspect_model import inspect
from tinyq_deploy.read import read

SECONDS = 20
BYTES = 2 << 30
BOARDS = ("host", "nucleo-f446re", "mps3-an547", "nucleo-g071rb")
# A mutant of at most so many bytes is mutated further, and one with at most so much work and memory is run.
MOST_BYTES, MOST_MACS, MOST_ARENA = 65536, 10_000_000, 1 << 24


class Slow(BaseException):
    """A model took too long; no handler of the library may take it for a damaged file."""


@dataclass
class Tally:
    """What came of the mutants; `faults` says what must not have been, by the file that shows it."""

    refused: Counter[str] = field(default_factory=Counter)
    compiled: int = 0
    ran: int = 0
    unpacked: int = 0
    faults: dict[str, str] = field(default_factory=dict)


def seeds(folders: list[Path]) -> list[bytes]:
    """Small models made here, and the .tflite files of `folders`."""
    made = [nets.small(), nets.two_in_two_out(), nets.chain(3), nets.wide()]
    return made + [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.tflite"))]


@cache
def _board(name: str) -> board.Board:
    return board.load(name)


@dataclass(frozen=True)
class Case:
    """A mutant and how it is compiled."""

    data: bytes
    board: str = "host"
    optimize: str = "speed"
    kernels: str = "portable"
    keep_layers: bool = False
    inspected: bool = False

    def request(self, folder: Path) -> deploy.BuildRequest:
        return deploy.BuildRequest(
            folder / "m.tflite", _board(self.board), name="m", kernels=self.kernels,
            optimize=self.optimize, export=True, keep_layers=self.keep_layers, out=folder / "out",
        )  # fmt: skip


@dataclass
class Corpus:
    """What is mutated: models that compile, and others, which may be as interesting but are one fault further away."""

    sound: list[bytes] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sound) + len(self.broken)

    def choose(self, rng: random.Random) -> bytes:
        """A model, three in four times one that compiles."""
        return rng.choice(self.sound if rng.random() < 0.75 or not self.broken else self.broken)


def cases(rng: random.Random, corpus: Corpus, tally: Tally) -> Iterator[Case]:
    """Mutants without end of a corpus that may grow meanwhile."""
    known = cache(mutants.fields)
    while True:
        seed = corpus.choose(rng)
        data = mutants.of_values(rng, seed) if rng.random() < 0.5 else mutants.of_bytes(rng, seed, known(seed))
        if data is None:
            tally.unpacked += 1
            continue
        where = rng.choice(BOARDS)
        kernels = "portable" if where == "host" else rng.choice(("own", "own", "auto", "portable"))
        yield Case(data, where, rng.choice(("speed", "size")), kernels, rng.random() < 0.2, rng.random() < 0.05)


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """At most SECONDS of processor time, else Slow; at most BYTES more memory than now, else MemoryError."""

    def slow(_: int, frame: FrameType | None) -> None:
        raise Slow("".join(traceback.format_stack(frame)[-4:]))

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    signal.signal(signal.SIGPROF, slow)
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def compiled(case: Case, folder: Path) -> deploy.BuildResult | str:
    """The project of a mutant, or the rules that it breaks. Raises whatever must not be."""
    (folder / "m.tflite").write_bytes(case.data)
    try:
        with limited():
            if case.inspected:
                json.dumps(inspect(folder / "m.tflite").to_json())
            return deploy.build(case.request(folder))
    except TinyqError as error:
        return _told(error, folder)


def _told(error: TinyqError, folder: Path) -> str:
    """The rules that a refusal names; it says what was found and what to do, is of bounded length, and left nothing
    behind."""
    assert error.faults
    for fault in error.faults:
        assert fault.rule and fault.found and fault.hint and len(str(fault)) < 100_000, str(fault)  # noqa: PT018
    assert sorted(os.listdir(folder)) == ["m.tflite"], "a refused model left files"
    return "; ".join(sorted({_alike(fault.rule) for fault in error.faults}))


def _alike(text: str) -> str:
    """`text` without its numbers."""
    return re.sub(r"\d+", "#", text)


def small_enough(result: deploy.BuildResult) -> bool:
    """Whether a compiled mutant may be run."""
    plan = result.plan
    return plan.arena_bytes <= MOST_ARENA and sum(layer.macs for layer in plan.layers) <= MOST_MACS


def run_sanitized(case: Case) -> None:
    """The mutant's C on this computer, on its lowest, highest and some other inputs; fails as tests do."""
    built = host_c.program({"m": case.data}, optimize=case.optimize, passes=not case.keep_layers)
    built.run("m", samples(read(case.data, "m"), 2))
    shutil.rmtree(built.exe.parent)


@dataclass
class Fuzz:
    """A session: where it keeps what it found, and what it has seen."""

    keep: Path
    sanitize: int
    corpus: Corpus = field(default_factory=Corpus)
    tally: Tally = field(default_factory=Tally)
    seen: set[str] = field(default_factory=set)

    def take(self, case: Case, folder: Path) -> None:
        """Compiles one mutant and records what came of it."""
        try:
            result = compiled(case, folder)
            if isinstance(result, str):
                self.tally.refused[result] += 1
                self._interesting(case, result, self.corpus.broken)
                return
            self.tally.compiled += 1
            layers = " ".join(f"{layer.op} {layer.call.function}" for layer in result.plan.layers)
            new = self._interesting(case, layers, self.corpus.sound)
            if self.sanitize and small_enough(result) and (new or self.tally.compiled % self.sanitize == 0):
                self.tally.ran += 1
                run_sanitized(case)
        except (Exception, Slow) as error:
            self._fault(case, error)
        finally:
            shutil.rmtree(folder / "out", ignore_errors=True)

    def _interesting(self, case: Case, what: str, models: list[bytes]) -> bool:
        new = what not in self.seen
        self.seen.add(what)
        if new and len(case.data) <= MOST_BYTES:
            models.append(case.data)
        return new

    def _fault(self, case: Case, error: BaseException) -> None:
        """One file for each place in the code that a fault comes from."""
        told = traceback.extract_tb(error.__traceback__)[-1]
        what = f" ({_alike(str(error)[:80])!r})" if isinstance(error, AssertionError) else ""
        key = f"{type(error).__name__} at {Path(told.filename).name}:{told.lineno}{what}"
        if key in self.tally.faults:
            return
        self.keep.mkdir(parents=True, exist_ok=True)
        path = self.keep / f"{len(self.tally.faults):03d}.tflite"
        path.write_bytes(case.data)
        how = f"{case.board} {case.kernels} {case.optimize} keep_layers={case.keep_layers}"
        self.tally.faults[key] = f"{path}, {how}: {error}"[:2000]
        print(f"FAULT {key}: {self.tally.faults[key]}", flush=True)
        traceback.print_exception(error, limit=-6)


def main() -> int:
    """Parses, runs, tells; exit code 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=1000, help="mutants")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so much time; 0: never")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="folders of models to start from")
    parser.add_argument("--operators", action="store_true", help="start from the models of the operator tests too")
    parser.add_argument("--sanitize", type=int, default=0, help="run one in so many that compile, and every new one")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="where models go that show a fault")
    options = parser.parse_args()
    library = deploy.cmsis_nn.find(None, os.environ)
    deploy.cmsis_nn.find = lambda *_: library  # it scans a source tree each time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, tempfile.TemporaryDirectory() as harvest:
        if options.operators:
            _harvest(Path(harvest))
        fuzz = Fuzz(options.keep.resolve(), options.sanitize)
        _session(fuzz, seeds([*options.models, Path(harvest)]), options, Path(folder))
    return bool(fuzz.tally.faults)


def _harvest(folder: Path) -> None:
    tests = Path(__file__).resolve().parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "seeds", "-p", "no:cacheprovider", "-m", "not exhaustive"]
    environment = {**os.environ, "TINYQ_SEEDS": str(folder), "PYTHONPATH": os.pathsep.join((str(tests), *sys.path))}
    subprocess.run([*command, str(tests / "ops")], env=environment, check=False, stdout=subprocess.DEVNULL)


def _session(fuzz: Fuzz, given: list[bytes], options: argparse.Namespace, folder: Path) -> None:
    rng, tally, started, done = random.Random(options.seed), fuzz.tally, time.monotonic(), 0
    for data in given:
        sound = not isinstance(compiled(Case(data), folder), str)
        shutil.rmtree(folder / "out", ignore_errors=True)
        (fuzz.corpus.sound if sound else fuzz.corpus.broken).append(data)
    first = len(fuzz.corpus)
    for case in cases(rng, fuzz.corpus, tally):
        if done == options.count or 0 < options.seconds < time.monotonic() - started:
            break
        fuzz.take(case, folder)
        done += 1
        if done % 5000 == 0:
            print(f"{done:,}: {tally.compiled:,} compiled, {len(fuzz.corpus):,} models, "
                  f"{time.monotonic() - started:.0f} s", flush=True)  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{done:,} mutants of {first:,} models (and of {len(fuzz.corpus) - first:,} mutants) in "
        f"{time.monotonic() - started:.0f} s, {peak:,} MiB at most: {tally.refused.total():,} refused for "
        f"{len(tally.refused):,} combinations of rules, {tally.compiled:,} compiled, {tally.ran:,} of them run under "
        f"the sanitizers, {len(tally.faults):,} faults"
    )


if __name__ == "__main__":
    sys.exit(main())
