# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE: from real values, to real values, from one quantisation to another.

All other operators take int8 alone, so these stand where real values or uint8 enter or leave the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import quantize_multiplier, requantize, wrap
from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import LARGEST_FACTOR
from tinyq_deploy.ops.elementwise import Elementwise, Numbers
from tinyq_deploy.ops.unary import same_shape

# What becomes what. The difference of int16 and its zero point has 17 bits: shifted left by at most 14 it is int32.
PAIRS = frozenset(
    (("float32", "int8"), ("float32", "int16"), ("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"),
     ("int8", "int16"), ("int16", "int8"), ("int16", "int16"))
)  # fmt: skip
LARGEST_WIDE_FACTOR = float(1 << 14)
# A uint8 value with its highest bit flipped is the int8 value 128 below it.
FLIP = 128


@dataclass(frozen=True)
class AffineParams:
    """Field for field the C struct tinyq_affine_params: real = scale * (q - zero point)."""

    size: int
    scale: float
    zero_point: int
    flip: int


@dataclass(frozen=True)
class RequantizeParams:
    """Field for field the C struct tinyq_requantize_params."""

    size: int
    input_offset: int
    output_offset: int
    multiplier: int
    shift: int
    input_flip: int
    output_flip: int


def integer(tensor: Tensor) -> str | None:
    """What keeps a tensor from being int8, int16 or uint8 with one scale and a zero point in range, if anything."""
    if tensor.dtype != "uint8":
        return rules.per_tensor(tensor, tuple(rules.ZERO_POINTS))
    quantization = tensor.quantization
    if quantization is None or len(quantization.scale) != 1 or len(quantization.zero_point) != 1:
        return f"{tensor.name!r} has no scale or several"
    return None if 0 <= tensor.zero_point <= 255 else f"{tensor.name!r} has zero point {tensor.zero_point}"


def from_bytes_or_reals(view: NodeView) -> str | None:
    """It makes int8 of float32, int8, uint8 or int16, int16 of float32, int8 or int16, or uint8 of int8; each integer
    type has one scale and zero point, int16 zero point 0."""
    source, output = view.given(0), view.output()
    if (source.dtype, output.dtype) not in PAIRS:
        return f"{source.name!r} is {source.dtype}, {output.name!r} {output.dtype}"
    return integer(output) or (None if source.dtype == "float32" else integer(source))


def factor_bounded(view: NodeView) -> str | None:
    """The requantisation factor, input scale / output scale, is below 2^30, of int16 below 2^14."""
    source = view.given(0)
    if source.dtype == "float32":
        return None
    factor = source.scale / view.output().scale
    return (
        None if factor < (LARGEST_WIDE_FACTOR if source.dtype == "int16" else LARGEST_FACTOR) else f"factor {factor:g}"
    )


def to_reals(view: NodeView) -> str | None:
    """It makes float32 of int8, int16 or uint8 with one scale and zero point, of int16 zero point 0."""
    source, output = view.given(0), view.output()
    if output.dtype != "float32" or source.dtype not in ("int8", "int16", "uint8"):
        return f"{source.name!r} is {source.dtype}, {output.name!r} {output.dtype}"
    return integer(source)


def flip(tensor: Tensor) -> int:
    """What makes int8 of the tensor's bytes by exclusive or."""
    return FLIP if tensor.dtype == "uint8" else 0


def affine(view: NodeView, tensor: Tensor) -> AffineParams:
    """Between real values and those of `tensor`."""
    return AffineParams(tensor.size, float(np.float32(tensor.scale)), tensor.zero_point - flip(tensor), flip(tensor))


class Quantize(Elementwise):
    """Into a quantised type, from real values or from another quantisation."""

    name = "QUANTIZE"
    operands = 1
    takes_reals = True
    rules = (rules.operands(1), rules.computed(0, "input"), rules.same_size, from_bytes_or_reals, factor_bounded)

    @classmethod
    def of_bytes(cls, view: NodeView) -> bool:
        """Not from real values, nor to another shape of the same size."""
        return super().of_bytes(view) and same_shape(view) is None

    @classmethod
    def values(cls, view: NodeView, *operands: Numbers) -> Numbers:
        """TFLite's Requantize, of bytes."""
        p = cls.params(view)
        value = (operands[0] ^ -p.input_flip) + p.input_offset
        scaled = [wrap(requantize(int(one), p.multiplier, p.shift) + p.output_offset) for one in value.reshape(-1)]
        clamped: Numbers = np.clip(np.array(scaled, np.int64), -128, 127).reshape(value.shape) ^ -p.output_flip
        return clamped

    @staticmethod
    def affine(view: NodeView) -> AffineParams:
        """From real values, as the kernel takes it."""
        return affine(view, view.output())

    @staticmethod
    def params(view: NodeView) -> RequantizeParams:
        """From another quantisation, as the kernel takes it; values and zero points of uint8 are 128 less."""
        source, output = view.given(0), view.output()
        return RequantizeParams(
            output.size, flip(source) - source.zero_point, output.zero_point - flip(output),
            *quantize_multiplier(source.scale / output.scale), flip(source), flip(output),
        )  # fmt: skip


class Dequantize(Operator):
    """Into real values."""

    name = "DEQUANTIZE"
    takes_reals = True
    rules = (rules.operands(1), rules.computed(0, "input"), rules.same_size, to_reals)

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def affine(view: NodeView) -> AffineParams:
        """As the kernel takes it."""
        return affine(view, view.given(0))
