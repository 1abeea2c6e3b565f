# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.quantization import Dequantize, Quantize


class PortableQuantize(Kernel):
    """Element by element, over the input where it may."""

    op = "QUANTIZE"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        read, write = operand(view.given(0), "input"), Write(view.output().index)
        in_place = (read.tensor,) if isinstance(read, Read) else ()
        if view.given(0).dtype == "float32":
            return portable_call("quantize", "affine", Quantize.affine(view), read, write, in_place=in_place)
        return portable_call("requantize", "requantize", Quantize.params(view), read, write, in_place=in_place)


class PortableDequantize(Kernel):
    """Element by element; an output grows over its input from the front."""

    op = "DEQUANTIZE"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node. Element i is written at 4 * i, once it is read: the next one has to lie behind it."""
        read, write = operand(view.given(0), "input"), Write(view.output().index)
        lead = 3 * (view.output().size - 1) if isinstance(read, Read) else None
        return portable_call("dequantize", "affine", Dequantize.affine(view), read, write, lead=lead)
