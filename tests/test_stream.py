# SPDX-License-Identifier: Apache-2.0
"""The host's side of the link against the firmware's real C code, over lines that lose, damage and invent bytes."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from link_harness import (
    NoisyPort,
    ScriptedPort,
    build_device,
    open_device,
    outputs_of,
    random_inputs,
)

from tinyq_deploy import assets
from tinyq_deploy.dataset_run import stream_dataset
from tinyq_deploy.errors import FirmwareFault, LinkError
from tinyq_deploy.framing import Frame, Splitter, decode_frame, encode_frame
from tinyq_deploy.link import Link, LinkTimeout, Refused
from tinyq_deploy.link_ids import ErrorCode, MessageType
from tinyq_deploy.ports import Port
from tinyq_deploy.protocol import REPLY, REQUESTS, Heartbeat, Refusal, Stats
from tinyq_deploy.stream import Device, SampleResult

FAST = 0.03
QUICK = 10_000_000  # a pipe: no time for the wire


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_device(tmp_path_factory.mktemp("device"))


@pytest.fixture
def port(program: Path) -> Iterator[Port]:
    port = open_device(program)
    yield port
    port.close()


@pytest.fixture
def device(port: Port) -> Device:
    device = Device(port)
    device.hello()
    return device


def check(result: SampleResult, inputs: list[bytes], out_1: int = 700) -> int:
    """Compares the outputs with the model's; returns its run counter."""
    first, second = result.outputs
    assert (first[:-4], second) == outputs_of(inputs, out_1)
    return int.from_bytes(first[-4:], "little")


def check_all(device: Device, samples: Iterable[list[bytes]]) -> None:
    """Runs and compares until the samples end."""
    for inputs in samples:
        check(device.run(inputs), inputs)


def exchange(port: Port, data: bytes, replies: int, seconds: float = 2.0) -> list[Frame]:
    """Sends raw bytes and collects that many frames."""
    port.write(data)
    splitter, found, end = Splitter(), list[Frame](), time.monotonic() + seconds
    while len(found) < replies and time.monotonic() < end:
        found += [item for item in splitter.feed(port.read(max(1, port.in_waiting))) if isinstance(item, Frame)]
    return found


def request(kind: MessageType, seq: int, link: int, *fields: int, data: bytes = b"") -> bytes:
    return encode_frame(Frame(kind, seq, REQUESTS[kind].pack(link, *fields) + data))


# ---- a good line ----


def test_hello_tells_everything(device: Device) -> None:
    hello = device.hello()
    assert hello.sha256 == bytes.fromhex("deadbeef") + bytes(28)
    assert (hello.model, hello.build_id, hello.board, hello.core) == ("fake", "build-1", "link-test", "host")
    assert hello.kernel_set == "portable"
    assert [io.bytes for io in hello.inputs + hello.outputs] == [300, 900, 14, 700]
    assert [io.dtype.name for io in hello.inputs + hello.outputs] == ["INT8", "UINT8", "INT8", "INT16"]
    assert (hello.weights_ok, hello.counter.name, hello.reset_cause.name) == (True, "HOST", "POWER_ON")
    assert (hello.clock_hz, hello.counter_hz) == (10**9, 10**9)
    assert (hello.max_payload, hello.layers, hello.boots, hello.fault) == (600, 100, 1, ())
    assert hello.link == device.link.link_id


def test_a_pending_fault_is_reported_until_the_host_goes_on(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYQ_FAULT", "1")
    with Device(open_device(program)) as device:
        assert device.hello().fault[0] == 0x08001234
        assert device.hello().fault[-1] == 7
        device.ping()
        assert device.hello().fault == ()


def test_stream_yields_outputs_and_cycles_in_order(device: Device) -> None:
    rng = random.Random(1)
    samples = [random_inputs(rng) for _ in range(20)]
    seen: list[SampleResult] = []
    results = list(stream_dataset(device, samples, seen.append, first=100))
    assert results == seen
    assert [result.index for result in results] == list(range(100, 120))
    assert [check(result, inputs) for result, inputs in zip(results, samples, strict=True)] == list(range(1, 21))
    assert all(result.cycles for result in results)
    assert device.link_stats.resends == 0


def test_cycles_leave_the_link_out(device: Device) -> None:
    inputs = [bytes(300), bytes(900)]
    slow = device.run([b"\x7f" + bytes(299), bytes(900)])
    fast = device.run(inputs)
    assert slow.cycles is not None
    assert fast.cycles is not None
    assert slow.cycles > 2.9e8
    assert fast.cycles < 3e7


def test_layers_are_timed_in_a_run_of_their_own(device: Device) -> None:
    inputs = [b"\x7f" + bytes(299), bytes(900)]
    result = device.run(inputs, layers=True)
    check(result, inputs)
    cycles = device.layers()
    assert len(cycles) == 100
    assert sum(cycles) == result.cycles
    assert min(cycles) > 2e6


def test_heartbeats_extend_the_wait_for_a_long_run(program: Path) -> None:
    with Device(open_device(program), margin=FAST) as device:
        inputs = [b"\x7f" + bytes(299), bytes(900)]
        for expected in (1, 2):
            assert check(device.run(inputs), inputs) == expected
        check(device.run(inputs, layers=True), inputs)
        assert device.link_stats.heartbeats >= 4


def test_a_heartbeat_turns_attempts_into_time() -> None:
    start = time.monotonic()

    def answer(data: bytes) -> bytes:
        frame = decode_frame(data.strip(b"\0"))
        assert frame is not None
        link = frame.payload[:2]
        beat = encode_frame(
            Frame(MessageType.HEARTBEAT, frame.seq, Heartbeat(int.from_bytes(link, "little"), 0).pack())
        )
        done = encode_frame(Frame(frame.type | REPLY, frame.seq, link))
        return beat if asked.pop() else done if time.monotonic() - start > 1 else b""

    asked = [False] * 100 + [True]
    link = Link(ScriptedPort(answer), baud=QUICK, margin=0.01)
    link.new_link()
    assert len(link.request(MessageType.PING, attempts=1)) == 2
    link = Link(ScriptedPort(lambda _: b""), baud=QUICK, margin=0.01)
    with pytest.raises(LinkTimeout, match="after 1 attempts"):
        link.request(MessageType.PING, attempts=1)


def test_a_device_that_never_finishes_is_given_up() -> None:
    def answer(data: bytes) -> bytes:
        frame = decode_frame(data.strip(b"\0"))
        assert frame is not None
        link = int.from_bytes(frame.payload[:2], "little")
        return encode_frame(Frame(MessageType.HEARTBEAT, frame.seq, Heartbeat(link, 2**32 - 1).pack()))

    link = Link(ScriptedPort(answer), margin=0.01, longest_wait=0.5)
    link.new_link()
    start = time.monotonic()
    with pytest.raises(LinkTimeout):
        link.request(MessageType.PING, attempts=1)
    assert time.monotonic() - start < 3


def test_small_outputs_come_with_the_run(tmp_path: Path) -> None:
    with Device(open_device(build_device(tmp_path, out_1=20))) as device:
        device.hello()
        inputs = random_inputs(random.Random(2))
        before = device.link_stats.requests
        check(device.run(inputs), inputs, 20)
        assert device.link_stats.requests - before == 4  # LOAD 300, LOAD 512, LOAD 388, RUN


def test_the_host_board_speaks_the_same(tmp_path: Path) -> None:
    program = build_device(tmp_path, port=assets.folder("firmware") / "port" / "host.c")
    with Device(open_device(program)) as device:
        assert device.hello().counter.name == "HOST"
        inputs = random_inputs(random.Random(10))
        assert [check(device.run(inputs), inputs) for _ in range(3)] == [1, 2, 3]
        assert device.reset().build_id == "build-1"
        assert check(device.run(inputs), inputs) == 1


def test_stats_count(device: Device) -> None:
    device.link.port.write(b"\0\x05abc\xff\0")
    stats = device.stats()
    assert (stats.crc_errors, stats.rx_overruns, stats.repeats) == (1, 0, 0)
    assert (stats.stack_high_water, stats.stack_bytes, stats.arena_bytes) == (100, 4096, 300 + 900 + 14 + 700)
    assert device.stats().frames == stats.frames + 1


def test_reset_starts_anew(device: Device) -> None:
    hello = device.reset()
    assert (hello.boots, hello.reset_cause.name) == (2, "SOFTWARE")


# ---- bad lines ----


@pytest.mark.parametrize(("rate", "samples"), [(1e-4, 150), (1e-3, 20)])
@pytest.mark.parametrize("seed", [1, 2])
def test_noise_never_makes_a_wrong_result(program: Path, rate: float, samples: int, seed: int) -> None:
    rng = random.Random(seed)
    line = NoisyPort(open_device(program), rate, seed)
    with Device(line, baud=QUICK, margin=0.01) as device:
        inputs = [random_inputs(rng) for _ in range(samples)]
        counters = [check(r, i) for r, i in zip(stream_dataset(device, inputs), inputs, strict=True)]
        assert line.faults > 20
        assert device.link_stats.resends > 5
    assert counters == sorted(set(counters))
    assert counters[-1] <= samples + 2  # only a link that was set up again may repeat a sample


def test_a_hopeless_line_ends_with_statistics(program: Path) -> None:
    rng = random.Random(3)
    samples = iter(lambda: random_inputs(rng), None)
    device = Device(NoisyPort(open_device(program), 3e-2, 3), baud=QUICK, margin=0.01)
    with device, pytest.raises(LinkError) as error:
        check_all(device, samples)
    assert "resends" in str(error.value)


def test_chunks_halve_after_two_failures_and_grow_back(device: Device) -> None:
    port = device.link.port
    lost: list[int] = []

    class Choke:
        """Loses every frame of more than 200 bytes while `lost` is short."""

        def __getattr__(self, name: str) -> object:
            return getattr(port, name)

        def write(self, data: bytes) -> int | None:
            frame = decode_frame(data.strip(b"\0"))
            assert frame is not None
            if len(data) > 200 and len(lost) < 4:
                lost.append(len(frame.payload) - REQUESTS[MessageType.LOAD].size)
                return len(data)
            return port.write(data)

    device.link.port = Choke()  # type: ignore[assignment]
    device.link.margin = FAST
    inputs = random_inputs(random.Random(4))
    check(device.run(inputs), inputs)
    assert lost == [300, 300, 256, 256]
    check_all(device, [inputs] * 20)
    assert device.chunk == 512


def test_a_repeated_request_is_carried_out_once(port: Port) -> None:
    link = 0x1234
    loads = [request(MessageType.HELLO, 1, link, 1)]
    loads += [request(MessageType.LOAD, 2, link, 0, 0, data=bytes(300))]
    loads += [request(MessageType.LOAD, 3 + i, link, 1, 300 * i, data=bytes(300)) for i in range(3)]
    assert len(exchange(port, b"".join(loads), 5)) == 5
    run = request(MessageType.RUN, 9, link, 0)
    replies = [frame for frame in exchange(port, run * 3, 4) if frame.type == MessageType.RUN | REPLY]
    assert len(replies) == 3
    assert len(set(replies)) == 1
    (read,) = exchange(port, request(MessageType.READ, 10, link, 0, 10, 4), 1)
    assert read.payload[2:] == (1).to_bytes(4, "little")
    (stats,) = exchange(port, request(MessageType.STATS, 11, link), 1)
    assert Stats.unpack(stats.payload).repeats == 2


def test_a_reply_from_before_is_discarded() -> None:
    def answer(data: bytes) -> bytes:
        frame = decode_frame(data.strip(b"\0"))
        assert frame is not None
        link = int.from_bytes(frame.payload[:2], "little")
        stale = Frame(frame.type | REPLY, frame.seq, (link ^ 1).to_bytes(2, "little") + b"old")
        late = Frame(frame.type | REPLY, (frame.seq - 1) % 256, frame.payload + b"late")
        mine = Frame(frame.type | REPLY, frame.seq, frame.payload + b"new")
        return b"log line\n" + b"".join(map(encode_frame, (stale, late, mine)))

    link = Link(ScriptedPort(answer))
    link.new_link()
    assert link.request(MessageType.PING)[2:] == b"new"
    assert link.stats.stale == 2
    assert list(link.text) == ["log line"]


def test_a_new_link_voids_what_was_loaded(port: Port) -> None:
    whole = [request(MessageType.LOAD, 2, 7, 0, 0, data=bytes(300))]
    whole += [request(MessageType.LOAD, 3 + i, 7, 1, 300 * i, data=bytes(300)) for i in range(3)]
    exchange(port, request(MessageType.HELLO, 1, 7, 1) + b"".join(whole), 5)
    (_, refused) = exchange(port, request(MessageType.HELLO, 1, 8, 1) + request(MessageType.RUN, 2, 8, 0), 2)
    assert Refusal.unpack(refused.payload).code == ErrorCode.NOT_LOADED
    (other,) = exchange(port, request(MessageType.PING, 3, 7), 1)
    assert Refusal.unpack(other.payload).code == ErrorCode.BAD_LINK


# ---- refusals ----

HELLO = request(MessageType.HELLO, 1, 5, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (request(MessageType.LOAD, 2, 5, 0, 1, data=b"x"), ErrorCode.GAP),
        (request(MessageType.LOAD, 2, 5, 1, 0, data=b"x"), ErrorCode.GAP),
        (request(MessageType.LOAD, 2, 5, 2, 0, data=b"x"), ErrorCode.OUT_OF_RANGE),
        (request(MessageType.LOAD, 2, 5, 0, 0, data=bytes(301)), ErrorCode.OUT_OF_RANGE),
        (request(MessageType.LOAD, 2, 5, 0, 2**32 - 1, data=b"xx"), ErrorCode.OUT_OF_RANGE),
        (request(MessageType.RUN, 2, 5, 0), ErrorCode.NOT_LOADED),
        (request(MessageType.READ, 2, 5, 0, 0, 4), ErrorCode.NO_RESULT),
        (request(MessageType.LAYERS, 2, 5, 99, 2), ErrorCode.OUT_OF_RANGE),
        (request(MessageType.LAYERS, 2, 5, 0, 100), ErrorCode.TOO_BIG),
        (request(MessageType.SET_BAUD, 2, 5, 5_000_000), ErrorCode.BAUD),
        (request(MessageType.PING, 2, 6), ErrorCode.BAD_LINK),
        (encode_frame(Frame(MessageType.PING, 2, b"\5\0x")), ErrorCode.BAD_LENGTH),
        (encode_frame(Frame(MessageType.PING, 2, b"")), ErrorCode.BAD_LENGTH),
        (encode_frame(Frame(MessageType.LOAD, 2, b"\5\0\0")), ErrorCode.BAD_LENGTH),
        (encode_frame(Frame(0x1F, 2, b"\5\0")), ErrorCode.UNKNOWN_TYPE),
        (encode_frame(Frame(0, 2, b"\5\0")), ErrorCode.UNKNOWN_TYPE),
        (encode_frame(Frame(0xC0, 2, b"\5\0")), ErrorCode.UNKNOWN_TYPE),
    ],
)
def test_the_device_refuses(port: Port, data: bytes, code: ErrorCode) -> None:
    (_, refused) = exchange(port, HELLO + data, 2)
    assert refused.type == MessageType.ERROR
    assert refused.seq == 2
    assert Refusal.unpack(refused.payload).code == code


def test_results_are_read_within_their_bounds_and_before_the_next_input(device: Device) -> None:
    device.run([bytes(300), bytes(900)])
    for fields in ((2, 0, 1), (0, 0, 15), (0, 15, 1), (1, 2**32 - 1, 2)):
        with pytest.raises(Refused, match="OUT_OF_RANGE"):
            device.link.request(MessageType.READ, *fields)
    device.link.request(MessageType.LOAD, 0, 0, data=b"x")
    with pytest.raises(Refused, match="NO_RESULT"):
        device.link.request(MessageType.READ, 0, 0, 4)


def test_inputs_count_once(device: Device) -> None:
    device.run([bytes(300), bytes(900)])
    with pytest.raises(Refused, match="NOT_LOADED"):
        device.link.request(MessageType.RUN, 0)


def test_damaged_weights_never_run(tmp_path: Path) -> None:
    with Device(open_device(build_device(tmp_path, crc=1))) as device:
        assert not device.hello().weights_ok
        with pytest.raises(FirmwareFault, match="CRC"):
            device.require()
        with pytest.raises(Refused, match="BAD_WEIGHTS"):
            device.run([bytes(300), bytes(900)])


def test_the_wrong_model_and_the_wrong_build_are_refused(device: Device) -> None:
    device.require(sha256=bytes.fromhex("deadbeef") + bytes(28), build_id="build-1")
    with pytest.raises(LinkError, match="expected model"):
        device.require(sha256=bytes(32))
    with pytest.raises(LinkError, match="build-1 instead of build-2"):
        device.require(build_id="build-2")


def test_inputs_of_the_wrong_size_are_refused(device: Device) -> None:
    for inputs in ([bytes(300)], [bytes(301), bytes(900)], []):
        with pytest.raises(LinkError, match="sizes"):
            device.run(inputs)


def test_a_restart_in_the_middle_of_a_run_is_a_fault(device: Device) -> None:
    device.link.margin = FAST
    good = [bytes(300), bytes(900)]
    results = stream_dataset(device, [good, [b"\x7e" + bytes(299), bytes(900)], good])
    check(next(results), good)
    with pytest.raises(FirmwareFault, match=r"it restarted \(software, boot 2\)"):
        next(results)


# ---- the rate ----


def test_the_rate_goes_up_after_good_pings(device: Device) -> None:
    assert device.raise_baud(921600)
    assert device.link.port.baudrate == 921600
    inputs = random_inputs(random.Random(5))
    check(device.run(inputs), inputs)


def test_a_rate_that_the_line_does_not_carry_is_given_up(device: Device) -> None:
    device.link.margin = FAST
    assert not device.raise_baud(460800)
    assert device.link.port.baudrate == 115200
    device.ping()


def test_a_rate_that_the_board_does_not_reach_is_given_up(device: Device) -> None:
    assert not device.raise_baud(4_000_000)
    assert device.link.port.baudrate == 115200


# ---- something else on the port ----


def test_silence(program: Path) -> None:
    with pytest.raises(LinkError, match="silence"):
        Device(ScriptedPort(lambda _: b""), margin=FAST).hello(seconds=0.2)


def test_other_firmware_is_quoted() -> None:
    banner = b"U-Boot 2024.01 \\o/\r\n"
    port = ScriptedPort(lambda _: banner * 10)
    with pytest.raises(LinkError) as error:
        Device(port, margin=FAST).hello(seconds=0.2)
    assert "U-Boot 2024.01 \\x5co/\\x0d\\x0a" in str(error.value)
    assert "other firmware" in str(error.value)


def test_noise_suggests_another_rate() -> None:
    rng = random.Random(6)
    with pytest.raises(LinkError, match="baud rate"):
        Device(ScriptedPort(lambda _: rng.randbytes(200)), margin=FAST).hello(seconds=0.2)


def test_endless_noise_takes_bounded_time_and_memory() -> None:
    rng = random.Random(7)
    chunk = rng.randbytes(4096).replace(b"\0", b"z") + b"text line\n" * 100
    device = Device(ScriptedPort(lambda _: b"", lambda: chunk), margin=FAST)
    start = time.monotonic()
    with pytest.raises(LinkError):
        device.hello(seconds=0.2)
    assert time.monotonic() - start < 5
    assert len(device.link._splitter._segment) <= 8192 + 4096
    assert len(device.link.text) <= 200


def test_another_protocol_version_is_refused() -> None:
    def answer(data: bytes) -> bytes:
        frame = decode_frame(data.strip(b"\0"))
        assert frame is not None
        return encode_frame(Frame(MessageType.HELLO | REPLY, frame.seq, frame.payload[:2] + b"\x09"))

    with pytest.raises(LinkError, match="version 9"):
        Device(ScriptedPort(answer)).hello()


def test_a_port_that_goes_away(program: Path) -> None:
    port = open_device(program)
    device = Device(port)
    device.hello()
    port._child.kill()  # type: ignore[attr-defined]
    with pytest.raises(LinkError, match="stays open") as error:
        check_all(device, [[bytes(300), bytes(900)]] * 100)
    assert not isinstance(error.value, LinkTimeout)


# ---- text ----


@pytest.fixture
def text(program: Path) -> Callable[[bytes], bytes]:
    def talk(data: bytes) -> bytes:
        done = subprocess.run([str(program)], input=data, capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return talk


def test_the_device_is_silent_until_spoken_to(text: Callable[[bytes], bytes]) -> None:
    assert text(b"") == b""
    assert text(b"\0\0\r\n\n\0") == b""
    assert text(b"\0\x05\x01\x02\x03\x04\x05\x06\0") == b""


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"%"])
def test_text_commands(text: Callable[[bytes], bytes], end: bytes) -> None:
    assert b"layers" in text(b"help" + end)
    assert b"model   fake\r\n" in text(b"info" + end)
    assert b"cycles  " in text(b"run" + end)
    assert b"layer 99 " in text(b"layers" + end)
    assert b"arena    1914" in text(b"stats" + end)
    assert text(b"reset" + end) == b""
    assert text(b"boo" + end) == b"e-[Unknown command: boo]\r\n"


def test_text_run_prints_what_the_model_computes(text: Callable[[bytes], bytes]) -> None:
    first, _ = outputs_of([bytes(300), bytes(900)])
    numbers = " ".join(str(byte - 256 if byte > 127 else byte) for byte in first)
    assert f"output  {numbers} 1 0 0 0\r\n".encode() in text(b"run\n")


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"%", b"e-[Unknown command: ]\r\n"),
        (b"a" * 10_000 + b"\n", b"e-[Command too long]\r\n"),
        (b"a" * 10_000 + b"%help\n", b"e-[Command too long]\r\nhelp "),
        (b"\xff\xfe\x01bad\n", b"e-[Unknown command: ]\r\n"),
        (b"ab\x80cd\n", b"e-[Unknown command: ab]\r\n"),
        (b"a" * 40 + b"\n", b"e-[Unknown command: aaaaaaaaaaaaaaaa]\r\n"),
        (b"helphelp\n", b"e-[Unknown command: helphelp]\r\n"),
        (b"\xf0\xf1\nhelp\n", b"e-[Unknown command: ]\r\nhelp "),
        (b"\0" + b"\x07" * 10_000 + b"\0help\n", b"help "),
    ],
)
def test_malformed_text_gets_an_error_and_nothing_else(
    text: Callable[[bytes], bytes], data: bytes, answer: bytes
) -> None:
    assert text(data)[: len(answer)] == answer


def test_text_survives_a_torn_frame(port: Port) -> None:
    port.write(b"\0\x20\x01torn frame without an end")
    time.sleep(1.2)
    port.write(b"help\n")
    port.timeout = 2
    assert port.read(4) == b"help"


@pytest.mark.parametrize("code", [ord("\n"), ord("\r"), ord("%")])
def test_a_code_byte_that_ends_commands_begins_a_frame_all_the_same(port: Port, code: int) -> None:
    body = b"\x1f\x01" + b"\x55" * (code - 1 - 2 - 4)
    frame = next(
        wire
        for seq in range(1, 256)
        if (wire := encode_frame(Frame(0x1F, seq, body[2:])))[1] == code and 0 not in wire[1:-1]
    )
    assert len(exchange(port, frame, 1)) == 1


def test_text_typed_into_a_session_is_log(port: Port) -> None:
    lines: list[str] = []
    device = Device(port, on_text=lines.append)
    device.hello()
    inputs = random_inputs(random.Random(8))
    for _ in range(3):
        port.write(b"info\n")
        check(device.run(inputs), inputs)
    assert "model   fake" in lines
    assert device.link_stats.resends == 0


def test_text_run_voids_a_hosts_inputs_and_results(device: Device) -> None:
    inputs = random_inputs(random.Random(9))
    check(device.run(inputs), inputs)
    device.link.port.write(b"run\n")
    with pytest.raises(Refused, match="NO_RESULT"):
        device.link.request(MessageType.READ, 0, 0, 4)
    check(device.run(inputs), inputs)
