# SPDX-License-Identifier: Apache-2.0
"""Models of one operator on two tensors: every way to broadcast, constants, edges of the ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from cases import activations, seeds, zero_points
from hypothesis import strategies as st
from models import Op, T, constant, model

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """One node; `constant` is the input that is one."""

    shapes: tuple[Shape, Shape] = ((1, 3, 5, 2), (1, 3, 5, 2))
    scales: tuple[float, float, float] = (0.5, 0.25, 0.6)
    zeros: tuple[int, int, int] = (3, -7, 11)
    activation: str = "NONE"
    constant: int | None = None
    seed: int = 0

    @property
    def output(self) -> Shape:
        return np.broadcast_shapes(*self.shapes)


FUSED = ("ADD", "DIV", "MUL", "SUB")


def pair_model(op: str, case: Pair, version: int = 2, output: T | None = None) -> bytes:
    """The .tflite of one node; `output` stands for an output that is not int8."""
    shapes = (*case.shapes, case.output)
    tensors = [T(s, scale, zero) for s, scale, zero in zip(shapes, case.scales, case.zeros, strict=True)]
    if output is not None:
        tensors[2] = replace(output, shape=case.output)
    if case.constant is not None:
        values = np.random.default_rng(case.seed).integers(-128, 128, case.shapes[case.constant])
        at = case.constant
        tensors[at] = constant(values, case.scales[at], zero_point=case.zeros[at])
    given = [index for index in (0, 1) if index != case.constant]
    options: dict[str, Any] = {"fused_activation_function": case.activation} if op in FUSED else {}
    return model(tensors, [Op(op, [0, 1], [2], options, version=version)], given, [2])


@st.composite
def shape_pairs(draw: st.DrawFn, most: int = 6) -> tuple[Shape, Shape]:
    """Two shapes of up to `most` dimensions that broadcast; one may lack leading dimensions, and may be a scalar."""
    output = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=0, max_size=most).map(tuple))
    if draw(st.booleans()):
        return output, output
    walks = [draw(st.sampled_from(((1, 1), (1, 1), (1, 0), (0, 1)))) for _ in output]
    shapes = [tuple(n if walk[side] else 1 for n, walk in zip(output, walks, strict=True)) for side in (0, 1)]
    side, cut = draw(st.integers(0, 1)), draw(st.integers(0, len(output)))
    while cut and any(n != 1 for n in shapes[side][:cut]):
        cut -= 1
    shapes[side] = shapes[side][cut:]
    return shapes[0], shapes[1]


def pairs(scales: st.SearchStrategy[tuple[float, float, float]], **fixed: Any) -> st.SearchStrategy[Pair]:
    """Nodes of every kind; `fixed` replaces strategies."""
    strategies: dict[str, Any] = {
        "shapes": shape_pairs(),
        "scales": scales,
        "zeros": st.tuples(zero_points, zero_points, zero_points),
        "activation": activations,
        "constant": st.sampled_from((None, None, 0, 1)),
        "seed": seeds,
        **fixed,
    }
    return st.builds(Pair, **strategies)


BASE = Pair()
# Every way of walking along an axis, next to every other.
BROADCASTS: dict[str, Pair] = {
    "channels": replace(BASE, shapes=((1, 3, 5, 4), (4,)), constant=1),
    "channels_first": replace(BASE, shapes=((4,), (1, 3, 5, 4)), constant=0),
    "gate": replace(BASE, shapes=((1, 3, 5, 7), (1, 1, 1, 7))),
    "pixels": replace(BASE, shapes=((1, 3, 5, 7), (1, 3, 5, 1))),
    "rows": replace(BASE, shapes=((1, 3, 1, 2), (1, 3, 5, 2))),
    "scalar": replace(BASE, shapes=((2, 3), ()), constant=1),
    "scalars": replace(BASE, shapes=((), ())),
    "one_element": replace(BASE, shapes=((1, 1), (1,))),
    "outer": replace(BASE, shapes=((5, 1), (1, 7))),
    "both_grow": replace(BASE, shapes=((1, 3, 1, 2), (4, 1, 5, 1))),
    "six": replace(BASE, shapes=((2, 1, 3, 1, 2, 1), (1, 2, 1, 3, 1, 2))),
    "rank_5": replace(BASE, shapes=((2, 3, 1, 2, 3), (3, 2, 1, 3))),
    "seven_equal": replace(BASE, shapes=((1, 2, 1, 2, 1, 2, 3),) * 2),
}
# Those for kernels that have four loops.
BROADCASTS_4 = {
    name: case for name, case in BROADCASTS.items() if len(case.output) <= 4 or case.shapes[0] == case.output
}
