# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE in portable C."""

from __future__ import annotations

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Kernel, KernelCall, Read, Target, Write, operand
from tinyq_deploy.kernels.portable.base import ALIKE, portable_call
from tinyq_deploy.ops.quantization import Dequantize, Quantize

# Suffix of the C function by the types of input and output.
_SUFFIXES = {("int8", "int16"): "_s8_s16", ("int16", "int8"): "_s16_s8", ("int16", "int16"): "_s16"}


class PortableQuantize(Kernel):
    """Element by element, over the input where it may; int16 grows over int8 from the front."""

    op = "QUANTIZE"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        source, output = view.given(0), view.output()
        read, write = operand(source, "input"), Write(output.index)
        in_place = (read.tensor,) if isinstance(read, Read) and output.bytes <= source.bytes else ()
        lead = output.size - 1 if isinstance(read, Read) and not in_place else None
        if source.dtype == "float32":
            name, params, suffix = "quantize", Quantize.affine(view), "_s16" if output.dtype == "int16" else ""
            return portable_call(name, "affine", params, read, write, in_place=in_place, suffix=suffix)
        suffix, both = _SUFFIXES.get((source.dtype, output.dtype), ""), Quantize.params(view)
        return portable_call("requantize", "requantize", both, read, write, in_place=in_place, lead=lead, suffix=suffix)


class PortableDequantize(Kernel):
    """Element by element; an output grows over its input from the front."""

    op = "DEQUANTIZE"
    kernel_set = "portable"
    kinds = ALIKE

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node. Element i is written at 4 * i, once it is read: the next one has to lie behind it."""
        source, write = view.given(0), Write(view.output().index)
        read, size = operand(source, "input"), source.bytes // source.size
        lead = (4 - size) * (source.size - 1) if isinstance(read, Read) else None
        params, suffix = Dequantize.affine(view), "_s16" if size > 1 else ""
        return portable_call("dequantize", "affine", params, read, write, lead=lead, suffix=suffix)
