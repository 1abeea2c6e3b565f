# SPDX-License-Identifier: Apache-2.0
"""The parent's end of a worker: starts it, asks it, survives its crash, ends it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tinyq_deploy.workers.framing import Message, receive, send

_TAIL_BYTES = 2000


class WorkerError(Exception):
    """The worker answered that it could not do what was asked; it is still alive."""


class WorkerDied(WorkerError):
    """The worker crashed, was ended, or ran past its time."""


def worker_argv(module: str) -> list[str]:
    """The command line of the worker `module` of this package."""
    return [sys.executable, "-m", f"tinyq_deploy.workers.{module}"]


class Worker:
    """A running worker; a context manager. One request at a time."""

    def __init__(self, module: str) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        paths = [path or os.getcwd() for path in sys.path]
        self._child = subprocess.Popen(
            worker_argv(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def call(self, message: Message, blobs: Sequence[bytes] = (), *, timeout: float) -> tuple[Message, list[bytes]]:
        """One request and its answer, within `timeout` seconds.

        Raises WorkerError for an answer that says "error", WorkerDied when none comes.
        """
        source, target = self._child.stdout, self._child.stdin
        assert source is not None
        assert target is not None
        watchdog = threading.Timer(timeout, self._child.kill)
        watchdog.start()
        try:
            send(target, message, blobs)
            answer, data = receive(source)
        except (OSError, EOFError) as error:
            watchdog.cancel()
            raise WorkerDied(self._epitaph(timeout)) from error
        finally:
            watchdog.cancel()
        if "error" in answer:
            raise WorkerError(str(answer["error"]))
        return answer, data

    def close(self) -> None:
        """End the worker, if need be by force; more than once is fine."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(OSError):  # unsent bytes to a dead child
                    pipe.close()
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._stderr.close()

    def stderr_tail(self) -> str:
        """The last 2,000 bytes the worker printed."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _TAIL_BYTES))
        return self._stderr.read().decode("utf-8", "replace").strip()

    def _epitaph(self, timeout: float) -> str:
        try:
            status = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return f"no answer within {timeout:.0f} s"
        return f"the process ended with status {status} (limit {timeout:.0f} s): {self.stderr_tail()[-600:]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
