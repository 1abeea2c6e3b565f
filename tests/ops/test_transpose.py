# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

import itertools

import host_c
import numpy as np
import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.portable.movement import PortableCopy
from tinyq_deploy.ops import movement
from tinyq_deploy.ops.transpose import Transpose
from tinyq_deploy.read import read

Shape = tuple[int, ...]


def transpose(shape: Shape, order: Shape, dtype: str = "int8") -> bytes:
    output = tuple(shape[axis] for axis in order)
    tensors = [T(shape, 0.5, 3, dtype), T(output, 0.5, 3, dtype), constant(order, dtype="int32")]
    return model(tensors, [Op("TRANSPOSE", [0, 2], [1])], [0], [1])


shapes = st.lists(st.sampled_from((1, 2, 3, 5, 8)), min_size=1, max_size=5).map(tuple)
cases = shapes.flatmap(lambda shape: st.tuples(st.just(shape), st.permutations(range(len(shape))).map(tuple)))
moving = cases.filter(lambda case: planned(transpose(*case)).code_layers() != ())


@QUICK
@given(moving)
def test_it_computes_what_the_oracle_does(case: tuple[Shape, Shape]) -> None:
    assert_kernel_exact(transpose(*case))


@pytest.mark.exhaustive
@THOROUGH
@given(moving)
def test_it_computes_what_the_oracle_does_for_many_more(case: tuple[Shape, Shape]) -> None:
    assert_kernel_exact(transpose(*case))


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    orders = itertools.permutations(range(4))
    models = {f"order_{''.join(map(str, order))}": transpose((1, 3, 2, 5), order) for order in orders}
    assert_models_exact(models, optimize=optimize)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (3, 1, 0, 2)])
def test_an_order_that_moves_nothing_is_a_view(order: Shape) -> None:
    assert planned(transpose((1, 1, 7, 1), order)).code_layers() == ()


EIGHT, ORDER = (2, 3, 2, 3, 2, 3, 2, 3), (7, 6, 5, 4, 3, 2, 1, 0)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32", "bool"])
@pytest.mark.parametrize(("shape", "order"), [(EIGHT, ORDER), ((2, 3, 4), (1, 0, 2)), ((5, 3, 1), (1, 0, 2))])
def test_elements_of_any_type_move_as_numpy_moves_them(dtype: str, shape: Shape, order: Shape) -> None:
    """The oracle takes five axes and int8."""
    graph = read(transpose(shape, order, dtype), "x")
    view = NodeView(graph, graph.nodes[0])
    assert Transpose.broken(view) is None
    values = np.random.default_rng(3).integers(0, 256, graph.tensors[0].bytes).astype(np.uint8).view(dtype)
    expected = np.ascontiguousarray(values.reshape(shape).transpose(order)).tobytes()
    assert movement.moved(Transpose.copy(view), values, view.output()).tobytes() == expected
    call = PortableCopy(Transpose).call(view, host_c.TARGET)
    assert host_c.kernels().run(call, {0: values}, {1: view.output().bytes}) == expected


def small(inputs: Shape = (0, 2), *, given: Shape = (0,), **changed: T) -> bytes:
    """A transpose that is accepted, but for what is changed."""
    tensors = {"input": T((2, 3), 0.5, 3), "output": T((3, 2), 0.5, 3), "order": constant([1, 0], dtype="int32")}
    return model([*{**tensors, **changed}.values()], [Op("TRANSPOSE", inputs, [1])], given, [1])


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 2, 2))],
    "The permutation is a constant of int32 or int64, one number for each axis.": [
        small(given=(0, 2), order=T((2,), 0.5)),
        small(order=constant([1, 0], 0.5)),
        small(order=constant([1, 0, 2], dtype="int32")),
    ],
    MOVED: [
        small(input=T((2, 3), 0.5, 200)),
        small(output=T((3, 2), 0.25, 3)),
        small(output=T((3, 2), 0.5, 4)),
    ],
    "The permutation names each axis once.": [
        small(order=constant([1, 1], dtype="int32")),
        small(order=constant([0, 2], dtype="int32")),
        small(order=constant([0, -3], dtype="int32")),
    ],
    "The output shape follows from input and permutation.": [small(output=T((2, 3), 0.5, 3))],
}


def test_every_rule_is_broken_here() -> None:
    assert_kernel_exact(small())
    assert_complete("TRANSPOSE", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("TRANSPOSE", rule, BROKEN[rule])
