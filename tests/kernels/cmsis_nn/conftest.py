# SPDX-License-Identifier: Apache-2.0
"""The copies of CMSIS-NN that the tests run with: the one in bakenn, and those that TINYQ_TEST_CMSIS_NN lists."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.kernels.cmsis_nn.library import Library

_NAMED = [Path(p) for p in os.environ.get("TINYQ_TEST_CMSIS_NN", "").split(os.pathsep) if p]


def _label(path: Path | None) -> str:
    return path.name if path else "bakenn"


@pytest.fixture(scope="session", params=[None, *_NAMED], ids=_label)
def library(request: pytest.FixtureRequest) -> Library:
    """One copy after the other."""
    if request.param is None and find_spec("bakenn") is None:
        pytest.skip("bakenn, which carries CMSIS-NN 4.0.0, is not installed")
    found = cmsis_nn.find(request.param, {})
    assert found is not None
    return found
