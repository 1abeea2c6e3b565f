# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest
from broken import INPUT, assert_complete, assert_refused
from cases import QUICK, THOROUGH, int8, seeds, zero_points
from exact import assert_kernel_exact, assert_models_exact, reference
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.board import Core
from tinyq_deploy.fold import fold
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.read import read

OPS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
EXTREMES = ("REDUCE_MAX", "REDUCE_MIN")


@dataclass(frozen=True)
class Reduce:
    op: str = "MEAN"
    shape: tuple[int, ...] = (1, 5, 3, 4)
    axes: tuple[int, ...] = (1, 2)
    keep_dims: bool = False
    ratio: float = 1.7
    zeros: tuple[int, int] = (-3, 5)
    seed: int = 0

    def output(self) -> tuple[int, ...]:
        values = np.empty(self.shape, np.int8)
        return np.sum(values, axis=tuple({a % len(self.shape) for a in self.axes}), keepdims=self.keep_dims).shape


def reduce(case: Reduce, known: bool = False) -> bytes:
    """One node; its input is a constant, and the model has another input, where it is `known`."""
    same = case.op in EXTREMES
    scale = 0.5 if same else float(np.float32(0.5 / case.ratio))
    source = T(case.shape, 0.5, case.zeros[0])
    if known:
        source = replace(source, data=int8(np.random.default_rng(case.seed), case.shape))
    tensors = [
        source, T(case.output(), scale, case.zeros[0] if same else case.zeros[1]), constant(case.axes, dtype="int32"),
    ]  # fmt: skip
    return model(tensors, [Op(case.op, [0, 2], [1], {"keep_dims": case.keep_dims}, 2)], [0], [1])


@st.composite
def reduces(draw: st.DrawFn) -> Reduce:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    axes = tuple(draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=4)))
    ratio = draw(st.sampled_from((1e-6, 0.003, 0.1, 0.5, 1.0, 1.7, 2.0, 130.0, 1e6)))
    zeros = (draw(zero_points), draw(zero_points))
    return Reduce(draw(st.sampled_from(OPS)), shape, axes, draw(st.booleans()), ratio, zeros, draw(seeds))


@QUICK
@given(reduces())
def test_it_computes_what_the_oracle_does(case: Reduce) -> None:
    assert_kernel_exact(reduce(case))


@pytest.mark.exhaustive
@THOROUGH
@given(reduces())
def test_it_computes_what_the_oracle_does_for_many_more(case: Reduce) -> None:
    assert_kernel_exact(reduce(case))


@QUICK
@given(reduces())
def test_a_constant_is_reduced_as_the_oracle_does(case: Reduce) -> None:
    folded, nodes = fold(read(reduce(case, known=True), "x"), lambda graph, node: True)
    assert [node.op for node in nodes] == [case.op]
    values = int8(np.random.default_rng(case.seed), case.shape)
    (expected,) = reference(reduce(case)).run([values])
    assert np.asarray(folded.tensors[1].data).tobytes() == expected


BASE = Reduce()
TRAPS = {
    "image": BASE,
    "kept": replace(BASE, keep_dims=True),
    "channels": replace(BASE, axes=(3,)),
    "rows_and_channels": replace(BASE, axes=(1, 3)),
    "negative_and_twice": replace(BASE, axes=(-3, 1, 2)),
    "everything": replace(BASE, axes=(0, 1, 2, 3)),
    "large": replace(BASE, shape=(1, 42, 42, 3), zeros=(127, -128)),
    "low_zero": replace(BASE, zeros=(-128, -128), ratio=0.9),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    models = {
        f"{op.lower()}_{name}": reduce(replace(case, op=op)) for op in OPS for name, case in TRAPS.items()
    }  # fmt: skip
    assert_models_exact(models, optimize=optimize)


APART = [
    Reduce(op, shape, axes)
    for op in OPS
    for shape, axes in (((2, 3) * 4, (0, 2, 4, 6)), ((2, 3) * 4, (1, 3, 5, 7)), ((3, 2, 2, 2, 3, 2, 2), (0, 2, 4, 6)))
]


@pytest.mark.parametrize("case", APART)
def test_any_number_of_axes_that_lie_apart_goes(case: Reduce) -> None:
    assert_kernel_exact(reduce(case))


def test_generated_c_reduces_axes_that_lie_apart() -> None:
    assert_models_exact({f"m{number}": reduce(case) for number, case in enumerate(APART[::3])})


@pytest.mark.parametrize("core", get_args(Core))
@pytest.mark.parametrize("op", OPS)
def test_only_kernels_for_many_loops_take_many(op: str, core: Core) -> None:
    graph = read(reduce(Reduce(op, (2, 3) * 4, (0, 2, 4, 6))), "x")
    view = NodeView(graph, graph.nodes[0])
    calls = [kernel.call(view, Target(core)) for kernel in KERNELS if kernel.op == op]
    assert all(call is None or str(call.function).endswith("_many") for call in calls)


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """[2,3,4] over its middle axis; accepted, but for what is changed."""
    tensors = {"input": T((2, 3, 4), 0.5, 3), "output": T((2, 4), 0.5, 3), "axes": constant([1], dtype="int32")}
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [1], {})], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    rules = {
        "It has 2 inputs and 1 outputs.": [small(op, (0,))],
        INPUT: [small(op, input=T((2, 3, 4), 0.5, 128)), small(op, output=T((2, 4), 0.5, -129))],
        "The axes is a constant of int32 or int64.": [
            small(op, given=(0, 2), axes=T((1,), 0.5, 3)),
            small(op, axes=constant([1], 0.5)),
        ],
        "The axes are the input's.": [small(op, axes=constant([value], dtype="int32")) for value in (3, -4)],
        "The output shape follows from input, axes and keep_dims.": [small(op, output=T((2, 1, 4), 0.5, 3))],
    }
    if op in EXTREMES:
        different = [small(op, output=T((2, 4), 0.25, 3)), small(op, output=T((2, 4), 0.5, 4))]
        return {**rules, "Input and output have the same scale and zero point.": different}
    return {
        **rules,
        "The requantisation factor, input scale / output scale, is below 2^30.": [small(op, output=T((2, 4), 1e-10))],
        "The sum of an output's elements fits int32.": [
            small(op, input=T((1, 1 << 24, 1), 0.5, 3), output=T((1, 1), 0.5, 3))
        ],
    }


BROKEN = {op: broken(op) for op in OPS}


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in OPS for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
