# SPDX-License-Identifier: Apache-2.0
"""Where tests find models."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_model() -> Callable[[str], Path]:
    """The path of a shared model by its file name, from TINYQ_MODELS or ../shared/models; skips where it is absent."""
    folder = Path(os.environ.get("TINYQ_MODELS", _ROOT.parent / "shared" / "models"))

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"{name} is not in {folder} (set TINYQ_MODELS)")
        return folder / name

    return find


@pytest.fixture(scope="session")
def digits() -> Path:
    """The folder of the digits example."""
    return _ROOT / "examples" / "digits"
