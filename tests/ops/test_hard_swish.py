# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, ones, small

OPS = ("HARD_SWISH",)
cases = ones(
    scale=st.sampled_from((2.0**-21, 1e-3, 0.0234375, 0.1, 0.7)) | st.floats(2.0**-10, 0.5, width=32),
).filter(lambda case: 2.0**-8 < case.scale / case.out_scale < 128)
BASE = One()


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
            "The input scale is below 128 output scales and above 2^-8 of one.": [
                small(op, One(out_scale=0.05 / 128)),
                small(op, One(out_scale=0.05 * 256)),
            ],
            "The input scale is between 2^-22 and 0.75.": [
                small(op, One(scale=2.0**-22, out_scale=2.0**-22)),
                small(op, One(scale=0.75, out_scale=0.75)),
            ],
        },
    )
