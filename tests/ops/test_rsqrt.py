# SPDX-License-Identifier: Apache-2.0
"""RSQRT against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, ones, small

OPS = ("RSQRT",)
cases = ones(zero=st.sampled_from((-128, -100, 0, 126)), out_scale=st.sampled_from((1e-3, 0.05, 0.3, 1.0))).map(
    lambda case: replace(case, least=case.zero)
)
BASE = One(zero=-128)


@QUICK
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact(case: One, op: str) -> None:
    assert_table_exact(op, case)


@pytest.mark.exhaustive
@THOROUGH
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact_under_many_more(case: One, op: str) -> None:
    assert_table_exact(op, case)


@pytest.mark.parametrize("op", OPS)
def test_the_generated_c_computes_what_the_oracle_does(op: str) -> None:
    assert_shapes_exact(op, BASE)


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_told(op: str) -> None:
    assert_rules_told(
        op,
        BASE,
        {
            "1 / (sqrt(input scale) * output scale) is between 2^-10 and 2^30.": [
                small(op, One(scale=1e4, out_scale=1e4)),
                small(op, One(scale=1e-12, out_scale=1e-4)),
            ]
        },
    )
