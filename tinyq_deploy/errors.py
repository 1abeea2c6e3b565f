# SPDX-License-Identifier: Apache-2.0
"""What a user is told when something is wrong: the rule, what was found and where, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True)
class Fault:
    """One broken rule. `rule` is a sentence, `found` names the place and the value, `hint` the next step."""

    rule: str
    found: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.rule}\n  found: {self.found}" + (f"\n  next:  {self.hint}" if self.hint else "")


class TinyqError(Exception):
    """Base of every error a user can meet. `main` catches it once and exits with `exit_code`."""

    exit_code: ClassVar[int] = 70

    def __init__(self, rule: str, found: str, hint: str = "") -> None:
        self.faults: tuple[Fault, ...] = (Fault(rule, found, hint),)
        super().__init__(rule, found, hint)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Self:
        """One error that reports every fault at once; `faults` must not be empty."""
        error = cls(faults[0].rule, faults[0].found, faults[0].hint)
        error.faults = tuple(faults)
        return error

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class ThresholdError(TinyqError):
    """A gate that the user set (accuracy, exactness, regression) was not met."""

    exit_code = 1


class UsageError(TinyqError):
    """A flag, a path, tinyq.toml or a board file is wrong."""

    exit_code = 2


class ModelError(TinyqError):
    """The model is malformed, unsupported or not what the step takes."""

    exit_code = 3


class DataError(TinyqError):
    """The data set does not fit the model or is malformed."""

    exit_code = 3


class BuildError(TinyqError):
    """The toolchain is missing or failed."""

    exit_code = 4


class FitError(BuildError):
    """The model does not fit the board's flash or RAM."""


class FlashError(TinyqError):
    """The probe or the flashing tool failed."""

    exit_code = 5


class LinkError(TinyqError):
    """The serial link is missing, busy, silent, or speaks to something else."""

    exit_code = 6


class FirmwareFault(TinyqError):
    """The firmware reported a fault."""

    exit_code = 7
