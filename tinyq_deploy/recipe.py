# SPDX-License-Identifier: Apache-2.0
"""How a float model is quantised: plain data, from flags, from tinyq.toml's [quantize], or from the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from tinyq_deploy.calibrators import CALIBRATORS
from tinyq_deploy.errors import UsageError
from tinyq_deploy.quantizers import Precision

AUTO = "auto"


@dataclass(frozen=True)
class Recipe:
    """`calibrate` names what chooses the activations' ranges, or is "auto"; `equalize` balances the channels between
    layers first (cures/equalize.py). Raises UsageError for a method or precision that does not exist."""

    calibrate: str = "minmax"
    precision: Precision = "int8"
    equalize: bool = False

    def __post_init__(self) -> None:
        _known("the calibration method exists", self.calibrate, (*CALIBRATORS, AUTO))
        _known("the precision exists", self.precision, get_args(Precision))


def _known(rule: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(rule, repr(value), f"use one of {', '.join(known)}")


DEFAULT = Recipe()
