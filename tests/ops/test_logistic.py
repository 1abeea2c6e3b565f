# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC and TANH against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, ones, small

OPS = ("LOGISTIC", "TANH")
OUTPUT = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
cases = ones(scale=st.sampled_from((2.0**-20, 1 / 256, 0.0625, 0.25, 15.9)) | st.floats(2.0**-12, 1, width=32))


def fitted(op: str, case: One) -> One:
    """The case with the output's one quantisation."""
    scale, zero = OUTPUT[op]
    return replace(case, out_scale=scale, out_zero=zero)


@QUICK
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact(case: One, op: str) -> None:
    assert_table_exact(op, fitted(op, case))


@pytest.mark.exhaustive
@THOROUGH
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact_under_many_more(case: One, op: str) -> None:
    assert_table_exact(op, fitted(op, case))


@pytest.mark.parametrize("op", OPS)
def test_the_generated_c_computes_what_the_oracle_does(op: str) -> None:
    assert_shapes_exact(op, fitted(op, One()))


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_told(op: str) -> None:
    base, (scale, zero) = fitted(op, One()), OUTPUT[op]
    text = f"The output has scale 1/{round(1 / scale)} and zero point {zero}, with int16 1/32768 and 0."
    assert_rules_told(
        op,
        base,
        {
            "The input scale is below 16, with int16 at most 2.66.": [small(op, replace(base, scale=16.0))],
            text: [small(op, replace(base, out_scale=scale * 2)), small(op, replace(base, out_zero=zero + 1))],
        },
    )
