# SPDX-License-Identifier: Apache-2.0
"""The fuzz of the compiler: a few seconds of it, that it sees what it is there to see, and 100,000 mutants."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fuzz
import mutants
import nets
import pytest

from tinyq_deploy import deploy
from tinyq_deploy.errors import ModelError
from tinyq_deploy.read import read

SCRIPT = Path(fuzz.__file__)
NO_FORK = pytest.mark.skipif(sys.platform == "win32", reason="processor time and memory are limited by POSIX means")
pytestmark = NO_FORK


def session(folder: Path, *options: str, timeout: float) -> int:
    """How many mutants a session tried; fails where it found something."""
    command = [sys.executable, str(SCRIPT), "--keep", str(folder / "found"), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(folder.iterdir()) == []
    counted = re.search(r"([\d,]+) mutants of", done.stdout)
    assert counted is not None
    return int(counted[1].replace(",", ""))


def test_damaged_models_are_refused_or_compiled(tmp_path: Path) -> None:
    assert session(tmp_path, "--seconds", "4", "--count", "100000", timeout=120) > 10


@pytest.mark.exhaustive
def test_100_000_damaged_models_are_refused_or_compiled(tmp_path: Path) -> None:
    options = ("--count", "100000", "--operators", "--sanitize", "500")
    assert session(tmp_path, *options, timeout=6 * 3600) == 100_000


@pytest.fixture
def session_of_one(tmp_path: Path) -> fuzz.Fuzz:
    return fuzz.Fuzz(tmp_path / "found", 0)


def take(found: fuzz.Fuzz, folder: Path, data: bytes = nets.small()) -> dict[str, str]:
    (folder / "work").mkdir()
    found.take(fuzz.Case(data), folder / "work")
    return found.tally.faults


def test_a_sound_model_and_a_refused_one_are_no_faults(session_of_one: fuzz.Fuzz, tmp_path: Path) -> None:
    assert take(session_of_one, tmp_path) == {}
    session_of_one.take(fuzz.Case(nets.small()[:500]), tmp_path / "work")
    tally = session_of_one.tally
    assert (tally.compiled, tally.refused.total(), tally.faults) == (1, 1, {})


def test_any_other_exception_is_a_fault(
    session_of_one: fuzz.Fuzz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "check", lambda _: 1 // 0)
    (key,) = take(session_of_one, tmp_path)
    assert key.startswith("ZeroDivisionError at test_fuzz.py")
    assert (tmp_path / "found" / "000.tflite").read_bytes() == nets.small()


def test_an_endless_loop_and_endless_memory_are_faults(
    session_of_one: fuzz.Fuzz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: Any) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz, "SECONDS", 0.2)
    monkeypatch.setattr(deploy, "check", endless)
    (key,) = take(session_of_one, tmp_path)
    assert key.startswith("Slow at ")
    monkeypatch.setattr(fuzz, "SECONDS", 20)
    monkeypatch.setattr(fuzz, "BYTES", 1 << 28)
    monkeypatch.setattr(deploy, "check", lambda _: bytes(1 << 30))
    session_of_one.take(fuzz.Case(nets.small()), tmp_path / "work")
    assert list(session_of_one.tally.faults)[1].startswith("MemoryError")


def test_a_refusal_that_leaves_files_or_says_nothing_is_a_fault(
    session_of_one: fuzz.Fuzz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves(_: Any) -> None:
        (tmp_path / "work" / "half.c").write_text("")
        raise ModelError("a rule", "what was found", "what to do")

    monkeypatch.setattr(deploy, "check", leaves)
    (told,) = take(session_of_one, tmp_path).values()
    assert "left files" in told
    (tmp_path / "work" / "half.c").unlink()

    def says_nothing(_: Any) -> None:
        raise ModelError("a rule", "", "")

    monkeypatch.setattr(deploy, "check", says_nothing)
    session_of_one.take(fuzz.Case(nets.small()), tmp_path / "work")
    assert len(session_of_one.tally.faults) == 2


def test_mutants_reach_every_number_that_the_reader_looks_at() -> None:
    """Among them the schema's version, a shape, a scale, a stride and the offsets between tables."""
    seed = nets.small()
    known = mutants.fields(seed)
    assert {field.format for field in known} >= {"<I", "<i", "<H", "<f", "<q", "<b", "<B"}
    assert len(known) > 500


def test_the_same_seed_gives_the_same_mutants() -> None:
    def some(seed: int) -> list[bytes | None]:
        rng, model = random.Random(seed), nets.small()
        known = mutants.fields(model)
        return [mutants.of_bytes(rng, model, known) for _ in range(20)] + [
            mutants.of_values(rng, model) for _ in range(20)
        ]

    assert some(1) == some(1) != some(2)
    assert len({data for data in some(1) if data is not None}) > 30


def test_values_are_changed_in_sound_files() -> None:
    """Most mutants of values parse: their faults lie deeper than damaged bytes reach."""
    rng, told = random.Random(3), 0
    for _ in range(60):
        data = mutants.of_values(rng, nets.small())
        try:
            read(data or b"", "mutant")
        except ModelError as error:
            told += "leads inside" in str(error) or data is None
    assert told < 30
