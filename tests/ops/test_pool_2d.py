# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D against the oracle, byte for byte; and every rule, broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from broken import ACTIVATION_IN, ACTIVATIONS, SAME_BATCHES, assert_complete, assert_refused
from cases import QUICK, THOROUGH, activations, zero_points
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given
from hypothesis import strategies as st
from models import Op, T, model

from tinyq_deploy.ops.rules import window_output

OPS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")


@dataclass(frozen=True)
class Pool:
    height: int = 5
    width: int = 7
    channels: int = 3
    kernel: tuple[int, int] = (2, 3)
    stride: tuple[int, int] = (1, 1)
    padding: str = "SAME"
    scale: float = 0.5
    zero: int = -3
    batches: int = 1
    activation: str = "NONE"

    def output(self) -> tuple[int, int]:
        sizes = zip((self.height, self.width), self.kernel, self.stride, strict=True)
        height, width = (window_output(size, kernel, stride, self.padding) for size, kernel, stride in sizes)
        return height, width


def pool(op: str, case: Pool) -> bytes:
    options = {
        "padding": case.padding,
        "stride_h": case.stride[0],
        "stride_w": case.stride[1],
        "filter_height": case.kernel[0],
        "filter_width": case.kernel[1],
        "fused_activation_function": case.activation,
    }
    tensors = [
        T((case.batches, case.height, case.width, case.channels), case.scale, case.zero),
        T((case.batches, *case.output(), case.channels), case.scale, case.zero),
    ]
    return model(tensors, [Op(op, [0], [1], options, version=2)], [0], [1])


pools = st.builds(
    Pool,
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.sampled_from((1, 2, 3, 8)),
    kernel=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(("SAME", "VALID")),
    scale=st.sampled_from((2.0**-7, 0.05, 0.5, 3.0)),
    zero=zero_points,
    batches=st.sampled_from((1, 1, 1, 2, 3)),
    activation=activations,
).filter(lambda case: min(case.output()) > 0)


@QUICK
@given(st.sampled_from(OPS), pools)
def test_it_computes_what_the_oracle_does(op: str, case: Pool) -> None:
    assert_kernel_exact(pool(op, case))


@pytest.mark.exhaustive
@THOROUGH
@given(st.sampled_from(OPS), pools)
def test_it_computes_what_the_oracle_does_for_many_more(op: str, case: Pool) -> None:
    assert_kernel_exact(pool(op, case))


BASE = Pool()
TRAPS = {
    "zero_point_low": replace(BASE, zero=-128),
    "zero_point_high": replace(BASE, zero=127),
    "global": replace(BASE, height=6, width=6, kernel=(6, 6), padding="VALID"),
    "one_by_one": replace(BASE, height=1, width=1, channels=1, kernel=(1, 1)),
    "window_beyond_input": replace(BASE, kernel=(9, 11)),
    "stride_4_over_gaps": replace(BASE, height=13, width=11, stride=(4, 3)),
    "asymmetric_padding": replace(BASE, height=8, width=8, kernel=(2, 4), stride=(2, 1)),
    "relu6": replace(BASE, activation="RELU6", scale=0.05),
    "relu_n1_to_1": replace(BASE, activation="RELU_N1_TO_1", zero=120),
}


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    given = {f"{op.lower()}_{name}": pool(op, case) for op in OPS for name, case in TRAPS.items()}
    assert_models_exact(given, optimize=optimize)


def test_means_are_rounded_half_away_from_zero() -> None:
    """Every sum of two int8 values, whatever the sign."""
    import numpy as np

    data = np.array([[a, b] for a in range(-128, 128, 3) for b in (-128, -1, 0, 1, 2, 127)], np.int8)
    case = Pool(height=len(data), width=2, channels=1, kernel=(1, 2), padding="VALID", zero=0)
    assert_kernel_exact(pool("AVERAGE_POOL_2D", case), [[data.reshape(1, -1, 2, 1)]])


TENSORS = {"input": T((1, 4, 4, 2), 0.5, 3), "output": T((1, 2, 2, 2), 0.5, 3)}


def small(inputs: tuple[int, ...] = (0,), *, given: tuple[int, ...] = (0,), options: dict[str, Any] | None = None,
          op: str = OPS[0], extra: tuple[T, ...] = (), **changed: T) -> bytes:  # fmt: skip
    """A pool that is accepted, but for what is changed; `given` are the model's inputs."""
    merged = {
        "padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2, **(options or {}),
    }  # fmt: skip
    return model([*{**TENSORS, **changed}.values(), *extra], [Op(op, inputs, [1], merged)], given, [1])


def broken(op: str) -> dict[str, list[bytes]]:
    from models import constant

    fixed = constant([[[[1, 2]] * 4] * 4], 0.5, zero_point=3)
    return {
        "It has 1 inputs and 1 outputs.": [small((), op=op), small((0, 0), op=op)],
        "The input has 4 dimensions.": [small(input=T((4, 4, 2), 0.5, 3), op=op)],
        "The input is computed at run time.": [small((2,), extra=(fixed,), op=op)],
        SAME_BATCHES: [small(input=T((2, 4, 4, 2), 0.5, 3), op=op), small(output=T((), 0.5, 3), op=op)],
        ACTIVATIONS: [
            small(input=T((1, 4, 4, 2), 0.5, 128), op=op),
            small(output=T((1, 2, 2, 2), 0.5, 200), op=op),
        ],
        "Input and output have the same scale and zero point.": [
            small(output=T((1, 2, 2, 2), 0.5, 4), op=op),
            small(output=T((1, 2, 2, 2), 0.25, 3), op=op),
        ],
        "stride h, stride w are at least 1.": [
            small(options={"stride_h": 0}, op=op),
            small(options={"stride_w": -1}, op=op),
        ],
        "padding is SAME, VALID.": [small(options={"padding": 3}, op=op)],
        ACTIVATION_IN: [small(options={"fused_activation_function": "TANH"}, op=op)],
        "The pooling window is 1 to 32767 high and wide.": [
            small(options={"filter_height": 0}, op=op),
            small(options={"filter_width": -1}, op=op),
            small(options={"filter_width": 1 << 20, "padding": "SAME"}, op=op),
        ],
        "The output shape follows from input, window, stride and padding.": [
            small(output=T((1, 2, 3, 2), 0.5, 3), op=op),
            small(output=T((1, 2, 2, 1), 0.5, 3), op=op),
            small(options={"filter_height": 5}, op=op),
        ],
    }


BROKEN = {op: broken(op) for op in OPS}


@pytest.mark.parametrize("op", OPS)
def test_every_rule_is_broken_here(op: str) -> None:
    assert_kernel_exact(small(op=op))
    assert_complete(op, BROKEN[op])


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in OPS for rule in BROKEN[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, BROKEN[op][rule])
