# SPDX-License-Identifier: Apache-2.0
"""RELU and its relatives against the oracle for all inputs, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import QUICK, THOROUGH
from hypothesis import given
from hypothesis import strategies as st
from models import T
from unary_cases import One, assert_rules_told, assert_shapes_exact, assert_table_exact, half_way, ones, small

# tiny scales, where 6 and 1 are beyond int8, to large ones, where they are steps
cases = half_way() | ones()
OPS = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")


def kinds(op: str, case: One) -> tuple[str, ...]:
    """The oracles that give the operator's result: tflite-micro lacks two, and ignores RELU6's output quantisation."""
    same = (case.scale, case.zero) == (case.out_scale, case.out_zero)
    if op == "RELU":
        return ("tflite-micro",)
    return ("litert", "tflite-micro") if op == "RELU6" and same else ("litert",)


@QUICK
@given(cases, st.sampled_from(OPS), st.booleans())
def test_every_input_is_exact(case: One, op: str, same: bool) -> None:
    if same:
        case = replace(case, out_scale=case.scale, out_zero=case.zero)
    for kind in kinds(op, case):
        assert_table_exact(op, case, kind)


@pytest.mark.exhaustive
@THOROUGH
@given(cases, st.sampled_from(OPS))
def test_every_input_is_exact_under_many_more(case: One, op: str) -> None:
    for kind in kinds(op, case):
        assert_table_exact(op, case, kind)


@pytest.mark.parametrize("op", OPS)
def test_the_generated_c_computes_what_the_oracle_does(op: str) -> None:
    assert_shapes_exact(op, One(), kinds(op, One())[0])


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_told(op: str) -> None:
    base = One()
    far = small(op, base, output=T((1, 4), base.scale * 2.0**-22))
    assert_rules_told(op, base, {"The input scale is below 2^22 output scales.": [far]})
