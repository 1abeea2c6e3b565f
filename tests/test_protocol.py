# SPDX-License-Identifier: Apache-2.0
"""Frames and payloads: round trips, published vectors, and damage that must be noticed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_harness import render_ids

from tinyq_deploy import protocol
from tinyq_deploy.framing import (
    LARGEST_SEGMENT,
    Frame,
    Splitter,
    cobs_decode,
    cobs_encode,
    decode_frame,
    encode_frame,
    frame_bytes,
)
from tinyq_deploy.link_ids import CounterKind, DType, MessageType, ResetCause
from tinyq_deploy.protocol import (
    Heartbeat,
    Hello,
    Io,
    LayerCycles,
    ProtocolError,
    Refusal,
    RunResult,
    Stats,
)

U8, U16, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
frames = st.builds(Frame, U8, U8, st.binary(max_size=1100))
names = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=24)
ios = st.lists(st.builds(Io, U32, st.sampled_from(DType)), max_size=5).map(tuple)
hellos = st.builds(
    Hello,
    link=U16,
    protocol=U8,
    weights_ok=st.booleans(),
    counter=st.sampled_from(CounterKind),
    reset_cause=st.sampled_from(ResetCause),
    boots=U32,
    sha256=st.binary(min_size=32, max_size=32),
    clock_hz=U32,
    counter_hz=U32,
    max_payload=U16,
    layers=U16,
    inputs=ios,
    outputs=ios,
    model=names,
    build_id=names,
    board=names,
    core=names,
    kernel_set=names,
    fault=st.lists(U32, max_size=16).map(tuple),
)


@given(st.binary(max_size=1100))
def test_cobs_round_trip(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert cobs_decode(encoded) == data


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"\0", b"\1\1"),
        (b"\0\0", b"\1\1\1"),
        (b"\x11\x22\0\x33", b"\3\x11\x22\2\x33"),
        (b"\x11\0\0\0", b"\2\x11\1\1\1"),
        (bytes(range(1, 255)) + b"\0", b"\xff" + bytes(range(1, 255)) + b"\1\1"),
        (bytes(range(2, 256)) + b"\x01", b"\xff" + bytes(range(2, 256)) + b"\2\1"),
    ],
)
def test_cobs_vectors(data: bytes, encoded: bytes) -> None:
    assert cobs_encode(data) == encoded
    assert cobs_decode(encoded) == data


@pytest.mark.parametrize("broken", [b"\5\1\2", b"\0", b"\3\1\0", b"\1\0"])
def test_cobs_refuses(broken: bytes) -> None:
    assert cobs_decode(broken) is None


@given(frames)
def test_frame_round_trip(frame: Frame) -> None:
    wire = encode_frame(frame)
    assert wire[0] == wire[-1] == 0
    assert len(wire) <= frame_bytes(len(frame.payload))
    assert decode_frame(wire[1:-1]) == frame


@given(frames, st.data())
def test_damage_is_noticed(frame: Frame, data: st.DataObject) -> None:
    segment = encode_frame(frame)[1:-1]
    at = data.draw(st.integers(0, len(segment) - 1))
    flip = bytes((segment[at] ^ data.draw(st.integers(1, 255)),))
    insert = bytes((data.draw(st.integers(1, 255)),))
    damaged = data.draw(
        st.sampled_from(
            [
                segment[:at] + segment[at + 1 :],
                segment[:at] + flip + segment[at + 1 :],
                segment[:at] + insert + segment[at:],
                segment[:at] + segment[at : at + 1] + segment[at:],
            ]
        )
    )
    decoded = decode_frame(damaged)
    assert decoded is None or damaged == segment or decoded == frame


@given(st.lists(st.one_of(frames, st.binary(min_size=1, max_size=50).map(lambda b: b.replace(b"\0", b"x")))), st.data())
def test_splitter_finds_frames_among_text_however_the_stream_is_cut(
    items: list[Frame | bytes], data: st.DataObject
) -> None:
    stream = b"".join(encode_frame(item) if isinstance(item, Frame) else item for item in items) + b"\0"
    splitter = Splitter()
    found: list[Frame | bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert [item for item in found if isinstance(item, Frame)] == [item for item in items if isinstance(item, Frame)]
    assert b"".join(item for item in found if isinstance(item, bytes)) == b"".join(
        item for item in items if isinstance(item, bytes)
    )


def test_splitter_is_bounded() -> None:
    splitter = Splitter()
    given_back = sum(len(item) for _ in range(100) for item in splitter.feed(b"x" * 1000) if isinstance(item, bytes))
    assert 100_000 - given_back <= LARGEST_SEGMENT


@given(hellos)
def test_hello_round_trip(hello: Hello) -> None:
    assert Hello.unpack(hello.pack()) == hello


@given(hellos, st.data())
def test_a_cut_hello_is_refused(hello: Hello, data: st.DataObject) -> None:
    payload = hello.pack()
    with pytest.raises(ProtocolError):
        Hello.unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(st.builds(RunResult, U16, U64, st.binary(max_size=100)))
def test_run_result_round_trip(result: RunResult) -> None:
    assert RunResult.unpack(result.pack()) == result


@given(st.builds(LayerCycles, U16, U16, st.lists(U64, max_size=40).map(tuple)))
def test_layer_cycles_round_trip(layers: LayerCycles) -> None:
    assert LayerCycles.unpack(layers.pack()) == layers


@given(st.one_of(st.builds(Stats, *[U16] * 8), st.builds(Heartbeat, U16, U32), st.builds(Refusal, U16, U8, U32)))
def test_fixed_payloads_round_trip(payload: Stats | Heartbeat | Refusal) -> None:
    kind = type(payload)
    assert kind.unpack(payload.pack()) == payload
    with pytest.raises(ProtocolError):
        kind.unpack(payload.pack() + b"\0")


@pytest.mark.parametrize("kind", [RunResult, LayerCycles, Stats, Heartbeat, Refusal])
def test_short_payloads_are_refused(kind: type[RunResult]) -> None:
    with pytest.raises(ProtocolError):
        kind.unpack(b"\1\2\3")


def test_request_types_never_look_like_text() -> None:
    requests = [kind for kind in MessageType if kind < protocol.REPLY]
    assert set(requests) == set(protocol.REQUESTS)
    assert all(0 < kind < 0x20 and chr(kind) not in "\r\n%" for kind in requests)


def test_the_largest_frame_fits_the_splitter() -> None:
    assert frame_bytes(4096) <= LARGEST_SEGMENT


def test_c_header_states_every_constant_once() -> None:
    header = render_ids()
    constants = protocol.c_constants()
    assert len({name for name, _, _ in constants}) == len(constants)
    for name, value, _ in constants:
        assert re.findall(rf"^#define {name} (\d+)u ", header, re.MULTILINE) == [str(value)]
