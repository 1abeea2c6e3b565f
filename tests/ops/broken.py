# SPDX-License-Identifier: Apache-2.0
"""Every rule of an operator is broken once, and the user reads its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exact import refused

from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import sentence

ACTIVATIONS_INT8 = "Input and output activations are int8, quantised as a whole, zero point in -128..127."
OPERANDS_INT8 = "Both inputs and the output are int8, quantised as a whole, zero point in -128..127."
ALIKE = "int8 (zero point in -128..127) or int16 (zero point 0), alike, quantised as a whole"
ACTIVATIONS = f"Input and output activations are {ALIKE}."
OPERANDS = f"Both inputs and the output are {ALIKE}."
INPUT = f"Input and output are {ALIKE}."
BROADCAST = "The inputs broadcast to the output's shape, which has at most 6 dimensions where they differ."
BROADCAST_4 = BROADCAST.replace("6", "4")
BROADCAST_5 = BROADCAST.replace("6", "5")
INPUT_INT8 = "Input and output are int8, quantised as a whole, zero point in -128..127."
MOVED = (
    "What is moved is int8 or int16 with one scale and zero point (in the type's range) before and after, int32, bool "
    "or float32, or shape arithmetic on int64 constants."
)
FEW_ENTRIES = "The output has at most 16,777,216 elements."
WEIGHTS = "The weights are constant int8 with zero point 0, one scale or one per channel of axis {axis}."
WEIGHTS_TO_INT4 = (
    "The weights are constant int8 or, with int8 activations, int4, with zero point 0, one scale or one per channel of "
    "axis {axis}."
)
BIAS_WIDE = (
    "The bias, if any, is a constant vector with one entry per output channel: int32; with int16 activations int64 "
    "below 2^46"
)
BIAS_TO_INT64, BIAS_OR_NARROW = f"{BIAS_WIDE}.", f"{BIAS_WIDE}, or int32 for 32-bit sums."
WIDE_SUMS = (
    "With int16 activations and 64-bit sums, factors are below 2^7 and filters have fewer than 2^23 weights a channel."
)
BIAS = "The bias, if any, is a constant int32 vector with one entry per output channel."
SAME_BATCHES = "Input and output have the same number of batches."
ACTIVATION_IN = "fused activation function is NONE, RELU, RELU6, RELU_N1_TO_1."
CHANNELS = (
    "The input channels are a whole number of groups of the filter's, and the output channels divide into as many."
)


def assert_complete(op: str, broken: Mapping[str, Iterable[bytes]]) -> None:
    """`broken` holds models for every rule of `op`, and for no other."""
    assert {sentence(rule) for rule in OPERATORS[op].rules} == set(broken)
    assert all(list(models) for models in broken.values())


def assert_refused(op: str, rule: str, models: Iterable[bytes]) -> None:
    """Each model is refused with this rule, by the layer's name."""
    for model in models:
        text = refused(model)
        assert text.startswith(f"{op}: {rule}\n"), text
        assert f"layer 0 {op}: " in text
