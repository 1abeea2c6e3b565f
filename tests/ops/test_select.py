# SPDX-License-Identifier: Apache-2.0
"""SELECT_V2 and SELECT against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from broken import BROADCAST_5, assert_complete, assert_refused
from cases import QUICK, THOROUGH, int8, seeds, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, model

Shape = tuple[int, ...]
KIND = {"SELECT": "litert", "SELECT_V2": "tflite-micro"}


@dataclass(frozen=True)
class Choice:
    """One node; `constants` are the inputs that are one."""

    shapes: tuple[Shape, Shape, Shape] = ((1, 3, 5, 4), (1, 3, 5, 4), (1, 3, 5, 4))
    output: Shape = (1, 3, 5, 4)
    zero: int = 3
    constants: tuple[int, ...] = ()
    seed: int = 0


def select(case: Choice, op: str = "SELECT_V2") -> bytes:
    """The .tflite of one node."""
    rng = np.random.default_rng(case.seed)
    tensors = []
    for position, shape in enumerate(case.shapes):
        data = None
        if position in case.constants:
            data = rng.integers(0, 2, shape).astype(np.bool_) if position == 0 else int8(rng, shape)
        tensors.append(T(shape, dtype="bool", data=data) if position == 0 else T(shape, 0.5, case.zero, data=data))
    given = [position for position in range(3) if position not in case.constants]
    return model([*tensors, T(case.output, 0.5, case.zero)], [Op(op, [0, 1, 2], [3])], given, [3])


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """Shapes of up to 5 dimensions, each walking along each axis or not."""
    output = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=0, max_size=5).map(tuple))
    walks = [draw(st.sampled_from(((1, 1, 1), (1, 0, 0), (0, 1, 1), (0, 0, 1), (1, 1, 0)))) for _ in output]
    shapes = [tuple(n if walk[i] else 1 for n, walk in zip(output, walks, strict=True)) for i in range(3)]
    cut = draw(st.integers(0, len(output)))
    while cut and any(n != 1 for n in shapes[0][:cut]):
        cut -= 1
    constants = draw(st.sampled_from(((), (), (0,), (1,), (0, 2))))
    return Choice((shapes[0][cut:], shapes[1], shapes[2]), output, draw(zero_points), constants, draw(seeds))


@QUICK
@given(choices())
def test_it_computes_what_the_oracle_does(case: Choice) -> None:
    assert_kernel_exact(select(case))


@pytest.mark.exhaustive
@THOROUGH
@given(choices())
def test_it_computes_what_the_oracle_does_for_many_more(case: Choice) -> None:
    assert_kernel_exact(select(case))


FULL = (1, 3, 5, 4)
TRAPS = {
    "same": Choice(),
    "mask": Choice(((1, 3, 5, 1), FULL, FULL)),
    "channels": Choice(((4,), FULL, FULL), constants=(0,)),
    "scalars": Choice((FULL, (), ()), constants=(1, 2)),
    "other_for_all": Choice((FULL, FULL, ()), constants=(2,)),
    "everything_broadcasts": Choice(((1, 3, 1, 1), (5, 1), (1, 1, 1, 4))),
    "known": Choice(constants=(1,)),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: select(case) for name, case in TRAPS.items()}, optimize=optimize)


OLD = {
    "same": Choice(),
    "six": Choice(((1, 2, 1, 3, 1, 2),) * 3, (1, 2, 1, 3, 1, 2)),
    "scalar": Choice(((), FULL, FULL)),
    "vector": Choice(((3,), (3, 5, 4), (3, 5, 4)), (3, 5, 4)),
    "square": Choice(((4,), (4, 4), (4, 4)), (4, 4)),
    "vector_known": Choice(((3,), (3, 3), (3, 3)), (3, 3), constants=(0, 1)),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_select_has_vectors_along_the_first_dimension(optimize: str) -> None:
    models = {name: select(case, "SELECT") for name, case in OLD.items()}
    for data in models.values():
        assert_kernel_exact(data, kind="litert")
    assert_models_exact(models, optimize=optimize, kind="litert")


def small(op: str, inputs: tuple[int, ...] = (0, 1, 2), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed."""
    tensors = {"condition": T((1, 4), dtype="bool"), **{name: T((1, 4), 0.5, 3) for name in ("x", "y", "output")}}
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [3])], [0, 1, 2], [3])


def broken(op: str) -> dict[str, list[bytes]]:
    shapes = (
        BROADCAST_5
        if op == "SELECT_V2"
        else "What it selects from and the output have one shape; the condition has it too, or is a scalar, or a "
        "vector with an entry for each index of the first dimension."
    )
    return {
        "It has 3 inputs and 1 outputs.": [small(op, (0, 1)), small(op, (0, 1, -1))],
        "The condition is bool; what it selects from and the output are int8, quantised as a whole, zero point in "
        "-128..127.": [
            small(op, condition=T((1, 4), 0.5)),
            small(op, x=T((1, 4), dtype="bool")),
            small(op, output=T((1, 4), 0.5, 128)),
        ],
        shapes: [
            small(op, condition=T((3,), dtype="bool")),
            small(op, output=T((2, 4), 0.5, 3)),
            small(op, condition=T((2, 1, 2, 1, 1, 4), dtype="bool"), output=T((2, 1, 2, 1, 1, 4), 0.5, 3)),
        ],
        "What the condition selects from and the output have the same scale and zero point.": [
            small(op, x=T((1, 4), 0.25, 3)),
            small(op, y=T((1, 4), 0.5, 4)),
        ],
    }


@pytest.mark.parametrize("op", KIND)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op), kind=KIND[op])
    assert_complete(op, broken(op))


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in KIND for rule in broken(op)])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, broken(op)[rule])
