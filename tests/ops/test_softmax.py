# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import host_c
import numpy as np
import pytest
from broken import ACTIVATIONS, assert_complete, assert_refused
from cases import QUICK, THOROUGH, seeds, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model


@dataclass(frozen=True)
class Rows:
    shape: tuple[int, ...] = (1, 10)
    scale: float = 0.1
    zero: int = 3
    beta: float = 1.0
    seed: int = 0


def softmax(case: Rows) -> bytes:
    tensors = [T(case.shape, case.scale, case.zero), T(case.shape, 1 / 256, -128)]
    return model(tensors, [Op("SOFTMAX", [0], [1], {"beta": case.beta}, version=2)], [0], [1])


rows = st.builds(
    Rows,
    shape=st.sampled_from(((1, 1), (1, 2), (1, 10), (3, 7), (5,), (1, 2, 3, 4), (2, 255), (1, 511))),
    scale=st.sampled_from((2.0**-20, 1e-3, 0.0039, 1 / 256, 0.0625, 0.25, 1.0, 8.0, 300.0))
    | st.floats(2.0**-20, 50, width=32),
    zero=zero_points,
    beta=st.sampled_from((1.0, 0.5, 2.0, 0.01, 10.0)),
    seed=seeds,
).filter(lambda case: case.beta * case.scale > 2.0**-26)


@QUICK
@given(rows)
def test_it_computes_what_the_oracle_does(case: Rows) -> None:
    assert_kernel_exact(softmax(case))


@pytest.mark.exhaustive
@THOROUGH
@given(rows)
def test_it_computes_what_the_oracle_does_for_many_more(case: Rows) -> None:
    assert_kernel_exact(softmax(case))


@pytest.mark.parametrize("scale", [1e-3, 0.0625, 0.3, 1.0])
def test_every_difference_is_exact(scale: float) -> None:
    """The highest value beside each other one: all 256 entries of the table."""
    data = np.stack([np.full(256, 127), np.arange(-128, 128)], axis=1).astype(np.int8)
    assert_kernel_exact(softmax(Rows((256, 2), scale)), [[data]])


BASE = Rows()
TRAPS = {
    "one_entry": replace(BASE, shape=(1, 1)),
    "prime_rows": replace(BASE, shape=(3, 7)),
    "flat": replace(BASE, scale=2.0**-20),
    "steep": replace(BASE, scale=300.0),
    "cut_off": replace(BASE, scale=0.25, shape=(1, 200)),
    "deep": replace(BASE, shape=(1, 511), scale=1e-3),
    "beta": replace(BASE, beta=3.5),
    "rank_4": replace(BASE, shape=(1, 2, 3, 5)),
    "rank_1": replace(BASE, shape=(4,)),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: softmax(case) for name, case in TRAPS.items()}, optimize=optimize)


@pytest.mark.parametrize("depth", [512, 1000, 4096])
def test_a_long_row_of_equal_values_gives_nothing_to_each(depth: int) -> None:
    """The oracle stops on these: its shift leaves int32. 1/512 of the range is half a step, so it becomes 0."""
    call = host_c.planned(softmax(Rows((1, depth)))).layers[0].call
    for value in (-128, 0, 127):
        found = host_c.kernels().run(call, {0: np.full((1, depth), value, np.int8)}, {1: depth})
        assert set(np.frombuffer(found, np.int8)) == {-128}


@pytest.mark.parametrize("depth", [512, 1000, 4096])
def test_a_long_row_with_a_peak_is_exact(depth: int) -> None:
    data = np.full((2, depth), -100, np.int8)
    data[0, 0], data[1, [5, depth - 1]] = 127, (90, 100)
    assert_kernel_exact(softmax(Rows((2, depth))), [[data]])


TENSORS = {"input": T((1, 4), 0.5, 3), "output": T((1, 4), 1 / 256, -128)}


def small(inputs: tuple[int, ...] = (0,), *, options: dict[str, Any] | None = None, extra: tuple[T, ...] = (),
          **changed: T) -> bytes:  # fmt: skip
    """A softmax that is accepted, but for what is changed."""
    merged = {"beta": 1.0, **(options or {})}
    return model([*{**TENSORS, **changed}.values(), *extra], [Op("SOFTMAX", inputs, [1], merged)], [0], [1])


BROKEN = {
    "It has 1 inputs and 1 outputs.": [small(()), small((0, 0))],
    "The input is computed at run time.": [small((2,), extra=(constant([[1, 2, 3, 4]], 0.5),))],
    ACTIVATIONS: [small(input=T((1, 4), 0.5, 128)), small(output=T((1, 4), 1 / 256, -129))],
    "Input and output have the same number of elements.": [small(output=T((1, 5), 1 / 256, -128))],
    "The last dimension has 1 to 4096 entries.": [
        small(input=T((1, 4097), 0.5), output=T((1, 4097), 1 / 256, -128)),
        small(input=T((), 0.5), output=T((), 1 / 256, -128)),
    ],
    "The output has scale 1/256 and zero point -128, with int16 1/32768 and 0.": [
        small(output=T((1, 4), 1 / 255, -128)),
        small(output=T((1, 4), 1 / 256, 0)),
    ],
    "beta is positive and beta times the input scale is above 2^-26, with int16 below 1.": [
        small(input=T((1, 4), 1.5, 0, "int16"), output=T((1, 4), 1 / 32768, 0, "int16")),
        small(options={"beta": 0.0}),
        small(options={"beta": -1.0}),
        small(options={"beta": float("nan")}),
        small(input=T((1, 4), 1e-9)),
    ],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("SOFTMAX", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("SOFTMAX", rule, BROKEN[rule])
