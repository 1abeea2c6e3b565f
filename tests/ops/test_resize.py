# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from broken import INPUT_INT8, MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH, zero_points
from exact import assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model
from shape_cases import assert_moves, node, numbers, q

OPS = ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
KINDS = {"corners": {"align_corners": True}, "centers": {"half_pixel_centers": True}, "edges": {}}
BOTH = {"align_corners": True, "half_pixel_centers": True}


def resize(op: str, shape: Sequence[int], size: tuple[int, int], kind: dict[str, bool], dtype: str = "int8",
           zero: int = 3) -> bytes:  # fmt: skip
    output = (shape[0], *size, shape[3])
    return node(op, shape, output, numbers(size), options=kind, dtype=dtype, zero=zero)


pixels = st.sampled_from((1, 2, 3, 4, 5, 7, 8, 11, 13))
shapes = st.tuples(st.sampled_from((1, 1, 2)), pixels, pixels, st.sampled_from((1, 2, 3)))
nearest = st.builds(
    resize, st.just(OPS[0]), shapes, st.tuples(pixels, pixels), st.sampled_from((*KINDS.values(), BOTH)),
    st.sampled_from(("int8", "int8", "float32")),
)  # fmt: skip
bilinear = st.builds(
    resize, st.just(OPS[1]), shapes, st.tuples(pixels, pixels), st.sampled_from([*KINDS.values()]), zero=zero_points
)


@QUICK
@given(nearest | bilinear)
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_moves(data)


@pytest.mark.exhaustive
@THOROUGH
@given(nearest | bilinear)
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_moves(data)


TRAPS = {
    f"{op.split('_')[1].lower()}_{kind}_{name}": resize(op, shape, size, options)
    for op in OPS
    for kind, options in KINDS.items()
    for name, shape, size in (
        ("doubled", (1, 3, 5, 2), (6, 10)),
        ("odd", (1, 4, 3, 3), (7, 11)),
        ("smaller", (1, 7, 8, 1), (3, 2)),
        ("to_one", (1, 5, 7, 2), (1, 1)),
        ("from_one", (1, 1, 1, 2), (5, 3)),
    )
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


def test_whole_factors_are_a_copy_without_tables() -> None:
    (layer,) = planned(resize(OPS[0], (1, 3, 5, 2), (6, 10), {})).code_layers()
    assert layer.call.function == "tinyq_portable_copy"
    assert planned(resize(OPS[0], (1, 3, 5, 2), (3, 5), {})).code_layers() == ()


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,),
          options: dict[str, Any] | None = None, **changed: T) -> bytes:  # fmt: skip
    """[2,3] pixels as [3,5]; accepted, but for what is changed."""
    tensors = {"input": q(1, 2, 3, 2), "output": q(1, 3, 5, 2), "size": numbers([3, 5]), **changed}
    return model([*tensors.values()], [Op(op, inputs, [1], options or {})], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 2, 2))],
        "The input has 4 dimensions.": [small(op, input=q(2, 3, 2))],
        "The size is a constant of int32 or int64: height and width.": [
            small(op, size=numbers([3, 5, 2])),
            small(op, size=constant([3, 5], 0.5)),
            small(op, given=(0, 2), size=T((2,), None, 0, "int32")),
        ],
        "The output shape follows from input and size.": [
            small(op, output=q(1, 5, 3, 2)),
            small(op, size=numbers([3, 0])),
        ],
    }


LARGE = small(OPS[1], input=q(1, 1, 1, 1), output=q(1, 1, 400, 1), size=numbers([1, 400]))
BROKEN = {
    OPS[0]: {
        **broken(OPS[0]),
        MOVED: [small(OPS[0], output=q(1, 3, 5, 2, zero=4))],
    },
    OPS[1]: {
        **broken(OPS[1]),
        INPUT_INT8: [small(OPS[1], input=q(1, 2, 3, 2, zero=200))],
        "Input and output have the same scale and zero point.": [
            small(OPS[1], output=q(1, 3, 5, 2, zero=4)),
            small(OPS[1], output=q(1, 3, 5, 2, scale=0.25)),
        ],
        "Either align_corners or half_pixel_centers is set, or none.": [small(OPS[1], options=BOTH)],
        "No output pixel lies behind the input's last one, where steps rounded to 1/1024 pixel lead in large images.": [
            LARGE
        ],
    },
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_moves(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
