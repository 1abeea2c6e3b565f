# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX and ARG_MIN against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from broken import assert_complete, assert_refused
from cases import QUICK, THOROUGH, int8, seeds
from exact import assert_kernel_exact, assert_models_exact, reference
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.fold import fold
from tinyq_deploy.read import read

OPS = ("ARG_MAX", "ARG_MIN")


@dataclass(frozen=True)
class Arg:
    op: str = "ARG_MAX"
    shape: tuple[int, ...] = (1, 3, 5, 4)
    axis: int = 3
    counts: str = "int32"
    numbers: str = "int32"
    seed: int = 0

    @property
    def kind(self) -> str:
        """The oracle that has it."""
        return "litert" if "int64" in (self.counts, self.numbers) else "tflite-micro"


def arg(case: Arg, known: bool = False) -> bytes:
    """One node; its input is a constant, and the model has another input, where it is `known`."""
    data = int8(np.random.default_rng(case.seed), case.shape) if known else None
    gone = case.axis % len(case.shape)
    tensors = [
        T(case.shape, 0.5, 3, data=data), T((*case.shape[:gone], *case.shape[gone + 1 :]), dtype=case.counts),
        constant(case.axis, dtype=case.numbers),
    ]  # fmt: skip
    types = {"int32": 2, "int64": 4}
    return model(tensors, [Op(case.op, [0, 2], [1], {"output_type": types[case.counts]}, 2)], [0], [1])


@st.composite
def args(draw: st.DrawFn) -> Arg:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=5)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    counts, numbers = draw(
        st.sampled_from((("int32", "int32"), ("int32", "int32"), ("int64", "int32"), ("int64", "int64")))
    )
    return Arg(draw(st.sampled_from(OPS)), shape, axis, counts, numbers, draw(seeds))


def assert_exact(case: Arg) -> None:
    """Random elements, few different ones with many equals, and all equal."""
    rng = np.random.default_rng(case.seed)
    few = [rng.integers(low, low + 3, case.shape).astype(np.int8) for low in (-128, -1, 125)]
    assert_kernel_exact(
        arg(case), [[v] for v in (int8(rng, case.shape), *few, np.zeros(case.shape, np.int8))], case.kind
    )


@QUICK
@given(args())
def test_it_computes_what_the_oracle_does(case: Arg) -> None:
    assert_exact(case)


@pytest.mark.exhaustive
@THOROUGH
@given(args())
def test_it_computes_what_the_oracle_does_for_many_more(case: Arg) -> None:
    assert_exact(case)


@QUICK
@given(args())
def test_the_position_in_a_constant_is_the_oracles(case: Arg) -> None:
    folded, nodes = fold(read(arg(case, known=True), "x"), lambda graph, node: True)
    (expected,) = reference(arg(case), case.kind).run([int8(np.random.default_rng(case.seed), case.shape)])
    assert [node.op for node in (*folded.shape_nodes, *nodes)] == [case.op]
    assert np.asarray(folded.tensors[1].data).tobytes() == expected


BASE = Arg()
TRAPS = {
    "classes": replace(BASE, shape=(1, 10), axis=-1),
    "vector": replace(BASE, shape=(7,), axis=0),
    "pixels": BASE,
    "rows": replace(BASE, axis=1),
    "one": replace(BASE, shape=(1, 1), axis=1),
    "rank_6": replace(BASE, shape=(2, 1, 3, 2, 2, 3), axis=2),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("counts", ["int32", "int64"])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str, counts: str) -> None:
    cases = {f"{op.lower()}_{name}": replace(c, op=op, counts=counts) for op in OPS for name, c in TRAPS.items()}
    kind = replace(BASE, counts=counts).kind
    assert_models_exact({name: arg(case) for name, case in cases.items()}, optimize=optimize, kind=kind)


def small(op: str, inputs: tuple[int, ...] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """[2,3,4] over its middle axis; accepted, but for what is changed."""
    tensors = {"input": T((2, 3, 4), 0.5, 3), "output": T((2, 4), dtype="int32"), "axis": constant(1, dtype="int32")}
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [1], {"output_type": 2})], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 2, 2))],
        "The input is int8, quantised as a whole, zero point in -128..127; the output is int32 or int64.": [
            small(op, input=T((2, 3, 4), 0.5, 128)),
            small(op, output=T((2, 4), 0.5)),
        ],
        "The axis is a constant of int32 or int64.": [
            small(op, given=(0, 2), axis=T((1,), 0.5, 3)),
            small(op, axis=constant([1], 0.5)),
        ],
        "The axis is one of the input's.": [
            small(op, axis=constant(3, dtype="int32")),
            small(op, axis=constant(-4, dtype="int32")),
            small(op, axis=constant([0, 1], dtype="int32")),
        ],
        "The output shape follows from the input without the axis.": [small(op, output=T((2, 1, 4), dtype="int32"))],
    }


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op))
    assert_complete(op, broken(op))


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in OPS for rule in broken(op)])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, broken(op)[rule])
