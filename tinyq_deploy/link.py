# SPDX-License-Identifier: Apache-2.0
"""Requests and replies over an unreliable port: repeats what stays unanswered, drops what is damaged or stale.

A request is repeated unchanged, and a device answers a repeated request with its first reply, so nothing is carried
out twice. Whatever is no frame is text from the device or noise; neither is ever an error by itself.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tinyq_deploy.errors import LinkError
from tinyq_deploy.framing import Frame, Splitter, encode_frame, frame_bytes
from tinyq_deploy.link_ids import ErrorCode, MessageType
from tinyq_deploy.ports import Port
from tinyq_deploy.protocol import REPLY, REQUESTS, Heartbeat, ProtocolError, Refusal

ATTEMPTS = 8
LONGEST_WAIT = 120.0
T = TypeVar("T")

_SLICE = 0.02
_BACKOFF_LIMIT = 4.0
_SILENT_ATTEMPTS = 2
_FIRST_BYTES = 80
_READ_AT_ONCE = 4096


class LinkTimeout(LinkError):
    """A request stayed unanswered however often it was repeated."""


class Refused(LinkError):
    """The device answered with an error; `code` says which."""

    def __init__(self, request: MessageType, code: int, detail: int) -> None:
        name = ErrorCode(code).name if code in set(ErrorCode) else str(code)
        super().__init__(
            "the device carries out what is asked", f"{request.name}: {name} ({detail})", _HINTS.get(code, "")
        )
        self.code = code


_HINTS: dict[int, str] = {
    ErrorCode.BAD_LINK: "the device restarted in between, or two programs use the port",
    ErrorCode.UNKNOWN_TYPE: "flash firmware built by this version of the tool",
    ErrorCode.BAD_WEIGHTS: "the weights in flash are damaged; flash the board again",
    ErrorCode.UNSUPPORTED: "build with --keep-layers to time layers",
    ErrorCode.NOT_RESET: "the model keeps a state: begin a sequence of inputs with a reset",
    ErrorCode.TOO_BIG: "raise the board's link payload: the message does not fit a frame",
}


@dataclass
class LinkStats:
    """What the host saw of the link since it was opened; counts of frames or segments."""

    requests: int = 0
    resends: int = 0
    damaged: int = 0
    stale: int = 0
    heartbeats: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in vars(self).items())


class Link:
    """The request engine. `baud` is the port's rate, `margin` what a reply may take beyond wire and work, in seconds.

    `longest_wait` bounds what a device can announce by heartbeats, `on_text` receives every line of text it sends.
    """

    def __init__(
        self,
        port: Port,
        *,
        baud: int = 115200,
        margin: float = 0.25,
        longest_wait: float = LONGEST_WAIT,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        self.port = port
        self.baud = self.base_baud = baud
        self.margin = margin
        self.longest_wait = longest_wait
        self.stats = LinkStats()
        self.text: deque[str] = deque(maxlen=200)
        self.first_bytes = b""
        self.link_id = 0
        self._alive_until = 0.0  # a heartbeat says that the request arrived: from then on time counts, not attempts
        self._on_text = on_text
        self._splitter = Splitter()
        self._seq = random.randrange(256)  # noqa: S311 - tells links apart, guards nothing
        port.timeout = _SLICE

    def new_link(self) -> None:
        """Draws a new link id: replies and state of earlier ones are void from now on."""
        previous = self.link_id
        while self.link_id in (previous, 0):
            self.link_id = random.randrange(1, 1 << 16)  # noqa: S311

    def request(
        self,
        kind: MessageType,
        *fields: int,
        data: bytes = b"",
        reply_bytes: int = 0,
        work: float = 0.0,
        attempts: int = ATTEMPTS,
    ) -> bytes:
        """The payload of the reply, link id included.

        `reply_bytes` and `work` (seconds on the device) are estimates for the time-out. Raises LinkTimeout after
        `attempts` sends, Refused when the device answers with an error, LinkError when the port is gone.
        """
        self._seq = (self._seq + 1) % 256
        frame = encode_frame(Frame(kind, self._seq, REQUESTS[kind].pack(self.link_id, *fields) + data))
        wire = (len(frame) + frame_bytes(reply_bytes)) * 10 / self.baud
        self.stats.requests += 1
        self._alive_until = 0.0
        silent = attempt = 0
        while attempt < attempts or time.monotonic() < self._alive_until:
            self.stats.resends += attempt > 0
            attempt += 1
            heard = self.stats.bytes_received
            self._send(frame)
            limit = wire + 2 * work + min(self.margin * 2 ** max(0, silent - 1), max(_BACKOFF_LIMIT, self.margin))
            reply = self._await(kind, limit)
            if reply is not None:
                return reply
            silent = silent + 1 if self.stats.bytes_received == heard else 0
            if silent >= _SILENT_ATTEMPTS and self.baud != self.base_baud:
                self.set_port_baud(self.base_baud)  # the device went back by itself
        raise LinkTimeout(
            "the device answers",
            f"no answer to {kind.name} after {attempt} attempts; {self.stats}",
            "check cable and board; a lower baud rate helps on a bad line",
        )

    def drain(self, quiet: float = 0.1, most: float = 1.0) -> None:
        """Drops what arrives until the line was quiet for `quiet` seconds, for `most` seconds at the longest."""
        end = time.monotonic() + most
        last = time.monotonic()
        while time.monotonic() < min(end, last + quiet):
            data = self._receive()
            if data:
                last = time.monotonic()
                self._note(b"".join(item for item in self._splitter.feed(data) if isinstance(item, bytes)))

    def _await(self, kind: MessageType, limit: float) -> bytes | None:
        start = time.monotonic()
        deadline = start + limit
        while time.monotonic() < deadline:
            for item in self._splitter.feed(self._receive()):
                if isinstance(item, bytes):
                    self._note(item)
                elif not self._is_mine(item):
                    self.stats.stale += 1
                elif item.type == MessageType.HEARTBEAT:
                    self.stats.heartbeats += 1
                    announced = parse(Heartbeat.unpack, item.payload).expected_ms / 1000
                    wait = max(4 * self.margin, 2 * announced) + limit
                    deadline = min(start + self.longest_wait, time.monotonic() + wait)
                    self._alive_until = self._alive_until or start + self.longest_wait
                elif item.type == MessageType.ERROR:
                    refusal = parse(Refusal.unpack, item.payload)
                    raise Refused(kind, refusal.code, refusal.detail)
                elif item.type == kind | REPLY:
                    return item.payload
        return None

    def _is_mine(self, frame: Frame) -> bool:
        return frame.seq == self._seq and frame.payload[:2] == self.link_id.to_bytes(2, "little")

    def _note(self, data: bytes) -> None:
        self.stats.damaged = self._splitter.damaged
        for line in data.decode("latin-1").splitlines():
            if line.strip() and line.isascii() and line.isprintable():
                self.text.append(line)
                if self._on_text:
                    self._on_text(line)

    def _send(self, data: bytes) -> None:
        try:
            self.port.write(data)
        except OSError as error:
            raise _gone(error, self.stats) from error
        self.stats.bytes_sent += len(data)

    def _receive(self) -> bytes:
        """What has arrived, at most _READ_AT_ONCE bytes; waits up to _SLICE seconds for the first."""
        try:
            data = self.port.read(min(max(1, self.port.in_waiting), _READ_AT_ONCE))
        except OSError as error:
            raise _gone(error, self.stats) from error
        self.stats.bytes_received += len(data)
        if len(self.first_bytes) < _FIRST_BYTES:
            self.first_bytes = (self.first_bytes + data)[:_FIRST_BYTES]
        return data

    def set_port_baud(self, baud: int) -> None:
        """Sets the port's rate, and the one that time-outs count with."""
        try:
            self.port.baudrate = baud
        except (OSError, ValueError) as error:
            raise LinkError("the port takes the rate", f"{baud} baud: {error}", "choose another --baud") from error
        self.baud = baud


def _gone(error: OSError, stats: LinkStats) -> LinkError:
    return LinkError(
        "the port stays open",
        f"{error}; {stats}",
        "the board was unplugged, or another program reads the same port",
    )


def parse(unpack: Callable[[bytes], T], payload: bytes) -> T:
    """`unpack(payload)`, a wrong layout as LinkError: its CRC was right, so the firmware means something else."""
    try:
        return unpack(payload)
    except ProtocolError as error:
        raise LinkError("replies have their layout", f"{error}", "flash firmware built by this tool") from error


def no_hello(link: Link) -> LinkError:
    """Why HELLO got no answer, as far as what was heard on the port says."""
    heard = link.first_bytes
    if not heard:
        hint = "check cable, baud rate and that the board is flashed; press its reset button"
        return LinkError("the device answers", "silence", hint)
    odd = sum(not (0x20 <= byte < 0x7F or byte in b"\r\n\t") for byte in heard)
    if 2 * odd > len(heard):
        return LinkError(
            "the device answers",
            f"noise: {printable(heard)}; {link.stats}",
            "try another baud rate (9600, 115200, 921600)",
        )
    hint = "this is other firmware; flash the board with tinyq-deploy"
    return LinkError("the board runs tinyq firmware", f"it says: {printable(heard)}; {link.stats}", hint)


def printable(data: bytes) -> str:
    """Bytes as a person can read them: ASCII as it is, the rest as escapes."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in data)
