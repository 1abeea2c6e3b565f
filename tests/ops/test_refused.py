# SPDX-License-Identifier: Apache-2.0
"""Operators that no runtime computes on int8 are refused with what to write instead."""

from __future__ import annotations

import numpy as np
import pytest
from exact import reference, refused
from models import Op, T, model

from tinyq_deploy.errors import ModelError
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.refused import INSTEAD


def unary(op: str) -> bytes:
    return model([T((1, 4), 0.5), T((1, 4), 0.5)], [Op(op, [0], [1])], [0], [1])


def test_a_square_is_told_its_product() -> None:
    text = refused(unary("SQUARE"))
    assert "SQUARE in layers 0" in text
    assert "no TFLite runtime computes SQUARE on int8: multiply the tensor by itself (MUL)" in text


def test_none_of_them_compiles() -> None:
    assert not set(INSTEAD) & set(OPERATORS)


@pytest.mark.parametrize("op", sorted(set(INSTEAD) - {"POW", "REDUCE_PROD"}))
@pytest.mark.parametrize("kind", ["tflite-micro", "litert"])
def test_no_runtime_has_it(op: str, kind: str) -> None:
    """The day one does, it can be compiled."""
    with pytest.raises((AssertionError, ModelError), match=r"the oracle (refuses|runs) the model"):
        reference(unary(op), kind).run([np.zeros((1, 4), np.int8)])
