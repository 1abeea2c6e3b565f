# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from broken import OPERANDS, assert_complete, assert_refused
from cases import QUICK, THOROUGH, int8, output_scale, ratios, real_scale, seeds, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Product:
    x_lead: Shape = (2,)
    y_lead: Shape = (2,)
    rows: int = 3
    depth: int = 5
    columns: int = 4
    adj_x: bool = False
    adj_y: bool = False
    constant: int = -1  # the input that is one
    x_zero: int = -3
    y_zero: int = 7
    output_zero: int = 5
    ratio: float = 2.0**-9
    extreme: bool = False
    seed: int = 0
    dtype: str = "int8"

    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """Both inputs and the output."""
        x = (self.depth, self.rows) if self.adj_x else (self.rows, self.depth)
        y = (self.columns, self.depth) if self.adj_y else (self.depth, self.columns)
        lead = np.broadcast_shapes(self.x_lead, self.y_lead)
        return (*self.x_lead, *x), (*self.y_lead, *y), (*lead, self.rows, self.columns)


def values(rng: np.random.Generator, shape: Shape, case: Product) -> npt.NDArray[Any]:
    """A constant operand; of int16 too at its ends only, or of all values."""
    if case.dtype == "int8":
        return int8(rng, shape, case.extreme)
    return rng.choice([-32768, 32767], shape) if case.extreme else rng.integers(-32768, 32768, shape)


def of_int16(case: Product) -> Product:
    """The case on int16, whose sums are larger by 2^16 and whose factors are below 2^7."""
    ratio = min(case.ratio, 15.9) * 2.0 ** (3 if case.seed % 2 else -9)
    return replace(case, dtype="int16", x_zero=0, y_zero=0, output_zero=0, ratio=ratio)


def batch_matmul(case: Product) -> bytes:
    rng = np.random.default_rng(case.seed)
    scales, zeros = (real_scale(rng), real_scale(rng)), (case.x_zero, case.y_zero)
    x, y, output = case.shapes()
    inputs = [
        constant(values(rng, shape, case), scale, zero_point=zero, dtype=case.dtype)
        if position == case.constant
        else T(shape, scale, zero, case.dtype)
        for position, (shape, scale, zero) in enumerate(zip((x, y), scales, zeros, strict=True))
    ]
    tensors = [*inputs, T(output, output_scale(*scales, case.ratio), case.output_zero, case.dtype)]
    options = {"adj_x": case.adj_x, "adj_y": case.adj_y}
    given = [position for position in (0, 1) if position != case.constant]
    return model(tensors, [Op("BATCH_MATMUL", [0, 1], [2], options, version=4)], given, [2])


LEADS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()), ((2,), (2,)), ((3,), (1,)), ((1,), (2,)), ((2,), ()), ((), (3,)), ((2, 3), (2, 3)), ((2, 3), (1, 3)),
    ((2, 3), (2, 1)), ((2, 1), (1, 3)), ((2, 3), (3,)), ((1, 2, 2), (2, 2, 1)), ((2, 1, 3), (3,)),
)  # fmt: skip
extents = st.sampled_from((1, 2, 3, 4, 5, 8, 13))
products = st.builds(
    lambda leads, **more: Product(*leads, **more),
    st.sampled_from(LEADS),
    rows=extents,
    depth=st.sampled_from((1, 2, 3, 4, 7, 16, 33)),
    columns=extents,
    adj_x=st.booleans(),
    adj_y=st.booleans(),
    constant=st.sampled_from((-1, 0, 1)),
    x_zero=zero_points,
    y_zero=zero_points,
    output_zero=zero_points,
    ratio=ratios,
    extreme=st.booleans(),
    seed=seeds,
)


either = products | products.map(of_int16)


@QUICK
@given(either)
def test_it_computes_what_the_oracle_does(case: Product) -> None:
    assert_kernel_exact(batch_matmul(case))


@pytest.mark.exhaustive
@THOROUGH
@given(either)
def test_it_computes_what_the_oracle_does_for_many_more(case: Product) -> None:
    assert_kernel_exact(batch_matmul(case))


BASE = Product()
INT8_TRAPS = {
    "zero_points_low": replace(BASE, x_zero=-128, y_zero=-128, output_zero=-128),
    "zero_points_high": replace(BASE, x_zero=127, y_zero=127, output_zero=127),
    "zero_points_apart": replace(BASE, x_zero=-128, y_zero=127, depth=33),
    "shift_positive": replace(BASE, ratio=12.0),
    "shift_least": replace(BASE, ratio=0.75 * 2.0**-31),
    "one_by_one": replace(BASE, x_lead=(), y_lead=(), rows=1, depth=1, columns=1),
    "attention_scores": replace(BASE, x_lead=(1, 2), y_lead=(1, 2), rows=13, columns=13, depth=16, adj_y=True),
    "attention_values": replace(BASE, x_lead=(1, 2), y_lead=(1, 2), rows=13, columns=16, depth=13),
    "both_adjoint": replace(BASE, adj_x=True, adj_y=True),
    "constant_left": replace(BASE, constant=0, extreme=True),
    "constant_right": replace(BASE, constant=1, y_lead=(1,)),
    "rank_5": replace(BASE, x_lead=(2, 1, 3), y_lead=(1, 2, 1)),
}
TRAPS = INT8_TRAPS | {
    **{f"int16_{name}": of_int16(case) for name, case in INT8_TRAPS.items()},
    "int16_largest_factor": replace(of_int16(BASE), ratio=127.9),
    "int16_largest_multiplier": replace(of_int16(BASE), ratio=1 - 2.0**-24, constant=0, extreme=True),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact({name: batch_matmul(case) for name, case in TRAPS.items()}, optimize=optimize)


@settings(QUICK, max_examples=20)
@given(seeds)
def test_the_factor_is_made_as_the_oracle_makes_it(seed: int) -> None:
    """A product of the two scales in float32 instead of float64 would fail nearly every seed."""
    case = Product((), (), 40, 64, 40, constant=1, ratio=2.0**-8, extreme=True, seed=seed)
    assert_kernel_exact(batch_matmul(case))


TENSORS = {"x": T((3, 4), 0.5, 3), "y": T((4, 2), 0.25, -3), "output": T((3, 2), 0.5, -1)}


def small(inputs: tuple[int, ...] = (0, 1), *, options: dict[str, Any] | None = None, **changed: T) -> bytes:
    """A product that is accepted, but for what is changed."""
    return model([*{**TENSORS, **changed}.values()], [Op("BATCH_MATMUL", inputs, [2], options or {})], [0, 1], [2])


def wide(*shape: int, scale: float = 1.0) -> T:
    return T(shape, scale, 0, "int16")


BROKEN = {
    "It has 2 inputs and 1 outputs.": [small((0,)), small((0, 1, 1))],
    OPERANDS: [
        small(x=T((3, 4), 0.5, 128)),
        small((0, 0), x=T((4, 4), 0.5), output=T((4, 4), 0.5, 300)),
    ],
    "Both inputs have 2 to 5 dimensions.": [small(x=T((4,), 0.5)), small(y=T((1, 1, 1, 1, 4, 2), 0.5))],
    "The inputs' columns and rows match, their leading axes broadcast, and the output has the shape that follows.": [
        small(x=T((3, 5), 0.5)),
        small(output=T((3, 3), 0.5)),
        small(options={"adj_x": True}),
        small(x=T((2, 3, 4), 0.5), y=T((3, 4, 2), 0.5), output=T((3, 3, 2), 0.5)),
    ],
    "Every requantisation factor, input scale * filter scale / output scale, is below 2^30.": [
        small(x=T((3, 4), 2.0**32), y=T((4, 2), 1.0), output=T((3, 2), 1.0)),
    ],
    "With int16, the factor is below 2^7 and the inputs' common axis shorter than 2^17.": [
        small(x=wide(3, 4), y=wide(4, 2), output=wide(3, 2, scale=2.0**-7)),
        small(x=wide(3, 1 << 17), y=wide(1 << 17, 2), output=wide(3, 2)),
    ],
}


def test_the_small_model_is_accepted() -> None:
    assert_kernel_exact(small())


def test_every_rule_is_broken_here() -> None:
    assert_complete("BATCH_MATMUL", BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told(rule: str) -> None:
    assert_refused("BATCH_MATMUL", rule, BROKEN[rule])
