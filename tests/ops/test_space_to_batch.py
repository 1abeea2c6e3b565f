# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND against the oracle, byte for byte; and every rule, broken.

What tflite-micro puts into the padding is memory that it never set: TFLite puts the zero point there. So padded cases
are compared with LiteRT.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH, zero_points
from exact import assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model
from shape_cases import assert_moves, node, numbers, q

Margins = Sequence[tuple[int, int]]
Case = tuple[bytes, str]


def to_batch(shape: Sequence[int], block: Sequence[int], paddings: Margins, zero: int = 3, dtype: str = "int8") -> Case:
    """The node, and its oracle."""
    sizes = [(n + sum(pair)) // b for n, pair, b in zip(shape[1:-1], paddings, block, strict=True)]
    output = (shape[0] * math.prod(block), *sizes, shape[-1])
    oracle = "litert" if any(map(any, paddings)) else "tflite-micro"
    data = node("SPACE_TO_BATCH_ND", shape, output, numbers(block), numbers(paddings), dtype=dtype, zero=zero)
    return data, oracle


def to_space(shape: Sequence[int], block: Sequence[int], crops: Margins, dtype: str = "int8") -> Case:
    """The node on [N * blocks, ...], and its oracle."""
    sizes = [n * b - sum(pair) for n, pair, b in zip(shape[1:-1], crops, block, strict=True)]
    source = (shape[0] * math.prod(block), *shape[1:])
    output = (shape[0], *sizes, shape[-1])
    return node("BATCH_TO_SPACE_ND", source, output, numbers(block), numbers(crops), dtype=dtype), "tflite-micro"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    axes = draw(st.integers(1, 2))
    block = [draw(st.integers(1, 3)) for _ in range(axes)]
    batch, channels = draw(st.sampled_from((1, 1, 2))), draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(("int8", "int8", "float32")))
    sizes = [draw(st.integers(1, 6)) for _ in range(axes)]
    shape = (batch, *sizes, channels)
    if draw(st.booleans()):
        before = [draw(st.integers(0, 3)) for _ in range(axes)]
        behind = [(-n - a) % b + b * draw(st.integers(0, 1)) for n, a, b in zip(sizes, before, block, strict=True)]
        return to_batch(shape, block, list(zip(before, behind, strict=True)), draw(zero_points), dtype)
    crops = []
    for size, count in zip(sizes, block, strict=True):
        before = draw(st.integers(0, size * count - 1))
        crops.append((before, draw(st.integers(0, size * count - 1 - before))))
    return to_space(shape, block, crops, dtype)


@QUICK
@given(cases())
def test_it_computes_what_the_oracle_does(case: Case) -> None:
    assert_moves(*case)


@pytest.mark.exhaustive
@THOROUGH
@given(cases())
def test_it_computes_what_the_oracle_does_for_many_more(case: Case) -> None:
    assert_moves(*case)


TRAPS = {
    "image": to_batch((1, 4, 6, 2), (2, 3), [(0, 0), (0, 0)]),
    "padded": to_batch((1, 5, 7, 2), (2, 2), [(2, 3), (1, 2)], -128),
    "row": to_batch((2, 7, 3), (3,), [(1, 1)], 127),
    "back": to_space((1, 3, 4, 2), (2, 2), [(1, 0), (0, 3)]),
    "back_row": to_space((2, 3, 3), (3,), [(2, 1)]),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("oracle", ["litert", "tflite-micro"])
def test_the_generated_c_computes_what_the_oracle_does(oracle: str, optimize: str) -> None:
    models = {name: data for name, (data, kind) in TRAPS.items() if kind == oracle}
    assert_models_exact(models, optimize=optimize, kind=oracle)


SHAPES = {"SPACE_TO_BATCH_ND": ((1, 4, 6, 2), (4, 2, 3, 2)), "BATCH_TO_SPACE_ND": ((4, 2, 3, 2), (1, 4, 6, 2))}


def small(op: str, inputs: Sequence[int] = (0, 2, 3), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """Blocks [2,2]; accepted, but for what is changed."""
    before, after = SHAPES[op]
    margins = numbers([[0, 0], [0, 0]])
    tensors = {"input": q(*before), "output": q(*after), "block": numbers([2, 2]), "margins": margins, **changed}
    return model([*tensors.values()], [Op(op, inputs, [1])], given, [1])


def broken(op: str, what: str) -> dict[str, list[bytes]]:
    before, after = SHAPES[op]
    return {
        "It has 3 inputs and 1 outputs.": [small(op, (0, 2)), small(op, (0, 2, 3, 3))],
        "The input has 3 or 4 dimensions.": [small(op, input=q(*before[:2])), small(op, input=q(1, *before))],
        MOVED: [small(op, output=q(*after, zero=4)), small(op, output=q(*after, scale=0.25))],
        "The block shape is a constant of int32 or int64, a number of at least 1 for each spatial axis.": [
            small(op, block=numbers([2])),
            small(op, block=numbers([2, 0])),
            small(op, block=constant([2, 2], 0.5)),
            small(op, given=(0, 2), block=T((2,), None, 0, "int32")),
        ],
        f"The {what} are constants of int32 or int64, two numbers of at least 0 for each spatial axis.": [
            small(op, margins=numbers([[0, 0]])),
            small(op, margins=numbers([[0, 0], [-2, 0]])),
            small(op, margins=constant([[0, 0], [0, 0]], 0.5)),
            small(op, given=(0, 3), margins=T((2, 2), None, 0, "int32")),
        ],
        f"The output shape follows from input, block shape and {what}.": [small(op, output=q(*before))],
    }


BROKEN = {
    "SPACE_TO_BATCH_ND": {
        **broken("SPACE_TO_BATCH_ND", "paddings"),
        "Each spatial axis with its padding is a whole number of blocks.": [
            small("SPACE_TO_BATCH_ND", margins=numbers([[0, 1], [0, 0]])),
            small("SPACE_TO_BATCH_ND", block=numbers([3, 2])),
        ],
    },
    "BATCH_TO_SPACE_ND": {
        **broken("BATCH_TO_SPACE_ND", "crops"),
        "The input has an image for each place in a block, or whole numbers of them.": [
            small("BATCH_TO_SPACE_ND", block=numbers([3, 2])),
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
