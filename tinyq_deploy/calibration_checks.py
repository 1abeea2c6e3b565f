# SPDX-License-Identifier: Apache-2.0
"""What is odd about representative data: each doubt names the cause, since a poor calibration shows as poor accuracy
only, much later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import Fault

Array = npt.NDArray[Any]
_FEW_SAMPLES = 20
# A sample counts as an outlier where it reaches so many times as far as nine tenths of the samples do.
_FAR = 4.0
_NAMED = 5
# Independent noise: the means of samples and of positions vary by chance (1, here up to 3), neighbours are unrelated.
_CHANCE = 3.0
_RELATED = 0.05


def calibration_warnings(data: Dataset) -> tuple[Fault, ...]:
    """Every doubt about the samples: too few, one class, constant, an outlier, noise."""
    found = _count_warnings(data)
    for number, values in enumerate(data.inputs):
        real, place = values.astype(np.float64), f"{data.source}: input {number}"
        found += _constant(real, place) or [*_outliers(real, place), *_noise(real, place)]
    return tuple(found)


def _count_warnings(data: Dataset) -> list[Fault]:
    warnings, count, labels = [], len(data), data.labels
    if count < _FEW_SAMPLES:
        found = f"{data.source}: {count} samples"
        warnings.append(Fault(f"representative data have {_FEW_SAMPLES} samples or more", found, "add samples"))
    if labels is not None and labels.ndim == 1 and count > 1 and len(np.unique(labels)) == 1:
        found = f"{data.source}: only class {labels[0]}"
        warnings.append(Fault("representative data cover all classes", found, "draw samples from every class"))
    return warnings


def _constant(values: Array, place: str) -> list[Fault]:
    if values.size == 0 or values.min() != values.max():
        return []
    hint = "check how the samples were read: ranges of one value quantise everything else away"
    return [Fault("representative data vary", f"{place}: every value is {values.flat[0]:g}", hint)]


def _outliers(values: Array, place: str) -> list[Fault]:
    """Whole samples that reach far beyond the others, and so stretch every range they meet."""
    reach = np.abs(values).reshape(len(values), -1).max(1)
    usual = float(np.percentile(reach, 90))
    far = np.flatnonzero(reach > _FAR * usual) if usual > 0 else np.array([], int)
    if len(values) < _FEW_SAMPLES or far.size == 0:
        return []
    named = ", ".join(f"sample {n} ({reach[n] / usual:.0f} times)" for n in far[:_NAMED])
    found = f"{place}: {named} reach beyond nine tenths of the samples, at most {usual:.4g}"
    return [Fault("no sample stretches the ranges", found, "remove them, or use --calibrate auto or percentile")]


def _noise(values: Array, place: str) -> list[Fault]:
    """Independent noise: no real recording or image has samples that differ by chance alone."""
    flat = values.reshape(len(values), -1)
    rows, columns = flat.shape
    if rows < _FEW_SAMPLES or columns < _FEW_SAMPLES:
        return []
    spread = flat.var()
    by_sample, by_place = flat.mean(1).var() * columns / spread, flat.mean(0).var() * rows / spread
    if max(by_sample, by_place) > _CHANCE or max(_related(values)) > _RELATED:
        return []
    found = (
        f"{place}: samples, positions and neighbours differ by chance alone, {values.min():.4g} to {values.max():.4g}"
    )
    hint = "calibrate with recorded data, preprocessed as in training: with noise, accuracy may fall to guessing"
    return [Fault("representative data are real data, not noise", found, hint)]


def _related(values: Array) -> Sequence[float]:
    """How neighbours along each axis of a sample correlate, without sign."""
    centred = values - values.mean()
    found = [0.0]
    for axis in range(1, values.ndim):
        size = values.shape[axis]
        if size > 1:
            one, other = (np.take(centred, range(*span), axis) for span in ((0, size - 1), (1, size)))
            found.append(abs(float((one * other).mean() / centred.var())))
    return found
