# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2 against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from collections.abc import Sequence

import host_c
import numpy as np
import pytest
from broken import MOVED, assert_complete, assert_refused
from cases import QUICK, THOROUGH, zero_points
from exact import assert_kernel_exact, assert_models_exact
from host_c import planned
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.portable.movement import PortableCopy
from tinyq_deploy.ops import movement
from tinyq_deploy.ops.pad import PadV2
from tinyq_deploy.read import read

Margins = Sequence[tuple[int, int]]


def pad(shape: Sequence[int], margins: Margins, zero: int = 3, value: int | None = None) -> bytes:
    output = tuple(before + n + after for n, (before, after) in zip(shape, margins, strict=True))
    tensors = [T(tuple(shape), 0.5, zero), T(output, 0.5, zero), constant(margins, dtype="int32")]
    if value is None:
        return model(tensors, [Op("PAD", [0, 2], [1])], [0], [1])
    tensors.append(constant([value], 0.5, zero_point=zero))
    return model(tensors, [Op("PADV2", [0, 2, 3], [1], version=2)], [0], [1])


@st.composite
def pads(draw: st.DrawFn) -> bytes:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    margins = [draw(st.tuples(st.integers(0, 3), st.integers(0, 3))) for _ in shape]
    return pad(shape, margins, draw(zero_points), draw(st.none() | st.integers(-128, 127)))


def has_code(data: bytes) -> bool:
    return planned(data).code_layers() != ()


@QUICK
@given(pads().filter(has_code))
def test_it_computes_what_the_oracle_does(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(pads().filter(has_code))
def test_it_computes_what_the_oracle_does_for_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


TRAPS = {
    "nothing": pad((1, 2, 3, 2), [(0, 0)] * 4),
    "image": pad((1, 5, 4, 3), [(0, 0), (1, 2), (2, 1), (0, 0)], -128),
    "channels": pad((1, 3, 3, 2), [(0, 0), (0, 0), (0, 0), (1, 3)], 127),
    "batch": pad((2, 3), [(1, 0), (0, 0)]),
    "lowest": pad((1, 3, 3, 2), [(0, 0), (1, 1), (1, 1), (0, 0)], 0, -128),
    "highest": pad((3,), [(2, 5)], 0, 127),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(TRAPS, optimize=optimize)


def test_no_padding_is_a_view() -> None:
    assert planned(TRAPS["nothing"]).code_layers() == ()


@pytest.mark.parametrize(("dtype", "value"), [("int16", -300), ("int32", 1 << 20), ("float32", -0.75), ("bool", True)])
def test_a_value_of_any_type_is_around(dtype: str, value: float) -> None:
    margins = [(1, 2)] * 8
    around = constant([value], 0.5, dtype=dtype)
    tensors = [T((2,) * 8, 0.5, 0, dtype), T((5,) * 8, 0.5, 0, dtype), constant(margins, dtype="int32"), around]
    graph = read(model(tensors, [Op("PADV2", [0, 2, 3], [1])], [0], [1]), "x")
    view = NodeView(graph, graph.nodes[0])
    assert PadV2.broken(view) is None
    values = np.random.default_rng(3).integers(0, 2, (2,) * 8).astype(dtype)
    expected = np.pad(values, margins, constant_values=value).tobytes()
    assert movement.moved(PadV2.copy(view), values, view.output()).tobytes() == expected
    call = PortableCopy(PadV2).call(view, host_c.TARGET)
    assert host_c.kernels().run(call, {0: values}, {1: view.output().bytes}) == expected


def small(op: str, inputs: Sequence[int] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """A [2,3] in a [3,5] that is accepted, but for what is changed."""
    margins = constant([[0, 1], [1, 1]], dtype="int32")
    tensors = {
        "input": T((2, 3), 0.5, 3), "output": T((3, 5), 0.5, 3), "margins": margins,
        "value": constant([7], 0.5, zero_point=3),
    }  # fmt: skip
    return model([*{**tensors, **changed}.values()], [Op(op, inputs, [1])], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    return {
        "It has 2 to 3 inputs and 1 outputs.": [small(op, (0,)), small(op, (0, 2, 3, 3))],
        MOVED: [
            small(op, input=T((2, 3), 0.5, 128)),
            small(op, output=T((3, 5), 0.5, -129)),
            small(op, output=T((3, 5), 0.25, 3)),
            small(op, output=T((3, 5), 0.5, 4)),
        ],
        "The paddings are constants of int32 or int64, two numbers of at least 0 for each axis.": [
            small(op, given=(0, 2), margins=T((2, 2), 0.5, 3)),
            small(op, margins=constant([[0, 1], [1, 1]], 0.5)),
            small(op, margins=constant([[0, 1]], dtype="int32")),
            small(op, margins=constant([[2, -1], [1, 1]], dtype="int32")),
        ],
        "The output shape follows from input and paddings.": [small(op, output=T((5, 3), 0.5, 3))],
        "The padding value, if given, is one constant with the type, scale and zero point of the output.": [
            small(op, (0, 2, 3), given=(0, 3), value=T((1,), 0.5, 3)),
            small(op, (0, 2, 3), value=constant([7, 7], 0.5, zero_point=3)),
            small(op, (0, 2, 3), value=constant([7], 0.25, zero_point=3)),
            small(op, (0, 2, 3), value=constant([7], 0.5, zero_point=4)),
            small(op, (0, 2, 3), value=constant([7], dtype="int32")),
        ],
    }


BROKEN = {op: broken(op) for op in ("PAD", "PADV2")}


@pytest.mark.parametrize("op", BROKEN)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op, (0, 2) if op == "PAD" else (0, 2, 3)))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in BROKEN for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
