# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH, extents
from exact import assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, model
from shape_cases import assert_moves, node, q


def moved(op: str, batch: int, height: int, width: int, channels: int, block: int, dtype: str = "int8") -> bytes:
    """[batch,height,width] of blocks, with so many channels where they are blocks."""
    flat, deep = (batch, height * block, width * block, channels), (batch, height, width, channels * block * block)
    shapes = (flat, deep) if op == "SPACE_TO_DEPTH" else (deep, flat)
    return node(op, *shapes, options={"block_size": block}, dtype=dtype)


cases = st.builds(
    moved, st.sampled_from(("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")), st.sampled_from((1, 1, 2)), extents, extents, extents,
    st.integers(1, 4), st.sampled_from(("int8", "int8", "float32")),
)  # fmt: skip


@QUICK
@given(cases)
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_moves(data)


@pytest.mark.exhaustive
@THOROUGH
@given(cases)
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_moves(data)


def test_the_generated_c_computes_what_the_oracle_does() -> None:
    ops = ("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")
    assert_models_exact({op.lower(): moved(op, 1, 3, 5, 2, 2) for op in ops})


@pytest.mark.parametrize("op", ["SPACE_TO_DEPTH", "DEPTH_TO_SPACE"])
def test_blocks_are_a_copy_without_tables(op: str) -> None:
    (layer,) = planned(moved(op, 1, 3, 5, 2, 2)).code_layers()
    assert layer.call.function == "tinyq_portable_copy"
    assert planned(moved(op, 1, 3, 5, 2, 1)).code_layers() == ()


SHAPES = {"SPACE_TO_DEPTH": ((1, 4, 6, 2), (1, 2, 3, 8)), "DEPTH_TO_SPACE": ((1, 2, 3, 8), (1, 4, 6, 2))}


def small(op: str, inputs: Sequence[int] = (0,), block: int = 2, **changed: T) -> bytes:
    """Accepted, but for what is changed."""
    before, after = SHAPES[op]
    tensors = {"input": q(*before), "output": q(*after), **changed}
    return model([*tensors.values()], [Op(op, inputs, [1], {"block_size": block})], [0], [1])


def broken(op: str, blocks: str) -> dict[str, list[bytes]]:
    before, after = SHAPES[op]
    return {
        "It has 1 inputs and 1 outputs.": [small(op, (0, 0))],
        "The input has 4 dimensions.": [small(op, input=q(*before[1:]))],
        MOVED: [small(op, output=q(*after, zero=4)), small(op, output=q(*after, scale=0.25))],
        blocks: [small(op, block=0), small(op, block=-2), small(op, block=5)],
        "The output shape follows from input and block size.": [small(op, output=q(*before))],
    }


BLOCKS = "Rows and columns of the input are whole numbers of blocks of at least 1."
BROKEN = {
    "SPACE_TO_DEPTH": broken("SPACE_TO_DEPTH", BLOCKS),
    "DEPTH_TO_SPACE": broken("DEPTH_TO_SPACE", "The input's channels are a whole number of blocks of at least 1."),
}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_moves(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
