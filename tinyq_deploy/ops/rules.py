# SPDX-License-Identifier: Apache-2.0
"""Rules that several operators share, and the makers of rules that differ by a position or a name."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinyq_deploy.graph import INT4, NodeView, Tensor
from tinyq_deploy.ops.base import Rule

# Least and largest zero point of the types that activations have.
ZERO_POINTS = {"int8": (-128, 127), "int16": (0, 0)}
INT8 = ZERO_POINTS["int8"]
ALIKE = "int8 (zero point in -128..127) or int16 (zero point 0), alike, quantised as a whole"
# A 64-bit sum of products stays below 2^47, as the requantisation asks, if the bias is below this.
LARGEST_WIDE_BIAS = 1 << 46


def documented(rule: Rule, text: str) -> Rule:
    """`rule` with the sentence that the user reads."""
    rule.__doc__ = text
    return rule


def operands(inputs: int, optional: int = 0, outputs: int = 1) -> Rule:
    """A rule: the node has this many inputs (the last `optional` may be absent) and outputs."""

    def rule(view: NodeView) -> str | None:
        present = [view.input(i) is not None for i in range(inputs - optional)]
        count = len(view.node.inputs)
        if all(present) and count <= inputs and len(view.node.outputs) == outputs:
            return None
        return f"{count} inputs {list(view.node.inputs)}, {len(view.node.outputs)} outputs"

    required = f"{inputs}" if not optional else f"{inputs - optional} to {inputs}"
    return documented(rule, f"It has {required} inputs and {outputs} outputs.")


def rank(position: int, allowed: Sequence[int], what: str) -> Rule:
    """A rule on the rank of an input."""

    def rule(view: NodeView) -> str | None:
        tensor = view.given(position)
        return None if len(tensor.shape) in allowed else f"{what} {list(tensor.shape)}"

    return documented(rule, f"The {what} has {' or '.join(str(n) for n in allowed)} dimensions.")


def constant(position: int, what: str) -> Rule:
    """A rule: an input is a constant."""

    def rule(view: NodeView) -> str | None:
        tensor = view.input(position)
        return None if tensor is None or tensor.data is not None else f"{what} is computed at run time"

    return documented(rule, f"The {what} is a constant.")


def positive(*names: str) -> Rule:
    """A rule: integer options are at least 1."""

    def rule(view: NodeView) -> str | None:
        bad = [f"{name} {view.number(name, 1)}" for name in names if view.number(name, 1) < 1]
        return ", ".join(bad) or None

    return documented(rule, f"{', '.join(name.replace('_', ' ') for name in names)} are at least 1.")


def option_in(name: str, allowed: Sequence[str], default: str) -> Rule:
    """A rule: an enumerated option has one of the known values."""

    def rule(view: NodeView) -> str | None:
        value = view.option(name, default)
        return None if value in allowed else f"{name} {value}"

    return documented(rule, f"{name.replace('_', ' ')} is {', '.join(allowed)}.")


def computed(position: int, what: str) -> Rule:
    """A rule: an input is an activation."""

    def rule(view: NodeView) -> str | None:
        tensor = view.given(position)
        return None if tensor.data is None else f"{what} {tensor.name!r} is a constant"

    return documented(rule, f"The {what} is computed at run time.")


def activations_int8(view: NodeView) -> str | None:
    """Input and output activations are int8, quantised as a whole, zero point in -128..127."""
    tensors = [t for i in range(len(view.node.inputs)) if (t := view.input(i)) is not None and t.data is None]
    outputs = (view.output(i) for i in range(len(view.node.outputs)))
    return next((found for tensor in (*tensors, *outputs) if (found := per_tensor(tensor))), None)


def input_int8(view: NodeView) -> str | None:
    """Input and output are int8, quantised as a whole, zero point in -128..127."""
    return per_tensor(view.given(0)) or per_tensor(view.output())


def bool_to_bool(view: NodeView) -> str | None:
    """Input and output are bool."""
    tensors = (view.given(0), view.output())
    return next((f"{tensor.name!r} is {tensor.dtype}" for tensor in tensors if tensor.dtype != "bool"), None)


def _activations(view: NodeView) -> str | None:
    tensors = [t for i in range(len(view.node.inputs)) if (t := view.input(i)) is not None and t.data is None]
    return alike(*tensors, *(view.output(i) for i in range(len(view.node.outputs))))


def _input_and_output(view: NodeView) -> str | None:
    return alike(view.given(0), view.output())


activations = documented(_activations, f"Input and output activations are {ALIKE}.")
input_and_output = documented(_input_and_output, f"Input and output are {ALIKE}.")


def alike(*tensors: Tensor) -> str | None:
    """What keeps tensors from being all int8 or all int16, each with one scale and a zero point in range."""
    found = next((found for tensor in tensors if (found := per_tensor(tensor, tuple(ZERO_POINTS)))), None)
    kinds = {tensor.dtype: tensor for tensor in tensors}
    return found or (", ".join(f"{t.name!r} is {t.dtype}" for t in kinds.values()) if len(kinds) > 1 else None)


def per_tensor(tensor: Tensor, dtypes: Sequence[str] = ("int8",)) -> str | None:
    """What keeps a tensor from being of one of the types, int8 or int16, with one scale and a zero point in range, None
    where nothing does."""
    if tensor.dtype not in dtypes:
        return f"{tensor.name!r} is {tensor.dtype}"
    quantization = tensor.quantization
    if quantization is None:
        return f"{tensor.name!r} has no scale"
    if len(quantization.scale) != 1 or len(quantization.zero_point) != 1:
        return f"{tensor.name!r} has {len(quantization.scale)} scales"
    low, high = ZERO_POINTS[tensor.dtype]
    if not low <= quantization.zero_point[0] <= high:
        return f"{tensor.name!r} has zero point {quantization.zero_point[0]}"
    return None


def weights(position: int, channel_axis: int, int4: bool = False) -> Rule:
    """A rule: constant int8 weights (or int4 ones), one scale for all or one per output channel, zero point 0."""
    allowed = ("int8", INT4) if int4 else ("int8",)

    def rule(view: NodeView) -> str | None:
        tensor = view.given(position)
        quantization = tensor.quantization
        fits = tensor.dtype in (allowed if view.given(0).dtype == "int8" else ("int8",))
        if not fits or tensor.data is None:
            return f"{tensor.name!r} is {tensor.dtype}, {'constant' if tensor.data is not None else 'not constant'}"
        if quantization is None:
            return f"{tensor.name!r} has no scale"
        channels, count = tensor.shape[channel_axis], len(quantization.scale)
        if count not in (1, channels) or len(quantization.zero_point) != count:
            return f"{tensor.name!r} has {count} scales for {channels} channels"
        if count > 1 and quantization.axis % len(tensor.shape) != channel_axis:
            return f"{tensor.name!r} is quantised along axis {quantization.axis}, not {channel_axis}"
        if any(quantization.zero_point):
            return f"{tensor.name!r} has zero points other than 0"
        return None

    kinds = "int8 or, with int8 activations, int4," if int4 else "int8"
    return documented(
        rule,
        f"The weights are constant {kinds} with zero point 0, one scale or one per channel of axis {channel_axis}.",
    )


def bias(position: int, channels_of: int, channel_axis: int) -> Rule:
    """A rule: the bias, if any, is a constant int32 vector with one entry per output channel."""

    def rule(view: NodeView) -> str | None:
        tensor = view.input(position)
        if tensor is None:
            return None
        channels = view.given(channels_of).shape[channel_axis]
        if tensor.dtype == "int32" and tensor.data is not None and tensor.size == channels:
            return None
        return f"{tensor.name!r} is {tensor.dtype} {list(tensor.shape)} for {channels} channels"

    return documented(rule, "The bias, if any, is a constant int32 vector with one entry per output channel.")


def wide_bias(position: int, channels_of: int, channel_axis: int, int32: bool = True) -> Rule:
    """A rule: `bias`, or with int16 activations one of int64, which `int32` sums may replace."""
    narrow = bias(position, channels_of, channel_axis)

    def rule(view: NodeView) -> str | None:
        tensor = view.input(position)
        if tensor is None or view.kind != "int16" or (int32 and tensor.dtype == "int32"):
            return narrow(view)
        channels = view.given(channels_of).shape[channel_axis]
        if tensor.dtype != "int64" or tensor.data is None or tensor.size != channels:
            return f"{tensor.name!r} is {tensor.dtype} {list(tensor.shape)} for {channels} channels"
        most = max(abs(int(value)) for value in tensor.data.reshape(-1))
        return None if most < LARGEST_WIDE_BIAS else f"{tensor.name!r} holds {most}"

    instead = "int64 below 2^46, or int32 for 32-bit sums" if int32 else "int64 below 2^46"
    return documented(
        rule,
        "The bias, if any, is a constant vector with one entry per output channel: int32; with int16 activations "
        f"{instead}.",
    )


def same_quantization(view: NodeView) -> str | None:
    """Input and output have the same scale and zero point."""
    a, b = view.given(0), view.output()
    if (a.scale, a.zero_point) == (b.scale, b.zero_point):
        return None
    return f"input {a.scale:g}/{a.zero_point}, output {b.scale:g}/{b.zero_point}"


def same_size(view: NodeView) -> str | None:
    """Input and output have the same number of elements."""
    a, b = view.given(0), view.output()
    return None if a.size == b.size else f"input {list(a.shape)}, output {list(b.shape)}"


def same_batches(view: NodeView) -> str | None:
    """Input and output have the same number of batches."""
    shapes = [view.given(0).shape, view.output().shape]
    return None if shapes[0][:1] == shapes[1][:1] else f"shapes {[list(shape) for shape in shapes]}"


def window_output(size: int, kernel: int, stride: int, padding: str) -> int:
    """Output extent of a sliding window whose dilated extent is `kernel`. TFLite ComputeOutSize."""
    return math.ceil(size / stride) if padding == "SAME" else (size - kernel) // stride + 1


def window_pad(size: int, kernel: int, stride: int, output: int) -> int:
    """Padding before the first element. TFLite ComputePadding: the smaller half in front."""
    return max(0, (output - 1) * stride + kernel - size) // 2
