# SPDX-License-Identifier: Apache-2.0
"""Streams a data set through a device, sample by sample or sequence by sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tinyq_deploy.link import LinkTimeout, Refused
from tinyq_deploy.stream import Device, SampleResult

Sample = Sequence[bytes]


def stream_dataset(
    device: Device,
    samples: Sequence[Sample],
    on_result: Callable[[SampleResult], None] | None = None,
    *,
    first: int = 0,
    length: int = 0,
) -> Iterator[SampleResult]:
    """Runs every sample (the bytes of each input) and yields its result; `on_result` sees it first.

    Each `length` samples are a sequence for a model that keeps a state; 0: it keeps none. Results are numbered from
    `first`. Raises what Device.run raises; all results before that were yielded. To go on after that, pass the samples
    from the next one on, or with `length` those from the start of its sequence on.
    """
    results = _sequences(device, samples, length) if length else (device.run(inputs) for inputs in samples)
    for index, result in enumerate(results, first):
        numbered = replace(result, index=index)
        if on_result:
            on_result(numbered)
        yield numbered


def _sequences(device: Device, samples: Sequence[Sample], length: int) -> Iterator[SampleResult]:
    for start in range(0, len(samples), length):
        yield from _sequence(device, samples[start : start + length])


def _sequence(device: Device, samples: Sequence[Sample]) -> Iterator[SampleResult]:
    """The results of one sequence, at whose start the model is reset.

    After a lost link it is run again from its start, as nobody knows which runs the state has seen; only results that
    are new are yielded. A link that is lost twice without getting any further is an error.
    """
    done, lost = 0, -1
    while done < len(samples):
        index = 0
        try:
            device.reset_state()
            for index, inputs in enumerate(samples):
                result = device.run_once(inputs)
                if index == done:
                    done += 1
                    yield result
        except (Refused, LinkTimeout) as error:
            if index <= lost:
                raise
            lost = index
            device.recover(error)
