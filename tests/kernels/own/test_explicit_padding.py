# SPDX-License-Identifier: Apache-2.0
"""Windows that pads.py gave padding of their own: own kernels against portable ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import own_exact
import pytest
import random_nodes  # own_exact adds its folder

EACH = int(os.environ.get("TINYQ_TEST_NODES", "12"))
SEED = int(os.environ.get("TINYQ_TEST_SEED", "1"))


@pytest.mark.parametrize("board_name", ["mps2-an385", "mps2-an386", "mps3-an547"])
def test_own_kernels_pad_as_they_are_told(board_name: str, tmp_path: Path) -> None:
    rng, machine = np.random.default_rng(SEED), own_exact.Machine(board_name)
    found = own_exact.cases([family(rng) for family in random_nodes.PADDED for _ in range(EACH)], machine)
    assert len(found) >= EACH
    own_exact.check(found, machine, tmp_path, seed=SEED)
