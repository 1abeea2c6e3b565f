# SPDX-License-Identifier: Apache-2.0
"""A board that runs a model, over the serial link."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyq_deploy.errors import FirmwareFault, LinkError
from tinyq_deploy.link import ATTEMPTS, Link, LinkStats, LinkTimeout, Refused, no_hello, parse
from tinyq_deploy.link_ids import ErrorCode, MessageType
from tinyq_deploy.ports import Port
from tinyq_deploy.protocol import (
    BAUD_CONFIRM_MS,
    CYCLES_UNKNOWN,
    FAULT_WORDS,
    HEARTBEAT_MS,
    PROTOCOL_VERSION,
    REQUESTS,
    RUN_LAYERS,
    RUN_OUTPUTS,
    STRING_MAX,
    Hello,
    LayerCycles,
    RunResult,
    Stats,
)

FIRST_CHUNK = 512
SMALLEST_CHUNK = 32
_GROW_AFTER = 16
_PINGS = 3
_HELLO_SECONDS = 4.0
_ANNOUNCED = 2 * HEARTBEAT_MS / 1000  # the device announces longer runs by itself
_RESTARTS = (ErrorCode.GAP, ErrorCode.NOT_LOADED, ErrorCode.NO_RESULT)


@dataclass(frozen=True)
class SampleResult:
    """One inference: the bytes of every output as the device sent them; cycles None where the board has no counter."""

    index: int
    outputs: tuple[bytes, ...]
    cycles: int | None


class Device:
    """A board behind an open port. The port's rate is `baud`; `margin` (seconds) is more for a slow emulator."""

    def __init__(
        self,
        port: Port,
        *,
        baud: int = 115200,
        margin: float = 0.25,
        longest_wait: float = 120.0,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        self.link = Link(port, baud=baud, margin=margin, longest_wait=longest_wait, on_text=on_text)
        self.chunk = FIRST_CHUNK
        self._clean = 0
        self._hello: Hello | None = None
        self._run_seconds = 0.0

    @property
    def link_stats(self) -> LinkStats:
        """What the host saw of the link."""
        return self.link.stats

    def hello(self, *, seconds: float = _HELLO_SECONDS) -> Hello:
        """Begins a new link and asks the device who it is, for `seconds` if it stays silent.

        A board may restart when its port opens, so the line may be quiet, or carry boot noise, for a while. Raises
        LinkError when nothing answers, when something else does, or when the protocol is another version.
        """
        self.link.drain()
        end = time.monotonic() + seconds
        while True:
            self.link.new_link()
            try:
                payload = self.link.request(MessageType.HELLO, PROTOCOL_VERSION, reply_bytes=256, attempts=2)
                break
            except LinkTimeout as error:
                if time.monotonic() > end:
                    raise no_hello(self.link) from error
        if payload[2] != PROTOCOL_VERSION:
            found = f"the firmware speaks version {payload[2]}, this tool {PROTOCOL_VERSION}"
            raise LinkError("firmware and tool speak the same protocol", found, "flash firmware built by this tool")
        self._hello = parse(Hello.unpack, payload)
        return self._hello

    def require(self, *, sha256: bytes = b"", build_id: str = "") -> Hello:
        """Checks that the device holds the model and the build that are expected, and that its weights are whole.

        `sha256` is the digest of the .tflite file (32 bytes), empty for any. Raises LinkError on the wrong firmware,
        FirmwareFault on damaged weights.
        """
        hello = self._known()
        again = "flash the firmware that was built from this model"
        if sha256 and hello.sha256 != sha256:
            found = f"{hello.model} {hello.sha256.hex()[:16]} instead of {sha256.hex()[:16]}"
            raise LinkError("the board runs the expected model", found, again)
        if build_id and hello.build_id != build_id[:STRING_MAX]:
            found = f"build {hello.build_id} instead of {build_id}"
            raise LinkError("the board runs the expected build", found, again)
        if not hello.weights_ok:
            raise FirmwareFault("the weights in flash are intact", "their CRC is wrong", "flash the board again")
        return hello

    def ping(self, attempts: int = ATTEMPTS) -> float:
        """Seconds that an empty request takes."""
        start = time.monotonic()
        self.link.request(MessageType.PING, attempts=attempts)
        return time.monotonic() - start

    def run(self, inputs: Sequence[bytes], *, layers: bool = False) -> SampleResult:
        """One inference on the bytes of every input. With `layers` each layer is timed; read them with layers().

        A lost link is set up again and the sample repeated once; a model that keeps a state is reset first where no
        sequence has begun, or its sequence was lost. Raises LinkError, or FirmwareFault when the device has restarted
        in between.
        """
        try:
            return self.run_once(inputs, layers)
        except (Refused, LinkTimeout) as error:
            self.recover(error)
        return self.run_once(inputs, layers)

    def reset_state(self) -> None:
        """Sets the model's state to its start; nothing changes in a model that keeps none."""
        self.link.request(MessageType.RESET_STATE)

    def layers(self) -> tuple[int, ...]:
        """Cycles of every layer in the last run with `layers`."""
        total = self._known().layers
        cycles: tuple[int, ...] = ()
        while len(cycles) < total:
            count = min(total - len(cycles), self._largest(MessageType.LAYERS) // 8)
            payload = self._try(MessageType.LAYERS, len(cycles), count, reply_bytes=8 * count)
            if payload is not None:
                cycles += parse(LayerCycles.unpack, payload).cycles
        return cycles

    def stats(self) -> Stats:
        """The device's own counts."""
        return parse(Stats.unpack, self.link.request(MessageType.STATS, reply_bytes=32))

    def reset(self) -> Hello:
        """Restarts the device and greets it again."""
        with contextlib.suppress(Refused, LinkTimeout):  # a repeat meets a device that has restarted and knows no link
            self.link.request(MessageType.RESET)
        self.link.set_port_baud(self.link.base_baud)
        return self.hello()

    def raise_baud(self, baud: int) -> bool:
        """Goes up to `baud` after three good pings; False, at the old rate, if line or board do not take it."""
        old = self.link.baud
        try:
            for _ in range(_PINGS):
                self.ping(attempts=1)
            self.link.request(MessageType.SET_BAUD, baud)
        except (LinkTimeout, Refused):
            return False
        try:
            self.link.set_port_baud(baud)
            for _ in range(_PINGS):
                self.ping(attempts=1)
        except LinkError:
            self._fall_back(old)
            return False
        return True

    def close(self) -> None:
        """Leaves the device at the rate it started with and closes the port."""
        try:
            if self.link.baud != self.link.base_baud:
                self.link.request(MessageType.SET_BAUD, self.link.base_baud, attempts=2)
        except LinkError:
            pass  # the device goes back by itself
        finally:
            self.link.port.close()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _known(self) -> Hello:
        return self._hello or self.hello()

    def recover(self, error: Refused | LinkTimeout) -> None:
        """Makes another try possible after a run that failed. Raises `error` where none would be better."""
        if isinstance(error, LinkTimeout):
            self._rejoin()
        elif error.code == ErrorCode.BAD_LINK:
            self._rejoin()
            raise error
        elif error.code == ErrorCode.NOT_RESET:
            self.reset_state()
        elif error.code not in _RESTARTS:
            raise error

    def _fall_back(self, baud: int) -> None:
        self.link.set_port_baud(baud)
        wait = BAUD_CONFIRM_MS / 1000 + 0.1
        self.link.drain(quiet=wait, most=wait)
        self.ping()

    def _rejoin(self) -> None:
        """A new link after a loss. Raises FirmwareFault when the device has restarted meanwhile."""
        before = self._known()
        if self.link.baud != self.link.base_baud:
            self.link.set_port_baud(self.link.base_baud)
        after = self.hello()
        if after.boots != before.boots:
            raise FirmwareFault("the firmware runs through", _restart(after), "see the fault record above")
        if (after.sha256, after.build_id) != (before.sha256, before.build_id):
            raise LinkError("the board stays the same", f"now {after.model}, build {after.build_id}", "start again")

    def run_once(self, inputs: Sequence[bytes], layers: bool = False) -> SampleResult:
        """`run` without a second try."""
        hello = self._known()
        wanted, given = [io.bytes for io in hello.inputs], [len(data) for data in inputs]
        if given != wanted:
            raise LinkError(
                "inputs have the sizes that the model takes", f"{given} bytes, not {wanted}", "check the data"
            )
        for index, data in enumerate(inputs):
            self._load(index, data)
        size = sum(io.bytes for io in hello.outputs)
        flags = (RUN_LAYERS if layers else 0) | (RUN_OUTPUTS if size <= self.chunk else 0)
        start = time.monotonic()
        payload = self.link.request(MessageType.RUN, flags, reply_bytes=size, work=self._run_seconds)
        self._run_seconds = min(time.monotonic() - start, _ANNOUNCED)
        result = parse(RunResult.unpack, payload)
        outputs = self._split(result.data) if len(result.data) == size else self._read_all(hello)
        return SampleResult(0, outputs, None if result.cycles == CYCLES_UNKNOWN else result.cycles)

    def _load(self, index: int, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = self._largest(MessageType.LOAD)
            if self._try(MessageType.LOAD, index, at, data=data[at : at + size]) is not None:
                at += len(data[at : at + size])

    def _read_all(self, hello: Hello) -> tuple[bytes, ...]:
        return tuple(self._read(index, io.bytes) for index, io in enumerate(hello.outputs))

    def _read(self, index: int, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = min(size - len(data), self._largest(MessageType.READ))
            payload = self._try(MessageType.READ, index, len(data), part, reply_bytes=part)
            if payload is not None and len(payload) == 2 + part:
                data += payload[2:]
        return data

    def _split(self, data: bytes) -> tuple[bytes, ...]:
        outputs = []
        for io in self._known().outputs:
            outputs.append(data[: io.bytes])
            data = data[io.bytes :]
        return tuple(outputs)

    def _largest(self, kind: MessageType) -> int:
        return min(self.chunk, self._known().max_payload - REQUESTS[kind].size)

    def _try(self, kind: MessageType, *fields: int, data: bytes = b"", reply_bytes: int = 0) -> bytes | None:
        """One chunk. None after two failures, when a smaller chunk is worth a try; raises at the smallest one."""
        smallest = self.chunk <= SMALLEST_CHUNK
        before = self.link.stats.resends
        try:
            payload = self.link.request(
                kind, *fields, data=data, reply_bytes=reply_bytes, attempts=2 * ATTEMPTS if smallest else 2
            )
        except LinkTimeout:
            if smallest:
                raise
            self.chunk = max(SMALLEST_CHUNK, self.chunk // 2)
            return None
        self._clean = self._clean + 1 if self.link.stats.resends == before else 0
        if self._clean >= _GROW_AFTER:
            self.chunk = min(FIRST_CHUNK, 2 * self.chunk)
            self._clean = 0
        return payload


def _restart(hello: Hello) -> str:
    words = dict(zip(FAULT_WORDS, hello.fault, strict=False))
    record = ", ".join(f"{name} {value:#010x}" for name, value in words.items())
    return f"it restarted ({hello.reset_cause.name.lower()}, boot {hello.boots}); {record or 'no fault record'}"
