# SPDX-License-Identifier: Apache-2.0
"""GATHER and GATHER_ND against the oracle, byte for byte, by indices that are constants and that are computed; and
every rule, broken. tflite-micro takes int32 indices alone: others are compared with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import host_c
import numpy as np
import numpy.typing as npt
import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH, seeds
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model
from shape_cases import assert_moves, q

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.portable.pick import PortableGather
from tinyq_deploy.lower import lower
from tinyq_deploy.ops.gather import Gather, GatherNd
from tinyq_deploy.read import read

Shape = Sequence[int]
Array = npt.NDArray[Any]


def gather(op: str, shape: Shape, indices: Array, output: Shape, known: bool, dtype: str = "int8",
           options: dict[str, Any] | None = None) -> bytes:  # fmt: skip
    """The node; `known` makes the indices a constant."""
    scale = 0.5 if dtype == "int8" else None
    places = constant(indices, dtype=str(indices.dtype)) if known else T(indices.shape, None, 0, str(indices.dtype))
    tensors = [T(tuple(shape), scale, 3, dtype), T(tuple(output), scale, 3, dtype), places]
    return model(tensors, [Op(op, [0, 2], [1], options or {})], [0] if known else [0, 2], [1])


Case = tuple[bytes, Shape, Array, str]


@st.composite
def gathers(draw: st.DrawFn, known: bool) -> Case:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    batch = draw(st.sampled_from((0, 0, axis)) | st.integers(0, axis))
    rest = draw(st.lists(st.integers(1, 4), min_size=0, max_size=2))
    rng = np.random.default_rng(draw(seeds))
    indices = rng.integers(0, shape[axis], (*shape[:batch], *rest)).astype(np.int32)
    output = [*shape[:axis], *rest, *shape[axis + 1 :]]
    options = {"axis": axis - draw(st.sampled_from((0, len(shape)))), "batch_dims": batch}
    dtype = draw(st.sampled_from(("int8", "int8", "float32")))
    return gather("GATHER", shape, indices, output, known, dtype, options), shape, indices, dtype


@st.composite
def gathers_nd(draw: st.DrawFn, known: bool) -> Case:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    depth = draw(st.integers(1, len(shape)))
    rows = draw(st.lists(st.integers(1, 4), min_size=0, max_size=2))
    rng = np.random.default_rng(draw(seeds))
    indices = rng.integers(0, shape[:depth], (*rows, depth)).astype(np.int32)
    dtype = draw(st.sampled_from(("int8", "int8", "float32")))
    return gather("GATHER_ND", shape, indices, [*rows, *shape[depth:]], known, dtype), shape, indices, dtype


def assert_known(case: Case) -> None:
    assert_moves(case[0])


def assert_computed(case: Case) -> None:
    data, shape, indices, dtype = case
    values = np.random.default_rng(5).integers(-128, 128, shape).astype(dtype)
    assert_kernel_exact(data, [[values, indices]])


@QUICK
@given(gathers(known=True) | gathers_nd(known=True))
def test_constant_indices_give_what_the_oracle_computes(case: Case) -> None:
    assert_known(case)


@QUICK
@given(gathers(known=False) | gathers_nd(known=False))
def test_computed_indices_give_what_the_oracle_computes(case: Case) -> None:
    assert_computed(case)


@pytest.mark.exhaustive
@THOROUGH
@given(gathers(known=True) | gathers_nd(known=True))
def test_constant_indices_give_what_the_oracle_computes_for_many_more(case: Case) -> None:
    assert_known(case)


@pytest.mark.exhaustive
@THOROUGH
@given(gathers(known=False) | gathers_nd(known=False))
def test_computed_indices_give_what_the_oracle_computes_for_many_more(case: Case) -> None:
    assert_computed(case)


ROWS = np.array([[2, 0, 0], [1, 2, 1]], np.int32)
TRAPS = {
    "channels": gather("GATHER", (1, 2, 3), ROWS, (1, 2, 2, 3), True, options={"axis": 2}),
    "batches": gather("GATHER", (2, 4, 3, 5), ROWS, (2, 4, 3, 5), True, options={"axis": 2, "batch_dims": 1}),
    "number": gather("GATHER", (3, 4), np.array(2, np.int32), (4,), True),
    "pixels": gather("GATHER_ND", (3, 3, 2, 5), ROWS[:, :2], (2, 2, 5), True),
    "elements": gather("GATHER_ND", (3, 3, 2), ROWS, (2,), True),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


def looked_up(dtype: str = "int32") -> bytes:
    """A table of [7,5] and six computed indices."""
    rng = np.random.default_rng(1)
    table = constant(rng.integers(-128, 128, (7, 5)), 0.5, zero_point=3)
    return model([table, T((6,), None, 0, dtype), q(6, 5)], [Op("GATHER", [0, 1], [2])], [1], [2])


def test_a_table_in_flash_is_read_by_computed_indices() -> None:
    assert_kernel_exact(looked_up(), [[np.array([6, 0, 3, 3, 1, 5], np.int32)]])


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_indices_of_any_type_find_the_nearest_slice(dtype: str) -> None:
    """Where the oracle reads outside the input, the first or last slice stands for what is not there."""
    graph = read(looked_up(dtype), "x")
    ((call, *_),) = (item.candidates for item in lower(graph, host_c.TARGET, "portable"))
    indices = np.array([6, -1, np.iinfo(dtype).min, np.iinfo(dtype).max, 7, 2], dtype)
    table = graph.tensors[0].data
    assert table is not None
    expected = table[[6, 0, 0, 6, 6, 2]].tobytes()
    assert host_c.kernels().run(call, {1: indices}, {2: 30}) == expected


def test_rows_of_indices_outside_stay_inside() -> None:
    data = gather("GATHER_ND", (2, 3, 4), np.zeros((3, 2), np.int32), (3, 4), False)
    graph = read(data, "x")
    view = NodeView(graph, graph.nodes[0])
    call = PortableGather(GatherNd).call(view, host_c.TARGET)
    assert call is not None
    values = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    top = (1 << 31) - 1
    indices = np.array([[top, top], [-top, -top], [1, 1]], np.int32)
    found = host_c.kernels().run(call, {0: values, 2: indices}, {1: 12})
    assert found == np.stack([values[1, 2], values[0, 0], values[1, 1]]).tobytes()


def test_the_first_entries_are_a_view() -> None:
    assert planned(gather("GATHER", (3, 4), np.arange(3, dtype=np.int32), (3, 4), True)).code_layers() == ()
    graph = read(gather("GATHER", (8, 4), np.arange(1, 8, 2, dtype=np.int32), (4, 4), True), "x")
    call = PortableGather(Gather).call(NodeView(graph, graph.nodes[0]), host_c.TARGET)
    assert call is not None
    assert call.function == "tinyq_portable_copy"


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,),
          options: dict[str, Any] | None = None, **changed: T) -> bytes:  # fmt: skip
    """Two slices [3] of [4,3]; accepted, but for what is changed."""
    places = constant([3, 1] if op == "GATHER" else [[3], [1]], dtype="int32")
    tensors = {"input": q(4, 3), "output": q(2, 3), "places": places, **changed}
    return model([*tensors.values()], [Op(op, inputs, [1], options or {})], given, [1])


def broken(op: str, shape: str) -> dict[str, list[bytes]]:
    places = (2,) if op == "GATHER" else (2, 1)
    return {
        "It has 2 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 2, 2))],
        MOVED: [small(op, output=q(2, 3, zero=4)), small(op, output=q(2, 3, scale=0.25))],
        "The indices are int32, int16 or int8, or constants of int64.": [
            small(op, places=constant(np.zeros(places), dtype="float32")),
            small(op, places=constant(np.zeros(places), dtype="uint8")),
        ],
        shape: [small(op, output=q(3, 2))],
    }


def numbers(values: npt.ArrayLike) -> T:
    return constant(values, dtype="int64")


BROKEN = {
    "GATHER": {
        **broken("GATHER", "The output shape follows from input, indices, axis and batch_dims."),
        "The axis is the input's; batch_dims axes before it are equal in input and indices.": [
            small("GATHER", options={"axis": 2}),
            small("GATHER", options={"axis": -3}),
            small("GATHER", options={"axis": 0, "batch_dims": 1}),
            small("GATHER", options={"axis": 1, "batch_dims": 1}),
            small("GATHER", options={"axis": 1, "batch_dims": 2}),
            small("GATHER", options={"axis": 1, "batch_dims": -2}),
        ],
        "Constant indices are at least 0 and below the extent of the axis.": [
            small("GATHER", places=numbers([0, 4])),
            small("GATHER", places=numbers([-1, 3])),
            small("GATHER", places=numbers([1 << 40, 3])),
        ],
    },
    "GATHER_ND": {
        **broken("GATHER_ND", "The output shape follows from input and indices."),
        "The indices' last axis has at most one entry for each axis of the input.": [
            small("GATHER_ND", places=numbers([[0, 0, 0]])),
            small("GATHER_ND", places=numbers(1)),
        ],
        "Constant indices are at least 0 and below the extents of the axes that they name.": [
            small("GATHER_ND", places=numbers([[0], [4]])),
            small("GATHER_ND", places=numbers([[-1], [3]])),
            small("GATHER_ND", places=numbers([[3, 3], [0, 0]]), output=q(2)),
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
