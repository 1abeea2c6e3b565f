# SPDX-License-Identifier: Apache-2.0
"""Runs an external tool: an argv list, a time limit, and no child left behind, whatever ends the wait."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POSIX = os.name == "posix"


@dataclass(frozen=True)
class Finished:
    """What a tool left: its exit status (None: it ran past its time or was ended) and what it printed."""

    argv: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """True for exit status 0."""
        return self.status == 0

    @property
    def output(self) -> str:
        """Both streams, stderr first: that is where compilers and flashers explain themselves."""
        return self.stderr + self.stdout


class Runner:
    """Runs tools, from several threads if wanted; `stop` ends all that run, their children included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(
        self, argv: Sequence[str], *, cwd: Path | None = None, timeout: float, env: Mapping[str, str] | None = None
    ) -> Finished:
        """Runs `argv` to its end or for `timeout` seconds. Raises OSError when the program cannot be started."""
        with self._lock:
            if self._stopped:
                return Finished(tuple(argv), None, "", "")
            child = _start(argv, cwd, env)
            self._running.add(child)
        try:
            stdout, stderr = child.communicate(timeout=timeout)
            return Finished(tuple(argv), None if self._stopped else child.returncode, stdout, stderr)
        except subprocess.TimeoutExpired:
            _kill(child)
            stdout, stderr = child.communicate()
            return Finished(tuple(argv), None, stdout, stderr)
        finally:
            if child.poll() is None:
                _kill(child)
                child.communicate()
            with self._lock:
                self._running.discard(child)

    def stop(self) -> None:
        """Ends every tool that runs; later calls of `run` start nothing."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                _kill(child)


def run(argv: Sequence[str], *, timeout: float, cwd: Path | None = None) -> Finished:
    """Runs one tool to its end. Raises OSError when the program cannot be started."""
    return Runner().run(argv, cwd=cwd, timeout=timeout)


def _start(argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    """Starts `argv` as the head of its own process group, with messages in English: the hints match on them."""
    own = {**os.environ, "LC_ALL": "C", **(env or {})}
    if cwd is not None:
        own["PWD"] = str(cwd)
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=_POSIX,
    )


def _kill(child: subprocess.Popen[str]) -> None:
    """Ends a child and what it started."""
    if child.poll() is not None:
        return
    if _POSIX:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        return
    subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)  # noqa: S607
