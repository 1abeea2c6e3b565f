# SPDX-License-Identifier: Apache-2.0
"""The binary dialect of the serial link as plain data: message ids and the layout of every payload.

Everything is little-endian. Every payload begins with the 16-bit link id that the host drew for its HELLO. A reply
carries the request's type | 0x80 and the request's seq. Request types are control characters that never end a text
command, so the second byte of a segment tells a frame from text. framing.py puts messages into frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct, error, pack, unpack_from
from typing import ClassVar, Self

from tinyq_deploy.link_ids import CounterKind, DType, ErrorCode, MessageType, ResetCause

PROTOCOL_VERSION = 1
REPLY = 0x80
MIN_MAX_PAYLOAD = 320
DEFAULT_MAX_PAYLOAD = 1024
HEARTBEAT_MS = 100
BAUD_CONFIRM_MS = 500
BAUD_IDLE_MS = 2000
RUN_LAYERS = 1
RUN_OUTPUTS = 2
CYCLES_UNKNOWN = 2**64 - 1
STRING_MAX = 24
FAULT_WORDS = ("pc", "lr", "xpsr", "sp", "cfsr", "hfsr", "mmfar", "bfar", "layer")

_HELLO = Struct("<HBBBBI32sIIHHHHB")
_IO = Struct("<IB")


class ProtocolError(ValueError):
    """A payload does not have the layout that its message type has."""


REQUESTS = {
    MessageType.HELLO: Struct("<HB"),  # link, protocol version of the host
    MessageType.PING: Struct("<H"),
    MessageType.LOAD: Struct("<HBI"),  # link, input index, offset; the bytes follow
    MessageType.RUN: Struct("<HB"),  # link, flags
    MessageType.READ: Struct("<HBIH"),  # link, output index, offset, length
    MessageType.LAYERS: Struct("<HHH"),  # link, first layer, number of layers
    MessageType.STATS: Struct("<H"),
    MessageType.SET_BAUD: Struct("<HI"),  # link, bits per second
    MessageType.RESET: Struct("<H"),  # restarts the device
    MessageType.RESET_STATE: Struct("<H"),  # begins a sequence of inputs
}


@dataclass(frozen=True)
class Io:
    """One input or output: its size in bytes and its element type."""

    bytes: int
    dtype: DType


@dataclass(frozen=True)
class Hello:
    """What a device says about itself. `fault` holds the words of a pending fault record, empty when there is none."""

    link: int
    protocol: int
    weights_ok: bool
    counter: CounterKind
    reset_cause: ResetCause
    boots: int
    sha256: bytes
    clock_hz: int
    counter_hz: int
    max_payload: int
    layers: int
    inputs: tuple[Io, ...]
    outputs: tuple[Io, ...]
    model: str
    build_id: str
    board: str
    core: str
    kernel_set: str
    fault: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """The payload of the reply: fixed fields, fault words, five strings, then inputs and outputs."""
        head = _HELLO.pack(
            *(self.link, self.protocol, self.weights_ok, self.counter, self.reset_cause, self.boots, self.sha256),
            *(self.clock_hz, self.counter_hz, self.max_payload, len(self.inputs), len(self.outputs), self.layers),
            len(self.fault),
        )
        texts = (self.model, self.build_id, self.board, self.core, self.kernel_set)
        strings = b"".join(bytes((len(text.encode()),)) + text.encode() for text in texts)
        io = b"".join(_IO.pack(item.bytes, item.dtype) for item in self.inputs + self.outputs)
        return head + pack(f"<{len(self.fault)}I", *self.fault) + strings + io

    @classmethod
    def unpack(cls, payload: bytes) -> Hello:
        """Raises ProtocolError when the payload has another layout."""
        try:
            return cls._unpack(payload)
        except (error, ValueError, IndexError) as cause:
            raise ProtocolError(f"HELLO of {len(payload)} bytes: {cause}") from cause

    @classmethod
    def _unpack(cls, payload: bytes) -> Hello:
        (*head, inputs, outputs, layers, words) = _HELLO.unpack_from(payload)
        link, protocol, weights_ok, counter, cause, boots, sha256, clock_hz, counter_hz, max_payload = head
        at = _HELLO.size
        fault = unpack_from(f"<{words}I", payload, at)
        at += 4 * words
        texts = []
        for _ in range(5):
            texts.append(payload[at + 1 : at + 1 + payload[at]].decode("utf-8", "replace"))
            at += 1 + payload[at]
        if len(payload) != at + _IO.size * (inputs + outputs):
            raise ValueError(f"{inputs} inputs and {outputs} outputs behind byte {at}")
        io = tuple(Io(size, DType(dtype)) for size, dtype in _IO.iter_unpack(payload[at:]))
        return cls(
            *(link, protocol, bool(weights_ok), CounterKind(counter), ResetCause(cause), boots, sha256),
            *(clock_hz, counter_hz, max_payload, layers, io[:inputs], io[inputs:], *texts, fault),
        )


@dataclass(frozen=True)
class RunResult:
    """The answer to RUN. `data` holds all outputs if RUN_OUTPUTS asked for them and they fit, else READ them."""

    link: int
    cycles: int
    data: bytes = b""

    LAYOUT: ClassVar[Struct] = Struct("<HQ")

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.link, self.cycles) + self.data

    @classmethod
    def unpack(cls, payload: bytes) -> RunResult:
        """Raises ProtocolError when the payload is too short."""
        if len(payload) < cls.LAYOUT.size:
            raise ProtocolError(f"RUN reply of {len(payload)} bytes")
        link, cycles = cls.LAYOUT.unpack_from(payload)
        return cls(link, cycles, payload[cls.LAYOUT.size :])


@dataclass(frozen=True)
class LayerCycles:
    """Cycles of consecutive layers, from layer `first` on, as the last run with RUN_LAYERS measured them."""

    link: int
    first: int
    cycles: tuple[int, ...]

    LAYOUT: ClassVar[Struct] = Struct("<HH")

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.link, self.first) + pack(f"<{len(self.cycles)}Q", *self.cycles)

    @classmethod
    def unpack(cls, payload: bytes) -> LayerCycles:
        """Raises ProtocolError when the payload has another layout."""
        size = len(payload) - cls.LAYOUT.size
        if size < 0 or size % 8:
            raise ProtocolError(f"LAYERS reply of {len(payload)} bytes")
        link, first = cls.LAYOUT.unpack_from(payload)
        return cls(link, first, unpack_from(f"<{size // 8}Q", payload, cls.LAYOUT.size))


class _Fixed:
    """A payload of fixed size whose fields stand in the order of the dataclass."""

    LAYOUT: ClassVar[Struct]

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(*vars(self).values())

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Raises ProtocolError when the payload has another layout."""
        if len(payload) != cls.LAYOUT.size:
            raise ProtocolError(f"{cls.__name__} of {len(payload)} bytes, the layout has {cls.LAYOUT.size}")
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True)
class Stats(_Fixed):
    """The device's own counts since it started; sizes in bytes. `stack_high_water` is the most stack ever used."""

    link: int
    rx_overruns: int
    crc_errors: int
    frames: int
    repeats: int
    stack_high_water: int
    stack_bytes: int
    arena_bytes: int

    LAYOUT: ClassVar[Struct] = Struct("<H7I")


@dataclass(frozen=True)
class Heartbeat(_Fixed):
    """The device is alive and works on the request; it expects the reply in about `expected_ms`, 0 if it cannot say."""

    link: int
    expected_ms: int

    LAYOUT: ClassVar[Struct] = Struct("<HI")


@dataclass(frozen=True)
class Refusal(_Fixed):
    """The device's ERROR reply."""

    link: int
    code: int
    detail: int

    LAYOUT: ClassVar[Struct] = Struct("<HBI")


def c_constants() -> list[tuple[str, int, str]]:
    """Every number that the firmware shares with this module: C name, value, meaning. Renders src/protocol_ids.h."""
    return [*_limits(), *_ids(), *_sizes()]


def _limits() -> list[tuple[str, int, str]]:
    return [
        ("TINYQ_PROTOCOL_VERSION", PROTOCOL_VERSION, "version of the binary dialect"),
        ("TINYQ_REPLY", REPLY, "set in the type of a reply"),
        ("TINYQ_MIN_MAX_PAYLOAD", MIN_MAX_PAYLOAD, "bytes; a link buffer holds at least this payload"),
        ("TINYQ_DEFAULT_MAX_PAYLOAD", DEFAULT_MAX_PAYLOAD, "bytes; unless the board says otherwise"),
        ("TINYQ_HEARTBEAT_MS", HEARTBEAT_MS, "longer runs are announced; interval between layers"),
        ("TINYQ_BAUD_CONFIRM_MS", BAUD_CONFIRM_MS, "a new rate is given up without a valid frame by then"),
        ("TINYQ_BAUD_IDLE_MS", BAUD_IDLE_MS, "a raised rate is given up after this long without one"),
        ("TINYQ_RUN_LAYERS", RUN_LAYERS, "flag of RUN: time every layer"),
        ("TINYQ_RUN_OUTPUTS", RUN_OUTPUTS, "flag of RUN: answer the outputs too, if they fit"),
        ("TINYQ_CYCLES_UNKNOWN", CYCLES_UNKNOWN, "in place of cycles: the board has no counter"),
        ("TINYQ_STRING_MAX", STRING_MAX, "bytes; longest string in HELLO"),
    ]


def _ids() -> list[tuple[str, int, str]]:
    kinds = {"MSG": MessageType, "ERROR": ErrorCode, "COUNTER": CounterKind, "RESET": ResetCause, "DTYPE": DType}
    return [(f"TINYQ_{kind}_{item.name}", item.value, _meaning(ids)) for kind, ids in kinds.items() for item in ids]


def _sizes() -> list[tuple[str, int, str]]:
    requests = {f"REQ_{kind.name}": request.size for kind, request in REQUESTS.items()}
    replies = {"REPLY_HELLO": _HELLO.size, "REPLY_RUN": RunResult.LAYOUT.size, "REPLY_LAYERS": LayerCycles.LAYOUT.size}
    return [(f"TINYQ_{n}_BYTES", size, "fixed fields, link id included") for n, size in {**requests, **replies}.items()]


def _meaning(ids: type[IntEnum]) -> str:
    return (ids.__doc__ or "").split("\n")[0].rstrip(".").lower()
