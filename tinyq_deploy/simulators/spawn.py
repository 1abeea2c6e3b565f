# SPDX-License-Identifier: Apache-2.0
"""`spawn://path/to/program`: a pyserial port over the standard input and output of a child process.

The path is percent-encoded where it needs to be; `?arg=a&arg=b` passes arguments. The child ends when its input ends;
one that ends by itself with status 0 has reset, and is started again.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from urllib.parse import parse_qs, quote, unquote, urlencode

from serial.serialutil import PortNotOpenError, SerialBase, SerialException, Timeout

RECEIVE_LIMIT = 1 << 20
_END_SECONDS = 1.0


def spawn_url(program: str, *args: str) -> str:
    """The URL that starts `program` with `args`."""
    query = "?" + urlencode([("arg", arg) for arg in args]) if args else ""
    return "spawn://" + quote(program.replace("\\", "/"), safe="/:") + query


def command_of(url: str) -> list[str]:
    """The argv that a spawn:// URL stands for. Raises SerialException when it names no program."""
    scheme, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    if scheme.lower() != "spawn" or not path:
        raise SerialException(f"expected spawn://path/to/program[?arg=...], got {url!r}")
    return [unquote(path), *parse_qs(query).get("arg", [])]


class Serial(SerialBase):  # type: ignore[misc]
    """A child process as a serial port. A thread reads its output, so that time-outs work on every system.

    At most RECEIVE_LIMIT bytes wait to be read; a child that writes more is held up, as flow control would.
    """

    is_open: bool

    def open(self) -> None:
        """Starts the child. Raises SerialException when that fails."""
        if self.is_open:
            raise SerialException("the port is open already")
        self._received = bytearray()
        self._ended = False
        self._news = threading.Condition()
        self._start()
        self.is_open = True
        self._reader = threading.Thread(target=self._pump, name="spawn-reader", daemon=True)
        self._reader.start()

    def _start(self) -> None:
        argv = command_of(self.portstr)
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._child = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=null, bufsize=0)
        except OSError as error:
            raise SerialException(error.errno, f"could not open port {self.portstr}: {error.strerror}") from error
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._stdin, self._stdout = self._child.stdin, self._child.stdout
        self._spoken_to = False

    def _pump(self) -> None:
        while True:
            while data := self._read_child():
                with self._news:
                    self._received += data
                    self._news.notify_all()
                    self._news.wait_for(lambda: len(self._received) < RECEIVE_LIMIT or not self.is_open)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_END_SECONDS)
            with self._news:
                if not self._restart():
                    self._ended = True
                    self._news.notify_all()
                    return

    def _restart(self) -> bool:
        """A device that resets is a child that ends well after it was spoken to: it starts again on new pipes."""
        if not self.is_open or not self._spoken_to or self._child.poll() != 0:
            return False
        self._stdout.close()
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._start()
        except SerialException:
            return False
        return True

    def _read_child(self) -> bytes:
        try:
            return self._stdout.read(4096)
        except (OSError, ValueError):
            return b""

    def close(self) -> None:
        """Ends the child: by the end of its input, and by force if it does not take that."""
        if not self.is_open:
            return
        with self._news:
            self.is_open = False
            self._news.notify_all()
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join(_END_SECONDS)
        self._stdout.close()

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes, fewer at the time-out. Raises SerialException when the child has ended."""
        self._require_open()
        limit = Timeout(self._timeout)
        with self._news:
            while len(self._received) < size and not self._ended and not limit.expired():
                self._news.wait(limit.time_left())
            if not self._received and self._ended and size:
                raise SerialException(f"the program has ended with exit status {self._child.poll()}")
            data = bytes(self._received[:size])
            del self._received[:size]
            self._news.notify_all()
        return data

    def write(self, data: bytes) -> int:
        """Sends all of `data`. Raises SerialException when the child has ended."""
        self._require_open()
        view = memoryview(data)
        self._spoken_to = True
        try:
            while view:
                view = view[self._stdin.write(view) :]
        except OSError as error:
            raise SerialException(error.errno, f"write failed: {error.strerror}") from error
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    @property
    def in_waiting(self) -> int:
        """Number of bytes that read() returns at once."""
        self._require_open()
        with self._news:
            return len(self._received)

    def reset_input_buffer(self) -> None:
        """Drops what was received and not read."""
        self._require_open()
        with self._news:
            self._received.clear()
            self._news.notify_all()

    def reset_output_buffer(self) -> None:
        """Nothing is held back."""

    def _require_open(self) -> None:
        if not self.is_open:
            raise PortNotOpenError()

    def _reconfigure_port(self) -> None:
        """A pipe has no rate."""

    def _update_rts_state(self) -> None:
        """A pipe has no RTS."""

    def _update_dtr_state(self) -> None:
        """A pipe has no DTR."""

    def _update_break_state(self) -> None:
        """A pipe has no break."""
