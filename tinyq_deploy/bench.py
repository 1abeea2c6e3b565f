# SPDX-License-Identifier: Apache-2.0
"""Measures a device: a data set streamed through it, against labels and against the oracle."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tinyq_deploy.dataset_run import stream_dataset
from tinyq_deploy.errors import FirmwareFault
from tinyq_deploy.manifest import Io
from tinyq_deploy.oracle import Oracle
from tinyq_deploy.protocol import Hello, Stats
from tinyq_deploy.stream import Device

Sample = tuple[npt.NDArray[np.generic], ...]

# Two-sided 95 % of the normal distribution.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Row:
    """One sample as it came back. `label` and `right` are None without labels, `cycles` without a counter."""

    index: int
    outputs: tuple[bytes, ...]
    exact: bool
    label: int | None
    predicted: int | None
    right: bool | None
    cycles: int | None


@dataclass(frozen=True)
class Accuracy:
    """Share of right labels with the 95 % Wilson score interval (Wilson 1927)."""

    value: float
    low: float
    high: float
    correct: int
    total: int


@dataclass(frozen=True)
class Cycles:
    """Counter ticks of one inference over all samples; percentiles by nearest rank."""

    median: int
    p95: int
    most: int
    least: int


@dataclass(frozen=True)
class Measurement:
    """What a run over a data set has shown. `layer_cycles` are one run's, per code layer, empty without a counter."""

    hello: Hello
    rows: tuple[Row, ...]
    accuracy: Accuracy | None
    exact: int
    oracle: str
    oracle_note: str
    cycles: Cycles | None
    layer_cycles: tuple[int, ...]
    stats: Stats
    resends: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def total(self) -> int:
        """Samples run."""
        return len(self.rows)


def wilson(correct: int, total: int) -> Accuracy:
    """The accuracy of `correct` of `total` > 0 with its interval."""
    share, z2 = correct / total, _Z * _Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return Accuracy(share, max(0.0, centre - half), min(1.0, centre + half), correct, total)


def summarize(cycles: Sequence[int]) -> Cycles | None:
    """Median, 95th percentile, largest and smallest of the ticks; None of none."""
    if not cycles:
        return None
    ordered = sorted(cycles)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Cycles(int(statistics.median_low(ordered)), p95, ordered[-1], ordered[0])


def predict(outputs: Sequence[bytes], ios: Sequence[Io]) -> int | None:
    """The label that a model with one output gives: its one integer without a scale, as ARG_MAX gives it, or the index
    of its largest element, the first among equals. None for other models."""
    if len(ios) != 1:
        return None
    values = np.frombuffer(outputs[0], ios[0].dtype)
    if ios[0].dtype in ("int32", "int64"):
        return int(values[0]) if values.size == 1 else None
    return int(np.argmax(values)) if values.size > 1 else None


def measure(
    device: Device,
    samples: Sequence[Sample],
    labels: Sequence[int | None] | None,
    outputs: Sequence[Io],
    oracle: Oracle,
    on_row: Callable[[Row], None] | None = None,
    length: int = 0,
) -> Measurement:
    """Streams `samples` (each the model's inputs in their own dtypes) through `device` and compares with `oracle`.

    Each `length` samples are a sequence, at whose start both are reset; 0 for a model that keeps no state. Labels count
    where `predict` gives one. Raises what Device.run raises.
    """
    hello = device.hello()
    rows: list[Row] = []
    streamed = stream_dataset(device, [_bytes_of(sample) for sample in samples], length=length)
    results = zip(streamed, _expected(oracle, samples, length), strict=True)
    for index, (result, expected) in enumerate(results):
        label = None if labels is None else labels[index]
        row = _row(index, result.outputs, result.cycles, label, outputs, expected)
        rows.append(row)
        if on_row:
            on_row(row)
    right = [row.right for row in rows if row.right is not None]
    ticks = [row.cycles for row in rows if row.cycles is not None]
    layers = _layer_cycles(device, samples[0]) if ticks and hello.layers else ()
    return Measurement(
        hello, tuple(rows), wilson(sum(right), len(right)) if right else None, sum(row.exact for row in rows),
        oracle.name, oracle.note, summarize(ticks), layers, device.stats(), device.link_stats.resends,
        tuple(_suspicions(rows)),
    )  # fmt: skip


def _expected(oracle: Oracle, samples: Sequence[Sample], length: int) -> Iterator[Sequence[bytes]]:
    if not length:
        yield from oracle.run_many(samples)
    for start in range(0, len(samples), length) if length else ():
        oracle.reset()
        yield from oracle.run_many(samples[start : start + length])


def _bytes_of(sample: Sample) -> list[bytes]:
    return [array.tobytes() for array in sample]


def _row(index: int, got: tuple[bytes, ...], cycles: int | None, label: int | None, outputs: Sequence[Io],
         expected: Sequence[bytes]) -> Row:  # fmt: skip
    predicted = predict(got, outputs)
    right = predicted == label if label is not None and predicted is not None else None
    return Row(index, got, tuple(expected) == got, label, predicted, right, cycles)


def _layer_cycles(device: Device, sample: Sample) -> tuple[int, ...]:
    """Cycles of each layer in one extra run; timing them costs the run itself a little."""
    whole = device.run(_bytes_of(sample), layers=True)
    layers = device.layers()
    if whole.cycles is not None and sum(layers) > whole.cycles * 1.5 + 100_000:
        raise FirmwareFault("the layers of a run take no longer than the run", f"{sum(layers)} against {whole.cycles}")
    return layers


def _suspicions(rows: Sequence[Row]) -> list[str]:
    found = []
    if len(rows) > 1 and len({row.outputs for row in rows}) == 1:
        found.append(f"all {len(rows)} outputs are equal")
    return found
