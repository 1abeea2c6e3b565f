# SPDX-License-Identifier: Apache-2.0
"""Models of one operator on one int8 tensor: all 256 inputs under many quantisations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from broken import ACTIVATIONS, ACTIVATIONS_INT8, assert_complete, assert_refused
from cases import real_scale, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import strategies as st
from models import Op, T, constant, model

from tinyq_deploy.ops import OPERATORS, rules
from tinyq_deploy.read import read

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


@dataclass(frozen=True)
class One:
    """One node; `least` is the lowest input that the oracle takes."""

    scale: float = 0.05
    zero: int = -5
    out_scale: float = 0.05
    out_zero: int = 3
    shape: tuple[int, ...] = (1, 256)
    options: Mapping[str, Any] = field(default_factory=dict)
    least: int = -128


def one(op: str, case: One, version: int = 1) -> bytes:
    """The .tflite of one node."""
    tensors = [T(case.shape, case.scale, case.zero), T(case.shape, case.out_scale, case.out_zero)]
    return model(tensors, [Op(op, [0], [1], case.options, version=version)], [0], [1])


@st.composite
def ones(draw: st.DrawFn, **fixed: Any) -> One:
    """Quantisations of every kind: typical scales, ratios around 1 and far from it, equal ones; `fixed` replaces."""
    scale = real_scale(np.random.default_rng(draw(st.integers(0, 1 << 16))))
    ratio = draw(st.sampled_from((1.0, 1.0, 2.0, 0.5)) | st.floats(-6, 6, width=32).map(lambda x: 2.0**x))
    values = {"scale": scale, "zero": draw(zero_points), "out_zero": draw(zero_points)}
    values |= {name: draw(value) for name, value in fixed.items()}
    return One(**{"out_scale": float(np.float32(values["scale"] * ratio)), **values})


@st.composite
def half_way(draw: st.DrawFn) -> One:
    """Scales whose ratio puts a result next to half-way between two: the precision of their division decides."""
    scale = real_scale(np.random.default_rng(draw(st.integers(0, 1 << 16))))
    ratio = (2 * draw(st.integers(0, 120)) + 1) / (4 * draw(st.integers(1, 124)) + 2)
    return One(scale, -128, float(np.float32(scale / ratio)), -128)


def assert_table_exact(op: str, case: One, kind: str = "tflite-micro") -> None:
    """All 256 inputs that the oracle takes give its results."""
    inputs = np.maximum(EVERY, case.least).reshape(case.shape)
    assert_kernel_exact(one(op, case), [[inputs]], kind=kind)


SHAPES = ((1,), (), (1, 7), (3, 1, 5, 2), (2, 3, 1, 2, 2))


def assert_shapes_exact(op: str, case: One, kind: str = "tflite-micro") -> None:
    """Emitted C for a few shapes computes what the oracle does."""
    cases = [One(case.scale, case.zero, case.out_scale, case.out_zero, s, case.options) for s in SHAPES]
    assert_models_exact({f"m{i}": one(op, case) for i, case in enumerate(cases)}, kind=kind)


def small(op: str, case: One, inputs: tuple[int, ...] = (0,), extra: tuple[T, ...] = (), **changed: T) -> bytes:
    """A node that is accepted, but for what is changed."""
    tensors = {"input": T((1, 4), case.scale, case.zero), "output": T((1, 4), case.out_scale, case.out_zero)}
    return model([*{**tensors, **changed}.values(), *extra], [Op(op, inputs, [1], case.options)], [0], [1])


def broken_ones(op: str, case: One) -> dict[str, list[bytes]]:
    """Models for the rules of every unary operator; `case` keeps all rules."""
    fixed = constant([[1, 2, 3, 4]], case.scale, zero_point=case.zero)
    types = ACTIVATIONS if rules.activations in OPERATORS[op].rules else ACTIVATIONS_INT8
    return {
        "It has 1 inputs and 1 outputs.": [small(op, case, ()), small(op, case, (0, 0))],
        "The input is computed at run time.": [small(op, case, (2,), (fixed,))],
        types: [small(op, case, output=T((1, 4), case.out_scale, 128))],
        "Input and output have the same shape.": [
            small(op, case, output=T((4,), case.out_scale, case.out_zero)),
            small(op, case, output=T((1, 5), case.out_scale, case.out_zero)),
        ],
    }


def assert_rules_told(op: str, case: One, more: Mapping[str, list[bytes]]) -> None:
    """Every rule is broken and told; `more` has models for the operator's own."""
    read(small(op, case), op)
    broken = {**broken_ones(op, case), **more}
    assert_complete(op, broken)
    for rule, models in broken.items():
        assert_refused(op, rule, models)
