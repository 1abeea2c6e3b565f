# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM and MINIMUM against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from binary_cases import BROADCASTS, Pair, pair_model, pairs
from broken import BROADCAST, OPERANDS, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact, assert_values_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

OPS = ("MAXIMUM", "MINIMUM")
nodes = pairs(st.just((0.5, 0.5, 0.5)), zeros=st.just((3, 3, 3)), activation=st.just("NONE"))


@QUICK
@given(nodes, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does(case: Pair, op: str) -> None:
    assert_kernel_exact(pair_model(op, case))


@pytest.mark.exhaustive
@THOROUGH
@given(nodes, st.sampled_from(OPS))
def test_it_computes_what_the_oracle_does_for_many_more(case: Pair, op: str) -> None:
    assert_kernel_exact(pair_model(op, case))


@pytest.mark.parametrize("op", OPS)
def test_every_pair_of_values_is_exact(op: str) -> None:
    assert_values_exact(pair_model(op, Pair(((256, 1), (1, 256)), (0.1, 0.1, 0.1), (5, 5, 5))))


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(op: str, optimize: str) -> None:
    cases = {name: replace(case, scales=(0.1,) * 3, zeros=(-7,) * 3) for name, case in BROADCASTS.items()}
    assert_models_exact({name: pair_model(op, case) for name, case in cases.items()}, optimize=optimize)


TENSORS = {"first": T((1, 4), 0.5, 3), "second": T((1, 4), 0.5, 3), "output": T((1, 4), 0.5, 3)}


def small(op: str, inputs: tuple[int, ...] = (0, 1), *, given: tuple[int, ...] = (0, 1), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed; `given` are the model's inputs."""
    return model([*{**TENSORS, **changed}.values()], [Op(op, inputs, [2])], given, [2])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 1, 1))],
        OPERANDS: [small(op, first=T((1, 4), 0.5, 128)), small(op, given=(0,), second=constant([[1, 2, 3, 4]]))],
        BROADCAST: [small(op, second=T((1, 3), 0.5, 3)), small(op, output=T((2, 4), 0.5, 3))],
        "Both inputs and the output have the same scale and zero point.": [
            small(op, second=T((1, 4), 0.25, 3)),
            small(op, output=T((1, 4), 0.5, 4)),
        ],
    }


@pytest.mark.parametrize("op", OPS)
def test_the_small_model_is_accepted(op: str) -> None:
    assert_kernel_exact(small(op))


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_complete(op, broken(op))


@pytest.mark.parametrize("op", OPS)
def test_a_broken_rule_is_told(op: str) -> None:
    for rule, models in broken(op).items():
        assert_refused(op, rule, models)
