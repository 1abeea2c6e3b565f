# SPDX-License-Identifier: Apache-2.0
"""SVDF: input [N,I], feature weights [F,I], time weights [F,M], bias [U], state [N,F*M] -> [N,U]; F = U * rank.

Each filter's state is its last M features; an output sums rank filters' states, weighted over time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.fixed_point import quantize_multiplier
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import LARGEST_FACTOR
from tinyq_deploy.ops.recurrent import fixed, inputs_are, quantized

INPUT, FEATURE, TIME, BIAS, STATE = range(5)
WIDE = "int16"


@dataclass(frozen=True)
class SvdfParams:
    """Field for field the C struct tinyq_svdf_params."""

    batches: int
    inputs: int
    units: int
    rank: int
    memory: int
    input_offset: int
    state_zero_point: int
    feature_multiplier: int
    feature_shift: int
    output_offset: int
    output_multiplier: int
    output_shift: int


def numbers_fit(view: NodeView) -> str | None:
    """Input and output are int8, feature weights int8 and time weights and state both int8 or both int16, each with one
    scale; the zero points of weights and of an int16 state are 0."""
    wide = view.given(STATE).dtype == WIDE
    dtype, middle = (WIDE, 0) if wide else ("int8", None)
    return (
        quantized(view.given(INPUT), "int8")
        or quantized(view.output(), "int8")
        or quantized(view.given(FEATURE), "int8", 0)
        or quantized(view.given(TIME), dtype, 0)
        or quantized(view.given(STATE), dtype, middle)
    )


def shapes_fit(view: NodeView) -> str | None:
    """With F = rank * U: input [N,I], constant weights [F,I] and [F,M], constant int32 bias [U], state [N,F*M], output
    [N,U]."""
    shapes = [view.given(position).shape for position in (INPUT, FEATURE, TIME)]
    rank = view.number("rank", 0)
    if any(len(shape) != 2 for shape in shapes) or rank < 1 or shapes[FEATURE][0] % rank:
        return f"rank {rank}, input and weights {[list(shape) for shape in shapes]}"
    (batches, inputs), (filters, _), (_, memory) = shapes
    wanted = {view.given(STATE): (batches, filters * memory), view.output(): (batches, filters // rank)}
    wrong = [f"{t.name!r} is {list(t.shape)}, not {list(shape)}" for t, shape in wanted.items() if t.shape != shape]
    return (
        fixed(view.given(FEATURE), "int8", (filters, inputs))
        or fixed(view.given(TIME), view.given(STATE).dtype, (filters, memory))
        or fixed(view.given(BIAS), "int32", (filters // rank,))
        or (wrong[0] if wrong else None)
    )


def factors(view: NodeView) -> tuple[float, float]:
    """From a feature's sum to the state, and from the sum over time to the output."""
    state = view.given(STATE).scale
    to_state = view.given(INPUT).scale * view.given(FEATURE).scale / state
    return to_state, state * view.given(TIME).scale / view.output().scale


def factors_bounded(view: NodeView) -> str | None:
    """Both requantisation factors, to the state and to the output, are below 2^30."""
    found = factors(view)
    return None if max(found) < LARGEST_FACTOR else f"factors {found[0]:g}, {found[1]:g}"


class Svdf(Operator):
    """Singular value decomposition filter, one step. Its activation is NONE or RELU, and as in TFLite's integer kernel
    only the output's zero point and range clamp."""

    name = "SVDF"
    rules = (
        inputs_are((INPUT, FEATURE, TIME, BIAS, STATE), 5, states=1),
        rules.computed(INPUT, "input"),
        numbers_fit,
        rules.option_in("fused_activation_function", ("NONE", "RELU"), "NONE"),
        shapes_fit,
        factors_bounded,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Feature weights and state elements, per batch."""
        batches, _ = view.given(INPUT).shape
        return batches * (view.given(FEATURE).size + view.given(TIME).size)

    @staticmethod
    def params(view: NodeView) -> SvdfParams:
        """Shape and quantisation as the kernels take them."""
        batches, inputs = view.given(INPUT).shape
        to_state, to_output = (quantize_multiplier(factor) for factor in factors(view))
        return SvdfParams(
            batches, inputs, view.output().shape[1], view.number("rank", 1), view.given(TIME).shape[1],
            -view.given(INPUT).zero_point, view.given(STATE).zero_point, *to_state, view.output().zero_point,
            *to_output,
        )  # fmt: skip
