# SPDX-License-Identifier: Apache-2.0
"""`--calibrate auto`: every calibration method on four fifths of the samples, the best on the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tinyq_deploy.agreement import Agreement, agreement, outputs
from tinyq_deploy.calibrate import Calibration, collect
from tinyq_deploy.calibrators import CALIBRATORS, Calibrator, Range
from tinyq_deploy.errors import DataError
from tinyq_deploy.quantizers import Precision, Quantizer

Array = npt.NDArray[Any]
# Every fifth sample is held out: classes and recordings in order are then in both parts.
_EVERY = 5
_FEWEST = 10


@dataclass(frozen=True)
class Tried:
    """One method, and how the model it gave agrees with the float model on the samples held out."""

    method: str
    held_out: Agreement


class _Each(Calibrator):
    """Shows the same values to every method, so that the float model runs once."""

    name: ClassVar[str] = "auto"

    def __init__(self, methods: Mapping[str, Calibrator]) -> None:
        self._methods = methods

    def observe(self, tensor: int, values: npt.NDArray[np.float32]) -> None:
        """See Calibrator.observe."""
        for method in self._methods.values():
            method.observe(tensor, values)

    def ranges(self) -> Mapping[int, Range]:
        """None of its own."""
        return {}


def calibrate_auto(
    model: bytes, inputs: Sequence[Array], quantizer: Quantizer, precision: Precision, runtime: str | None = None
) -> tuple[str, Calibration, tuple[Tried, ...]]:
    """The name of the best method, its calibration on all samples, and every method tried.

    `inputs`: one array [N, ...] per model input, real values. Raises DataError where there are too few samples to hold
    some out.
    """
    count = len(inputs[0])
    if count < _FEWEST:
        raise DataError(
            f"choosing a calibration method takes {_FEWEST} samples or more",
            f"{count} samples",
            "add samples, or name a method: --calibrate minmax",
        )
    held_out = np.arange(count) % _EVERY == _EVERY - 1
    methods = {name: kind() for name, kind in CALIBRATORS.items()}
    collect(model, [values[~held_out] for values in inputs], _Each(methods), runtime)
    test = [values[held_out] for values in inputs]
    wanted = outputs(model, test, runtime)
    tried = []
    for name, method in methods.items():
        quantised = quantizer.quantize(model, method.ranges(), precision)
        tried.append(Tried(name, agreement(wanted, outputs(quantised, test, runtime))))
    best = _best(tried)
    return best, collect(model, inputs, CALIBRATORS[best](), runtime), tuple(tried)


def _best(tried: Sequence[Tried]) -> str:
    """The least noise among the methods that agree as often as the best does, within the standard error of that; the
    first of these where they are equal to a tenth of a decibel."""
    shares = [entry.held_out.share for entry in tried]
    known = [share for share in shares if share is not None]
    least = max(known) - _standard_error(max(known), tried[0].held_out.samples) if known else 0.0
    left = [entry for entry, share in zip(tried, shares, strict=True) if share is None or share >= least]
    return max(left, key=lambda entry: round(entry.held_out.sqnr, 1)).method


def _standard_error(share: float, samples: int) -> float:
    """Of a share seen in so many samples; that of one sample where all or none agree."""
    return max(math.sqrt(share * (1 - share) / samples), 1 / samples)
