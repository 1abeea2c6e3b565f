# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED: input [..., I] seen as [B,I], filter [O,I], bias [O] -> [B,O]; the filter may be an activation."""

from __future__ import annotations

from dataclasses import dataclass

from tinyq_deploy.fixed_point import Multipliers
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator, Rule
from tinyq_deploy.ops.conv_2d import channel_multipliers, factors_bounded, output_range, wide_sums

INPUT, FILTER, BIAS = 0, 1, 2


@dataclass(frozen=True)
class FullyConnectedParams:
    """Field for field the C struct tinyq_fully_connected_params."""

    batches: int
    input_depth: int
    output_depth: int
    input_offset: int
    filter_offset: int
    output_offset: int
    activation_min: int
    activation_max: int
    per_channel: int


def depths_match(view: NodeView) -> str | None:
    """The input is a whole number of rows as long as the filter's, and each row gives one output row."""
    outputs, depth = view.given(FILTER).shape
    size = view.given(INPUT).size
    out = view.output()
    if size % depth == 0 and out.shape[-1:] == (outputs,) and out.size == size // depth * outputs:
        return None
    return f"input {list(view.given(INPUT).shape)}, filter [{outputs}, {depth}], output {list(view.output().shape)}"


def weights_known() -> Rule:
    """The rule on the weights: those that are computed keep the rule on activations."""
    fixed = rules.weights(FILTER, channel_axis=0, int4=True)

    def rule(view: NodeView) -> str | None:
        if has_constant_weights(view):
            return fixed(view)
        return f"{view.given(FILTER).name!r} is computed as {view.kind}" if view.kind == "int16" else None

    text = (
        "Constant weights are int8 or, with int8 activations, int4, with zero point 0, one scale or one per channel of "
        "axis 0; weights computed at run time are int8, as the input, with one scale and any zero point."
    )
    return rules.documented(rule, text)


def has_constant_weights(view: NodeView) -> bool:
    """Whether the weights are known when the model is compiled."""
    return view.given(FILTER).data is not None


class FullyConnected(Operator):
    """Matrix product with weights that are constant, or computed at run time."""

    name = "FULLY_CONNECTED"
    clamps = True
    rules = (
        rules.operands(3, optional=1),
        rules.rank(FILTER, (2,), "filter"),
        rules.computed(INPUT, "input"),
        rules.activations,
        weights_known(),
        rules.wide_bias(BIAS, FILTER, channel_axis=0),
        rules.option_in("fused_activation_function", ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), "NONE"),
        rules.option_in("weights_format", ("DEFAULT",), "DEFAULT"),
        depths_match,
        factors_bounded,
        wide_sums,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Rows times filter elements."""
        return view.given(INPUT).size * view.given(FILTER).shape[0]

    @staticmethod
    def params(view: NodeView) -> FullyConnectedParams:
        """Shape and quantisation as the kernels take them."""
        outputs, depth = view.given(FILTER).shape
        weights = view.given(FILTER).quantization
        assert weights is not None
        return FullyConnectedParams(
            view.given(INPUT).size // depth, depth, outputs, -view.given(INPUT).zero_point, -weights.zero_point[0],
            view.output().zero_point, *output_range(view), int(len(weights.scale) > 1),
        )  # fmt: skip

    @staticmethod
    def requantization(view: NodeView) -> Multipliers:
        """[O] factors for per-channel weights, else [1], made in float64 as tflite-micro does. TFLite itself multiplies
        the scales of per-tensor weights in float32, which moves some results by one."""
        weights = view.given(FILTER).quantization
        assert weights is not None
        return channel_multipliers(view, len(weights.scale))
