# SPDX-License-Identifier: Apache-2.0
"""LEAKY_RELU against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from models import T
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, half_way, ones, small

OPS = ("LEAKY_RELU",)
alphas = st.sampled_from((0.0, 0.1, 0.3, 1.0, 1.5, -0.25, -0.7, 1e-6)).map(lambda alpha: {"alpha": alpha})
cases = half_way().map(lambda case: replace(case, options={"alpha": 0.7})) | ones(options=alphas)
BASE = One(options={"alpha": 0.1})


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
            "The input scale is below 2^22 output scales.": [small(op, BASE, output=T((1, 4), BASE.scale * 2.0**-22))],
            "alpha is a number, and alpha times the input scale is below 2^22 output scales.": [
                small(op, One(options={"alpha": float("nan")})),
                small(op, One(options={"alpha": 2.0**22})),
            ],
        },
    )
