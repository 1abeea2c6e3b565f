# SPDX-License-Identifier: Apache-2.0
"""Frames on the wire: `00 COBS(type u8, seq u8, payload, crc32 u32) 00`, and a splitter that finds them among text.

The CRC is zlib.crc32 over type, seq and payload, little-endian. Neither COBS output nor text holds a 0x00.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_CRC_BYTES = 4
LARGEST_SEGMENT = 8192


@dataclass(frozen=True)
class Frame:
    """One decoded frame. `payload` still begins with the link id."""

    type: int
    seq: int
    payload: bytes


def cobs_encode(data: bytes) -> bytes:
    """`data` without any 0x00, one byte longer for every 254 begun (Cheshire and Baker, 1999)."""
    out = bytearray()
    for block in data.split(b"\0"):
        rest = block
        while len(rest) >= 254:
            out += b"\xff" + rest[:254]
            rest = rest[254:]
        out += bytes((len(rest) + 1,)) + rest
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """The inverse of cobs_encode; None when `data` is not COBS."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        at += code
        out += block
        if code != 255 and at < len(data):
            out.append(0)
    return bytes(out)


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame` on the wire, both delimiters included."""
    body = bytes((frame.type, frame.seq)) + frame.payload
    return b"\0" + cobs_encode(body + zlib.crc32(body).to_bytes(_CRC_BYTES, "little")) + b"\0"


def decode_frame(segment: bytes) -> Frame | None:
    """The frame that stood between two 0x00, or None: then it was text or is damaged."""
    body = cobs_decode(segment)
    if body is None or len(body) < 2 + _CRC_BYTES:
        return None
    if zlib.crc32(body[:-_CRC_BYTES]) != int.from_bytes(body[-_CRC_BYTES:], "little"):
        return None
    return Frame(body[0], body[1], body[2:-_CRC_BYTES])


def frame_bytes(payload_bytes: int) -> int:
    """Most bytes that a frame with this much payload takes on the wire."""
    raw = 2 + payload_bytes + _CRC_BYTES
    return raw + raw // 254 + 3


class Splitter:
    """Cuts a received stream at 0x00 into frames and other bytes. Holds LARGEST_SEGMENT bytes at most."""

    def __init__(self) -> None:
        self._segment = bytearray()
        self.damaged = 0

    def feed(self, data: bytes) -> Iterator[Frame | bytes]:
        """Frames as Frame; log text, noise and damaged frames as the bytes that they were."""
        *ended, rest = data.split(b"\0")
        for piece in ended:
            segment = bytes(self._segment) + piece
            self._segment.clear()
            if segment:
                yield self._judge(segment)
        self._segment += rest
        if len(self._segment) > LARGEST_SEGMENT:
            yield bytes(self._segment)
            self._segment.clear()

    def _judge(self, segment: bytes) -> Frame | bytes:
        frame = decode_frame(segment)
        if frame is not None:
            return frame
        self.damaged += 1
        return segment
