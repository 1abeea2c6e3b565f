# SPDX-License-Identifier: Apache-2.0
"""TABLE, which passes make: the kernel looks up each of the 256 values; and every rule of its own, broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import host_c
import numpy as np

from tinyq_deploy.graph import Graph, Node, NodeView, Quantization, Tensor
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import sentence
from tinyq_deploy.ops.table import Table

EVERY = np.arange(-128, 128, dtype=np.int8)


def view(entries: Any, dtype: str = "int8", shape: tuple[int, ...] = (2, 128)) -> NodeView:
    """A TABLE of [2,128] that gives `shape`; no file can hold one."""
    data = np.asarray(entries, dtype)
    tensors = (
        Tensor(0, "input", (2, 128), "int8", Quantization((0.5,), (3,))),
        Tensor(1, "table", data.shape, dtype, None, data),
        Tensor(2, "output", shape, "int8", Quantization((0.1,), (-7,))),
    )
    node = Node(0, "TABLE", 1, (0, 1), (2,))
    return NodeView(Graph("test", "0" * 64, tensors, (node,), (0,), (2,)), node)


def broken(made: NodeView) -> str:
    """The first rule that `made` breaks, empty where it keeps all."""
    return next((sentence(rule) for rule in Table.rules if rule(made) is not None), "")


def test_each_value_gives_its_entry() -> None:
    entries = np.random.default_rng(1).permutation(EVERY)
    made = view(entries)
    assert broken(made) == ""
    assert (Table.values(made, EVERY.astype(np.int64)) == entries).all()
    (call,) = (
        c for k in KERNELS if k.op == "TABLE" and (c := k.call(made, host_c.TARGET)) and c.kernel_set == "portable"
    )
    for place in (None, 0):
        assert host_c.kernels().run(call, {0: EVERY}, {2: 256}, over=place) == entries.tobytes()


def test_its_rules_are_told() -> None:
    whole = "The table is a constant of 256 int8."
    assert broken(view(EVERY[:255])) == whole
    assert broken(view(EVERY, "int16")) == whole
    tensors = (*view(EVERY).graph.tensors[:2], replace(view(EVERY).graph.tensors[2], dtype="float32"))
    wide = replace(view(EVERY), graph=replace(view(EVERY).graph, tensors=tensors))
    assert broken(wide) == "Input and output are int8, uint8 or bool."
    assert broken(view(EVERY, shape=(256,))) == "Input and output have the same shape."
    made = view(EVERY)
    lone = replace(made, node=replace(made.node, inputs=(0,)))
    assert broken(lone) == "It has 2 inputs and 1 outputs."


def test_it_is_not_listed_for_users() -> None:
    assert [name for name, operator in OPERATORS.items() if not operator.builtin] == ["TABLE"]
