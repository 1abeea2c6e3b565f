# SPDX-License-Identifier: Apache-2.0
"""NEG against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from models import T
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, small

OPS = ("NEG",)
cases = st.sampled_from((1e-3, 0.05, 1.0)).map(lambda scale: One(scale, 0, scale, 0))
BASE = One(0.05, 0, 0.05, 0)


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
    assert_rules_told(
        op,
        BASE,
        {
            "Input and output have the same scale and zero point.": [
                small(op, BASE, output=T((1, 4), 0.06)),
                small(op, BASE, output=T((1, 4), 0.05, 1)),
            ],
            "The zero point is 0: the kernel negates bytes.": [small(op, One(0.05, 1, 0.05, 1))],
        },
    )
