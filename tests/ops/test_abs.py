# SPDX-License-Identifier: Apache-2.0
"""ABS against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from models import T
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, half_way, ones, small

OPS = ("ABS",)
cases = half_way() | ones()
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
    far = small(op, BASE, output=T((1, 4), BASE.scale * 2.0**-22))
    assert_rules_told(op, BASE, {"The input scale is below 2^22 output scales.": [far]})
