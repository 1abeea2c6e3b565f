# SPDX-License-Identifier: Apache-2.0
"""A model cut into runs of operators, each a model of its own, for an oracle made of two interpreters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from tinyq_deploy.flatbuffer import constant, graph_of, op_name, parse, serialise


@dataclass(frozen=True)
class Segment:
    """Consecutive operators as a .tflite. `inputs` and `outputs` are tensor indices, the same as in the whole model;
    `made` what its operators compute, `operators` their names."""

    model: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    made: tuple[int, ...]
    operators: tuple[str, ...]
    foreign: bool


def segments(model: bytes, foreign: Collection[int]) -> list[Segment]:
    """The model in execution order, cut wherever a node is in `foreign` and its neighbour is not."""
    count = len(graph_of(parse(model, "the model")).operators)
    return [segment(model, list(run), own) for own, run in groupby(range(count), key=lambda n: n in foreign)]


def segment(model: bytes, nodes: list[int], foreign: bool = False) -> Segment:
    """The operators `nodes`, consecutive numbers, as a model of their own: it reads what they read and do not compute,
    and gives what others or the caller read of theirs."""
    tree = parse(model, "the model")
    graph = graph_of(tree)
    inside = [graph.operators[number] for number in nodes]
    made = [int(index) for node in inside for index in node.outputs]
    read = [int(index) for node in inside for index in node.inputs if index >= 0]
    later = {int(index) for node in graph.operators[nodes[-1] + 1 :] for index in node.inputs}
    wanted = later | set(map(int, graph.outputs))
    graph.inputs = [i for i in dict.fromkeys(read) if i not in made and constant(tree, graph.tensors[i]) is None]
    graph.outputs = [index for index in made if index in wanted] or made[:1]
    graph.operators, tree.signatureDefs = inside, None
    names = tuple(dict.fromkeys(op_name(tree, node) for node in inside))
    return Segment(serialise(tree), tuple(graph.inputs), tuple(graph.outputs), tuple(made), names, foreign)
