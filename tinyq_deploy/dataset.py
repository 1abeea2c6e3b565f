# SPDX-License-Identifier: Apache-2.0
"""A data set as plain data, and reading one array file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.errors import DataError, Fault, UsageError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """`inputs`: one array [N, ...] per model input; `labels` [N, ...] or None; `warnings` what looked odd."""

    inputs: tuple[Array, ...]
    labels: Array | None = None
    source: str = "memory"
    warnings: tuple[Fault, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.inputs[0]) if self.inputs else 0

    def sample(self, index: int) -> tuple[Array, ...]:
        """The inputs of one sample, without the batch axis."""
        return tuple(values[index] for values in self.inputs)


def load_array(path: Path) -> Any:
    """np.load of a .npy or .npz with pickles refused. Raises DataError naming the file."""
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise malformed(path, error) from error
    except OSError as error:
        raise UsageError("a data file can be read", f"{path}: {error.strerror or error}", "check the path") from error


def malformed(path: Path, error: Exception) -> DataError:
    """What a user is told of an array file that numpy does not take."""
    if "pickle" in str(error):
        return DataError(
            "a data file holds plain arrays; pickles can run code and are refused",
            f"{path}: Python objects or no array file",
            "save it with numpy.savez(path, x=..., y=...)",
        )
    return DataError("a data file is complete and undamaged", f"{path}: {error}", "save it again")
