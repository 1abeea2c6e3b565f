# SPDX-License-Identifier: Apache-2.0
"""Transposes that follow each other are one, and what moves nothing is gone."""

from __future__ import annotations

import pytest
from exact import reference
from execute import Program, inputs_of
from models import Op, T, constant, model

from tinyq_deploy.optimize import optimize
from tinyq_deploy.passes.transposes import Transposes
from tinyq_deploy.read import read

Order = tuple[int, ...]


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


def chain(shape: tuple[int, ...], *orders: Order, outputs: list[int] | None = None) -> bytes:
    """One transpose after the other, then a sum with itself."""
    tensors, ops = [q(*shape)], []
    for order in orders:
        shape = tuple(shape[axis] for axis in order)
        tensors += [constant(order, dtype="int32"), q(*shape)]
        ops.append(Op("TRANSPOSE", [len(tensors) - 3, len(tensors) - 2], [len(tensors) - 1]))
    last = len(tensors) - 1
    tensors.append(T(shape, 1.1, 0))
    return model(tensors, [*ops, Op("ADD", [last, last], [last + 1])], [0], outputs or [last + 1])


def parts(*ops: Op, output: T) -> bytes:
    numbers = [constant(values, dtype="int32") for values in ([0, 0, 0], [2, 3, 4], [1, 1, 1], [[0, 0]] * 3)]
    return model([q(2, 3, 4), output, T((2, 3, 4), 1.1, 0), *numbers], [*ops], [0], [2])


LEFT = {
    "there and back": (chain((2, 3, 4), (2, 0, 1), (1, 2, 0)), ["TABLE"]),
    "three that cancel": (chain((2, 3, 4), (1, 2, 0), (1, 2, 0), (1, 2, 0)), ["TABLE"]),
    "two that are one": (chain((2, 3, 4), (1, 0, 2), (0, 2, 1)), ["TRANSPOSE", "TABLE"]),
    "an axis of one element": (chain((4, 1, 3), (1, 0, 2)), ["RESHAPE", "TABLE"]),
    "one alone": (chain((2, 3, 4), (2, 1, 0)), ["TRANSPOSE", "TABLE"]),
    "the first is an output too": (
        chain((2, 3, 4), (2, 0, 1), (1, 2, 0), outputs=[2, 5]),
        ["TRANSPOSE", "TABLE"],
    ),
    "a slice of everything": (
        parts(Op("SLICE", [0, 3, 4], [1]), Op("ADD", [1, 0], [2]), output=q(2, 3, 4)), ["TABLE"],
    ),
    "a stride of one": (
        parts(Op("STRIDED_SLICE", [0, 3, 4, 5], [1], {}), Op("ADD", [1, 0], [2]), output=q(2, 3, 4)), ["TABLE"],
    ),
    "padding of nothing": (
        parts(Op("PAD", [0, 6], [1]), Op("ADD", [1, 0], [2]), output=q(2, 3, 4)), ["TABLE"],
    ),
    "squeezed and expanded": (
        model([q(1, 6), q(6), q(1, 6), T((1, 6), 1.1, 0), constant(0, dtype="int32")],
              [Op("SQUEEZE", [0], [1]), Op("EXPAND_DIMS", [1, 4], [2]), Op("ADD", [2, 0], [3])], [0], [3]), ["TABLE"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_the_passes_leave_as_little_movement_as_possible(name: str) -> None:
    data, left = LEFT[name]
    graph = read(data, "x")
    smaller = optimize(graph).graph
    assert [node.op for node in smaller.nodes] == left
    program, inputs = Program(smaller), inputs_of(graph, 3, 2)
    for row, expected in zip(inputs, reference(data).run_many(inputs), strict=True):
        found = program.run(row)
        assert [found[index].tobytes() for index in graph.outputs] == list(expected)


def test_the_report_names_the_layers() -> None:
    _, report = Transposes().run(read(LEFT["there and back"][0], "x"))
    assert (report.merged, report.still) == ((1,), ((1, "TRANSPOSE"),))
    assert report.line == "transposes: layer 1 with the one before, layer 1 TRANSPOSE moves nothing"
    assert Transposes().run(read(LEFT["one alone"][0], "x"))[1].line == "transposes: none"
