# SPDX-License-Identifier: Apache-2.0
"""Doubts about representative data name their cause; real data raise none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyq_deploy.calibration_checks import calibration_warnings
from tinyq_deploy.data import load_data
from tinyq_deploy.dataset import Dataset

RNG = np.random.default_rng(4)


def doubts(values: np.ndarray, labels: np.ndarray | None = None) -> list[str]:
    return [f"{fault.rule}: {fault.found}" for fault in calibration_warnings(Dataset((values,), labels))]


def test_real_data_raise_none(digits: Path) -> None:
    assert calibration_warnings(load_data(digits / "representative.npz")) == ()


@pytest.mark.parametrize("noise", [RNG.uniform(0, 1, (100, 8, 8, 1)), RNG.normal(-20, 10, (40, 49, 10))])
def test_noise_is_told(noise: np.ndarray) -> None:
    (doubt,) = doubts(noise)
    assert doubt.startswith("representative data are real data, not noise")


def test_smooth_or_varied_data_are_no_noise() -> None:
    assert doubts(RNG.normal(0, 1, (50, 30)) + RNG.normal(0, 1, (50, 1))) == []
    assert doubts(RNG.normal(0, 1, (50, 30)) + np.linspace(0, 5, 30)) == []
    assert doubts(np.sin(RNG.uniform(0, 9, (50, 1)) + np.arange(64) / 3)) == []


def test_an_outlier_is_named() -> None:
    values = RNG.normal(0, 1, (100, 30)) + RNG.normal(0, 1, (100, 1))
    values[41] *= 30
    (doubt,) = doubts(values)
    assert "sample 41" in doubt
    assert doubt.startswith("no sample stretches the ranges")


def test_few_samples_one_class_and_constants_are_told() -> None:
    found = doubts(np.full((5, 4), 2.0), np.zeros(5, np.int64))
    assert [text.partition(":")[0] for text in found] == [
        "representative data have 20 samples or more", "representative data cover all classes",
        "representative data vary",
    ]  # fmt: skip
