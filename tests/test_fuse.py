# SPDX-License-Identifier: Apache-2.0
"""Which nodes become one: only where nobody else reads what is between them and no memory is lost."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from tinyq_deploy.fuse import fusions
from tinyq_deploy.graph import Graph, Node, Quantization, Tensor
from tinyq_deploy.kernels.base import Target

M4 = Target("cortex-m4")
WINDOW = MappingProxyType({"padding": "SAME", "stride_h": 1, "stride_w": 1})


def activation(index: int, channels: int = 8) -> Tensor:
    return Tensor(index, f"t{index}", (1, 6, 6, channels), "int8", Quantization((0.05,), (0,)))


def weights(index: int, outputs: int = 8, inputs: int = 8) -> Tensor:
    data = np.ones((outputs, 1, 1, inputs), np.int8)
    return Tensor(index, f"t{index}", data.shape, "int8", Quantization((0.01,) * outputs, (0,) * outputs), data)


def graph(*nodes: Node, outputs: tuple[int, ...], wide: int | None = None) -> Graph:
    """Tensors 0 to 6 are activations [1,6,6,8] (`wide` has 16 channels), 7 the weights of a 1x1 convolution."""
    channels = [16 if index == wide else 8 for index in range(7)]
    tensors = (*(activation(i, n) for i, n in enumerate(channels)), weights(7), weights(8, 8, 16))
    return Graph("test", "", tensors, nodes, (0,), outputs)


def conv(index: int, source: int, output: int, filter_: int = 7) -> Node:
    return Node(index, "CONV_2D", 3, (source, filter_, -1), (output,), WINDOW)


def add(index: int, first: int, second: int, output: int) -> Node:
    return Node(index, "ADD", 2, (first, second), (output,))


def found(made: Graph, target: Target = M4) -> list[tuple[int, int]]:
    return [(pair.first.index, pair.second.index) for pair in fusions(made, target, "own")]


def test_residual_block() -> None:
    """0 -> conv 1 -> conv 2, added to 0."""
    made = graph(conv(0, 0, 1), conv(1, 1, 2), add(2, 0, 2, 3), outputs=(3,))
    assert found(made) == [(1, 2)]
    assert found(made, Target("cortex-m3")) == []


def test_of_two_convolutions_the_earlier_waits() -> None:
    """What the later one reads dies sooner then; but not where the earlier one's input is larger than its output."""
    nodes = (conv(0, 0, 1), conv(1, 1, 2), conv(2, 0, 3), add(3, 2, 3, 4))
    assert found(graph(*nodes, outputs=(4,))) == [(1, 3)]
    first = Node(0, "X", 1, (0,), (1,))
    assert found(graph(first, conv(1, 1, 2, 8), conv(2, 0, 3), add(3, 2, 3, 4), outputs=(4,), wide=1)) == [(2, 3)]


def test_not_what_somebody_else_reads() -> None:
    """Another node, the output of the model, or the ADD itself a second time."""
    both = graph(conv(0, 0, 1), add(1, 1, 0, 2), add(2, 2, 1, 3), outputs=(3,))
    assert found(both) == []
    assert found(graph(conv(0, 0, 1), add(1, 1, 0, 2), outputs=(1, 2))) == []
    assert found(graph(conv(0, 0, 1), add(1, 1, 1, 2), outputs=(2,))) == []


def test_not_where_the_other_input_lives_on() -> None:
    """The output could not lie over it: three tensors instead of two."""
    made = graph(conv(0, 0, 1), add(1, 1, 0, 2), add(2, 2, 0, 3), outputs=(3,))
    assert found(made) == []


def test_each_node_once() -> None:
    """Two ADDs of the same kind in a row: each takes its own convolution."""
    made = graph(conv(0, 0, 1), add(1, 1, 0, 2), conv(2, 2, 3), add(3, 2, 3, 4), outputs=(4,))
    assert found(made) == [(0, 1), (2, 3)]
