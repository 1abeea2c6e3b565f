# SPDX-License-Identifier: Apache-2.0
"""`--calibrate auto` keeps the method that does best on samples held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy.agreement import Agreement, agreement, outputs
from tinyq_deploy.autocalibrate import Tried, _best
from tinyq_deploy.calibrators import CALIBRATORS
from tinyq_deploy.data import load_data
from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import DataError
from tinyq_deploy.quantize import QuantizeResult, quantize
from tinyq_deploy.recipe import Recipe


def spoilt(digits: Path) -> Dataset:
    """A hundred of the digits, one of them scaled by 100."""
    data = load_data(digits / "representative.npz")
    x = data.inputs[0][:100].astype(np.float32).copy()
    x[30] *= 100
    return replace(data, inputs=(x,), labels=None)


def accuracy(result: QuantizeResult, test: Dataset) -> float:
    (found,) = outputs(result.tflite, test.inputs)
    assert test.labels is not None
    return float((found.reshape(len(found), -1).argmax(1) == test.labels).mean())


def test_an_outlier_that_breaks_minmax_does_not_break_auto(digits: Path) -> None:
    model, test = digits / "digits_float.tflite", load_data(digits / "test.npz")
    good = load_data(digits / "representative.npz")
    clean = accuracy(quantize(model, good), test)
    bad = accuracy(quantize(model, spoilt(digits)), test)
    kept = quantize(model, spoilt(digits), Recipe(calibrate="auto"))
    assert bad < clean - 0.2
    assert accuracy(kept, test) > clean - 0.01
    assert kept.report.method != "minmax"
    assert [entry.method for entry in kept.report.tried] == list(CALIBRATORS)
    assert any("sample 30" in fault.found for fault in kept.report.warnings)


def test_auto_gives_what_the_method_alone_gives_from_all_samples(digits: Path) -> None:
    model, data = digits / "digits_float.tflite", load_data(digits / "representative.npz")
    found = quantize(model, data, Recipe(calibrate="auto"))
    assert found.tflite == quantize(model, data, Recipe(calibrate=found.report.method)).tflite


def test_too_few_samples_to_hold_some_out(digits: Path) -> None:
    data = load_data(digits / "representative.npz")
    few = replace(data, inputs=(data.inputs[0][:9],), labels=None)
    with pytest.raises(DataError, match="10 samples or more"):
        quantize(digits / "digits_float.tflite", few, Recipe(calibrate="auto"))


def tried(method: str, sqnr: float, same: int | None, samples: int = 100) -> Tried:
    return Tried(method, Agreement(samples, sqnr, same))


def test_the_choice() -> None:
    assert _best([tried("a", 30, 50), tried("b", 20, 98), tried("c", 25, 97)]) == "c"
    assert _best([tried("a", 20.04, None), tried("b", 20.0, None), tried("c", 19, None)]) == "a"
    assert _best([tried("a", 20.0, 100), tried("b", 40.0, 98), tried("c", 20.0, 100)]) == "a"


def test_agreement_of_known_outputs() -> None:
    a, b = np.array([[[1.0, 0.0]], [[0.0, 2.0]]]), np.array([[[1.0, 0.0]], [[0.5, 0.0]]])
    found = agreement([a], [b])
    assert (found.samples, found.same, found.share) == (2, 1, 0.5)
    assert found.sqnr == pytest.approx(10 * np.log10(5 / 4.25))
    assert agreement([a], [a]).sqnr == float("inf")
    assert agreement([a[..., :1]], [a[..., :1]]).same is None
