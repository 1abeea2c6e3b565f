# SPDX-License-Identifier: Apache-2.0
"""CAST against the oracle, byte for byte; and every rule, broken. tflite-micro casts no uint8, and nothing to bool:
there LiteRT is the oracle."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from broken import assert_complete, assert_refused
from exact import assert_kernel_exact, assert_models_exact, assert_same, reference
from models import Op, T, constant, model
from shape_cases import evaluated

from tinyq_deploy.ops.cast import TYPES

SHAPE = (3, 1, 11)


def tensor(dtype: str, shape: Sequence[int] = SHAPE) -> T:
    return T(tuple(shape), 0.5 if dtype in ("int8", "uint8") else None, 3, dtype)


def cast(source: str, target: str) -> bytes:
    return model([tensor(source), tensor(target)], [Op("CAST", [0], [1])], [0], [1])


def values(dtype: str) -> npt.NDArray[Any]:
    """The ends of every type's range, what is next to them and between."""
    ends = [sign * (1 << bits) + step for bits in (0, 7, 8, 15, 16, 24, 31) for sign in (1, -1) for step in (-1, 0)]
    wide = np.resize(np.array([*ends, 100, -77, 12345], np.int64), SHAPE)
    if dtype == "float32":
        fractions = np.resize(np.array([0, 0.5, 0.75, -0.25], np.float32), SHAPE)
        return np.where(np.abs(wide) < 1 << 31, wide, 5).astype(np.float32) * np.float32(0.998) + fractions
    return wide.astype(dtype)


PAIRS = list(itertools.product(TYPES, TYPES))


def oracle(source: str, target: str) -> str:
    return "litert" if "uint8" in (source, target) or target == "bool" else "tflite-micro"


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_numbers_become_what_the_oracle_makes_of_them(source: str, target: str) -> None:
    data, numbers, kind = cast(source, target), values(source), oracle(source, target)
    if source == "float32" and target in ("int8", "uint8", "int16"):
        numbers = numbers % 100  # beyond the type's range C leaves the result open
    assert_kernel_exact(data, [[numbers]], kind=kind)
    (expected,) = reference(data, kind).run([numbers])
    assert_same(evaluated(data, numbers), expected, "in the compiler")


@pytest.mark.parametrize("target", ["int32", "int16", "int8"])
def test_reals_beyond_the_range_are_the_same_in_c_and_in_the_compiler(target: str) -> None:
    data = model([tensor("float32", (6,)), tensor(target, (6,))], [Op("CAST", [0], [1])], [0], [1])
    beyond = np.array([2.0**31, -(2.0**31), 3e38, -3e38, np.nan, 300.7], np.float32)
    low = -(1 << 31)
    expected = np.array([low, low, low, low, low, 300]).astype(target).tobytes()
    assert evaluated(data, beyond) == expected


def test_the_generated_c_computes_what_the_oracle_does() -> None:
    pairs = [pair for pair in PAIRS if oracle(*pair) == "tflite-micro" and pair[0] != "float32"]
    assert_models_exact({f"{source}_{target}": cast(source, target) for source, target in pairs})


def small(inputs: Sequence[int] = (0,), **changed: T) -> bytes:
    tensors = {"input": tensor("int8"), "output": tensor("int32"), **changed}
    return model([*tensors.values()], [Op("CAST", inputs, [1])], [0], [1])


BROKEN = {
    "It has 1 inputs and 1 outputs.": [small((0, 0)), small(())],
    "Input and output have the same shape.": [small(output=tensor("int32", (3, 11)))],
    "Input and output are int8, uint8, int16, int32, float32 or bool.": [
        small((2,), wide=constant(np.zeros(SHAPE), dtype="int64")),
    ],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("CAST", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("CAST", rule, BROKEN[rule])
