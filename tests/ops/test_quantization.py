# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE against the oracle, byte for byte; real values at the boundary; broken rules."""

from __future__ import annotations

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned, rendered
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, model

SCALES = (2.0**-20, 2.0**-7, 0.003921569, 0.05, 0.9294118, 1.0, 3.0, 1e6)
PAIRS = (("float32", "int8"), ("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"))


def tensor(dtype: str, scale: float, zero: int, shape: tuple[int, ...] = (3, 7)) -> T:
    """`zero` is int8's; the types' ranges are 128 apart."""
    if dtype == "float32":
        return T(shape, dtype=dtype)
    return T(shape, float(np.float32(scale)), zero + (128 if dtype == "uint8" else 0), dtype)


zeros = st.sampled_from((-128, 127, 0)) | st.integers(-128, 127)
quantizes = st.builds(
    lambda pair, first, second, a, b: model(
        [tensor(pair[0], first, a), tensor(pair[1], second, b)], [Op("QUANTIZE", [0], [1])], [0], [1]
    ),
    st.sampled_from(PAIRS), st.sampled_from(SCALES[1:]), st.sampled_from(SCALES[1:]), zeros, zeros,
)  # fmt: skip
dequantizes = st.builds(
    lambda dtype, scale, zero: model(
        [tensor(dtype, scale, zero), tensor("float32", 0, 0)], [Op("DEQUANTIZE", [0], [1])], [0], [1]
    ),
    st.sampled_from(("int8", "uint8")), st.sampled_from(SCALES) | st.floats(1e-7, 1e3), zeros,
)  # fmt: skip


@QUICK
@given(quantizes | dequantizes)
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(quantizes | dequantizes)
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


def through(first: str, last: str) -> bytes:
    """A maximum between conversions from `first` and to `last`."""
    pool = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    into, out = (1, 4, 4, 2), (1, 2, 2, 2)
    tensors = [
        tensor(first, 0.05, 3, into), tensor("int8", 0.05, 3, into), tensor("int8", 0.05, 3, out),
        tensor(last, 0.05, 3, out),
    ]  # fmt: skip
    leaves = "DEQUANTIZE" if last == "float32" else "QUANTIZE"
    return model(tensors, [Op("QUANTIZE", [0], [1]), Op("MAX_POOL_2D", [1], [2], pool), Op(leaves, [2], [3])], [0], [3])


BOUNDARIES = {f"{a}_to_{b}": through(a, b) for a in ("float32", "uint8", "int8") for b in ("float32", "uint8", "int8")}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_models_with_other_types_at_the_boundary(optimize: str) -> None:
    assert_models_exact(BOUNDARIES, optimize=optimize)


def test_the_header_has_the_models_own_types() -> None:
    header = rendered(BOUNDARIES["float32_to_uint8"]).files["model/model.h"].decode()
    assert "static inline float *net_input(void)" in header
    assert "static inline uint8_t *net_output(void)" in header
    assert "void net_run(const float *input, uint8_t *output);" in header
    assert "NET_INPUT_SCALE" not in header
    assert "NET_OUTPUT_ZERO_POINT (131)" in header
    assert "uint8_t net_quantize_uint8(float real" in header


def test_an_output_of_real_values_lies_over_what_it_comes_from() -> None:
    """96 bytes of real values, the int8 values under the last of them."""
    tensors = [tensor("int8", 0.5, 3, (24,)), tensor("float32", 0, 0, (24,))]
    plan = planned(model(tensors, [Op("DEQUANTIZE", [0], [1])], [0], [1]))
    assert plan.arena_bytes == 96


def small(op: str, inputs: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """A conversion that is accepted, but for what is changed."""
    kinds = ("float32", "int8") if op == "QUANTIZE" else ("int8", "float32")
    tensors = {"input": tensor(kinds[0], 0.5, 3), "output": tensor(kinds[1], 0.5, 3), **changed}
    return model([*tensors.values()], [Op(op, inputs, [1])], [0], [1])


BROKEN = {
    "QUANTIZE": {
        "It has 1 inputs and 1 outputs.": [small("QUANTIZE", (0, 0))],
        "The input is computed at run time.": [
            small("QUANTIZE", (2,), known=T((3, 7), dtype="float32", data=np.ones((3, 7), np.float32)))
        ],
        "Input and output have the same number of elements.": [
            small("QUANTIZE", output=tensor("int8", 0.5, 3, (3, 6)))
        ],
        "It makes int8 of float32, int8, uint8 or int16, int16 of float32, int8 or int16, or uint8 of int8; each "
        "integer type has one scale and zero point, int16 zero point 0.": [
            small("QUANTIZE", output=T((3, 7), 0.5, 3, "int16")),
            small("QUANTIZE", input=T((3, 7), 0.5, 0, "int16"), output=T((3, 7), 0.5, 3, "uint8")),
            small("QUANTIZE", output=tensor("uint8", 0.5, 3)),
            small("QUANTIZE", output=T((3, 7), 0.5, 128)),
            small("QUANTIZE", input=T((3, 7), 0.5, 256, "uint8")),
        ],
        "The requantisation factor, input scale / output scale, is below 2^30, of int16 below 2^14.": [
            small("QUANTIZE", input=T((3, 7), 8192.0, 0, "int16")),
            small("QUANTIZE", input=tensor("int8", 1e10, 0), output=tensor("int8", 0.5, 0)),
        ],
    },
    "DEQUANTIZE": {
        "It has 1 inputs and 1 outputs.": [small("DEQUANTIZE", (0, 0))],
        "The input is computed at run time.": [
            small("DEQUANTIZE", (2,), known=T((3, 7), 0.5, 3, data=np.ones((3, 7), np.int8)))
        ],
        "Input and output have the same number of elements.": [
            small("DEQUANTIZE", output=tensor("float32", 0, 0, (3, 6)))
        ],
        "It makes float32 of int8, int16 or uint8 with one scale and zero point, of int16 zero point 0.": [
            small("DEQUANTIZE", input=T((3, 7), 0.5, 3, "int16")),
            small("DEQUANTIZE", output=tensor("int8", 0.5, 3)),
            small("DEQUANTIZE", input=tensor("float32", 0, 0)),
            small("DEQUANTIZE", input=T((3, 7), 0.5, 300, "uint8")),
        ],
    },
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
