# SPDX-License-Identifier: Apache-2.0
"""HARD_SWISH, int8 -> int8: x * relu6(x + 3) / 6, in 16-bit fixed point."""

from __future__ import annotations

from tinyq_deploy.fixed_point import quantize_multiplier, rounding_shift_right
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Table, Unary, tabulate, unary_rules

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
# Bits by which the input is raised before it is multiplied, and the real value of one step of its 16-bit relu.
HIGH_BITS = 7
RELUISH_SCALE = 3 / 32768


def output_factor_bounded(view: NodeView) -> str | None:
    """The input scale is below 128 output scales and above 2^-8 of one."""
    ratio = view.given(0).scale / view.output().scale
    return None if 2.0**-8 < ratio < 1 << HIGH_BITS else f"ratio {ratio:g}"


def input_scale_bounded(view: NodeView) -> str | None:
    """The input scale is between 2^-22 and 0.75."""
    scale = view.given(0).scale
    return None if 2.0**-22 < scale < 0.75 else f"scale {scale:g}"


class HardSwish(Unary):
    """Sigmoid-weighted identity, made of straight lines and a parabola."""

    name = "HARD_SWISH"
    rules = unary_rules(output_factor_bounded, input_scale_bounded)

    @staticmethod
    def table(view: NodeView) -> Table:
        """TFLite reference_ops::HardSwish, scales divided in float64 as tflite-micro does."""
        source, out = view.given(0), view.output()
        high_scale = source.scale / (1 << HIGH_BITS)
        to_output, out_shift = _factor16(high_scale / out.scale)
        to_reluish, reluish_shift = _factor16(high_scale / RELUISH_SCALE)

        def result(value: int) -> int:
            high = (value - source.zero_point) << HIGH_BITS
            gate = (_reluish(high, to_reluish, reluish_shift) + (1 << 15)) >> 1
            product = _truncated_high(gate * _multiply(high, to_output))
            return rounding_shift_right(product, -out_shift) + out.zero_point

        return tabulate(result)


def _factor16(real: float) -> tuple[int, int]:
    """A factor as (int16 mantissa in Q0.15, shift)."""
    mantissa, shift = quantize_multiplier(real)
    return min(INT16_MAX, (mantissa + (1 << 15)) >> 16), shift


def _reluish(high: int, multiplier: int, shift: int) -> int:
    """x / 3 in Q0.15, saturated to [-1, 1)."""
    value = _saturated(high << (shift - 1)) if shift > 0 else high
    value = _multiply(value, multiplier)
    return _saturated(value << 1) if shift > 0 else rounding_shift_right(value, -shift)


def _multiply(a: int, b: int) -> int:
    """round(a * b / 2^15), halves towards plus infinity."""
    return (a * b + (1 << 14)) >> 15


def _truncated_high(product: int) -> int:
    """product / 2^15, towards zero."""
    return -(-product >> 15) if product < 0 else product >> 15


def _saturated(value: int) -> int:
    return min(INT16_MAX, max(INT16_MIN, value))
