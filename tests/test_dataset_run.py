# SPDX-License-Identifier: Apache-2.0
"""Models that keep a state over the link: sequences of inputs, resets, lines that lose the link in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from link_harness import NoisyPort, build_device, open_device, outputs_of, random_inputs

from tinyq_deploy.dataset_run import stream_dataset
from tinyq_deploy.link import LinkTimeout, Refused
from tinyq_deploy.link_ids import ErrorCode, MessageType
from tinyq_deploy.stream import Device, SampleResult

FAST = 0.03


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_device(tmp_path_factory.mktemp("device"), state=True)


@pytest.fixture
def device(program: Path) -> Iterator[Device]:
    with Device(open_device(program), margin=FAST) as device:
        device.hello()
        yield device


def samples(count: int) -> list[list[bytes]]:
    rng = random.Random(5)
    return [random_inputs(rng) for _ in range(count)]


def count(result: SampleResult) -> int:
    """How many runs the device's state has seen."""
    return int.from_bytes(result.outputs[0][-4:], "little")


def assert_whole(results: list[SampleResult], given: list[list[bytes]], length: int) -> None:
    """Each result is its sample's, in order, and its state has seen the sequence up to it and nothing else."""
    assert [result.index for result in results] == list(range(len(given)))
    assert [(r.outputs[0][:-4], r.outputs[1]) for r in results] == [outputs_of(inputs) for inputs in given]
    assert [count(result) for result in results] == [1 + i % length for i in range(len(given))]


def test_each_sequence_begins_with_a_reset(device: Device) -> None:
    given = samples(10)
    assert_whole(list(stream_dataset(device, given, length=4)), given, 4)


def test_a_run_without_a_sequence_is_refused(device: Device) -> None:
    (given,) = samples(1)
    with pytest.raises(Refused) as caught:
        device.run_once(given)
    assert caught.value.code == ErrorCode.NOT_RESET
    assert count(device.run(given)) == 1
    assert count(device.run(given)) == 2
    device.reset_state()
    assert count(device.run(given)) == 1


class Interrupted(Device):
    """Something happens once before the run number `at`: the host loses the link, or somebody types `run`."""

    def __init__(self, *args: object, at: int, text: bool, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.left, self.text, self.runs = at, text, 0

    def run_once(self, inputs: list[bytes], layers: bool = False) -> SampleResult:  # type: ignore[override]
        self.left -= 1
        self.runs += 1
        if self.left == -1 and self.text:
            self.link.port.write(b"run\r")
            self.link.drain()
        elif self.left == -1:
            super().run_once(inputs, layers)  # the device has run it, the answer is lost
            raise LinkTimeout("the device answers", "no")
        return super().run_once(inputs, layers)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("at", [0, 3, 5, 6])
def test_a_lost_sequence_is_run_again_from_its_start(program: Path, at: int, text: bool) -> None:
    given, length = samples(7), 5
    with Interrupted(open_device(program), margin=FAST, at=at, text=text) as device:
        device.hello()
        assert_whole(list(stream_dataset(device, given, length=length)), given, length)
        assert device.runs == 7 + at % length + 1


def test_a_line_that_loses_the_link_at_the_same_place_is_given_up(device: Device) -> None:
    class Dead(Device):
        def run_once(self, inputs: list[bytes], layers: bool = False) -> SampleResult:  # type: ignore[override]
            raise LinkTimeout("the device answers", "no")

    device.__class__ = Dead
    with pytest.raises(LinkTimeout):
        list(stream_dataset(device, samples(2), length=2))


def test_noise_never_makes_a_wrong_sequence(program: Path) -> None:
    given = samples(60)
    port = NoisyPort(open_device(program), 1e-4, 7)
    with Device(port, margin=FAST) as device:
        device.hello()
        assert_whole(list(stream_dataset(device, given, length=20)), given, 20)


def test_a_repeated_reset_is_carried_out_once(device: Device) -> None:
    given = samples(1)[0]
    device.reset_state()
    device.run(given)
    before = device.stats().repeats
    device.link.request(MessageType.PING)
    assert device.stats().repeats == before
    assert count(device.run(given)) == 2
