# SPDX-License-Identifier: Apache-2.0
"""EXP against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from models import T
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, ones, small

OPS = ("EXP",)
cases = ones(scale=st.sampled_from((1e-4, 0.01, 0.03125, 0.3, 3.0)), out_scale=st.sampled_from((1 / 256, 0.05, 2.0)))
BASE = One()


@QUICK
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact(case: One, op: str) -> None:
    assert_table_exact(op, case, kind="litert")


@pytest.mark.exhaustive
@THOROUGH
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact_under_many_more(case: One, op: str) -> None:
    assert_table_exact(op, case, kind="litert")


@pytest.mark.parametrize("op", OPS)
def test_the_generated_c_computes_what_the_oracle_does(op: str) -> None:
    assert_shapes_exact(op, BASE, kind="litert")


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_told(op: str) -> None:
    wide = [T((1, 4), 0.01, 0, "int16"), T((1, 4), 0.5, 0, "int16")]
    far = small(op, BASE, input=wide[0], output=wide[1])
    assert_rules_told(op, BASE, {"With int16 the largest input is below 88.": [far]})
