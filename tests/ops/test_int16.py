# SPDX-License-Identifier: Apache-2.0
"""int16 activations with int8 weights against the oracle, byte for byte, operator by operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from binary_cases import shape_pairs
from cases import QUICK, THOROUGH, Window, activations, int8, options, output_scale, real_scale, weight_scales, windows
from exact import assert_kernel_exact, assert_models_exact
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Op, T, constant, model

Shape = tuple[int, ...]
# The oracle wants the real limits of a fused activation, in steps of the output, to fit int32.
FINEST_CLAMPED = 1e-8
# Requantisation factors that 64-bit sums allow: down to nothing, typical, up to the largest.
ratios = st.builds(
    lambda exponent, mantissa: mantissa * 2.0**exponent,
    st.sampled_from((-33, -31, -20, -17, -16, -15, -14, -12, -10, -8, -3, 0, 1, 7)),
    st.sampled_from((0.5, 0.75, 1 - 2.0**-23, 1 - 2.0**-17, 0.61803)),
)
biases = st.sampled_from(("small", "large", "none", "int32"))
any_window = windows(
    input_zero=st.just(0), output_zero=st.just(0), ratio=ratios, bias=biases
)  # fmt: skip


def weights_of(case: Window, shape: Shape, axis: int) -> tuple[T, float, float, T | None]:
    """Filter, input and output scale, bias."""
    rng = np.random.default_rng(case.seed)
    scale, scales = real_scale(rng) / 64, weight_scales(rng, case.outputs if case.per_channel else 1)
    bias = None
    if case.bias != "none":
        top = {"small": 1 << 20, "large": 1 << 45, "int32": 1 << 26}[case.bias]
        dtype = "int32" if case.bias == "int32" else "int64"
        values = rng.integers(-top, top, case.outputs)
        bias = constant(values, [scale * each for each in scales], dtype=dtype)
    filter_ = constant(int8(rng, shape, case.extreme), scales, axis=axis)
    return filter_, scale, output_scale(scale, max(scales), case.ratio), bias


def clamped(case: Window, out: float) -> Window:
    """The case with an activation that the oracle takes with an output in steps of `out`."""
    return case if out > FINEST_CLAMPED else replace(case, activation="NONE")


def window_model(case: Window, op: str) -> bytes:
    if op == "CONV_2D":
        shape, axis, extra = (case.outputs, *case.kernel, case.channels // case.groups), 0, {}
    else:
        shape, axis = (1, *case.kernel, case.outputs), 3
        extra = {"depth_multiplier": case.depth_multiplier}
    filter_, scale, out, bias = weights_of(case, shape, axis)
    tensors = [
        T((1, case.height, case.width, case.channels), scale, 0, "int16"),
        filter_,
        T((1, *case.output(), case.outputs), out, 0, "int16"),
        *([bias] if bias else []),
    ]
    inputs = [0, 1, 3] if bias else [0, 1]
    return model(tensors, [Op(op, inputs, [2], {**options(clamped(case, out)), **extra}, version=4)], [0], [2])


def dense_model(case: Window, rows: int = 2) -> bytes:
    depth = case.channels * case.kernel[0] * case.kernel[1]
    filter_, scale, out, bias = weights_of(case, (case.outputs, depth), 0)
    tensors = [
        T((rows, depth), scale, 0, "int16"),
        filter_,
        T((rows, case.outputs), out, 0, "int16"),
        *([bias] if bias else []),
    ]
    inputs = [0, 1, 3] if bias else [0, 1, -1]
    options_ = {"fused_activation_function": clamped(case, out).activation}
    return model(tensors, [Op("FULLY_CONNECTED", inputs, [2], options_, version=7)], [0], [2])


def depthwise(case: Window) -> Window:
    return replace(case, outputs=case.channels * case.depth_multiplier)


def grouped(case: Window, groups: int) -> Window:
    return replace(case, groups=groups, channels=case.channels * groups, outputs=case.outputs * groups)


convolutions = st.builds(grouped, any_window, st.sampled_from((1, 1, 2, 3)))
depthwises = st.builds(depthwise, windows(
    input_zero=st.just(0), output_zero=st.just(0), ratio=ratios, bias=st.sampled_from(("small", "large", "none")),
    depth_multiplier=st.sampled_from((1, 1, 2, 3)),
)).filter(Window.fits)  # fmt: skip
weighted = st.one_of(
    convolutions.map(lambda case: window_model(case, "CONV_2D")),
    depthwises.map(lambda case: window_model(case, "DEPTHWISE_CONV_2D")),
    any_window.map(dense_model),
)


@QUICK
@given(weighted)
def test_weights_of_int8(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(weighted)
def test_weights_of_int8_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


def wide(shape: Shape, scale: float = 0.001) -> T:
    return T(shape, float(np.float32(scale)), 0, "int16")


def pair_of(op: str, shapes: tuple[Shape, Shape], scales: tuple[float, float, float], activation: str,
            fixed: int | None, seed: int) -> bytes:  # fmt: skip
    activation = activation if scales[2] > FINEST_CLAMPED else "NONE"
    tensors = [wide(s, scale) for s, scale in zip((*shapes, np.broadcast_shapes(*shapes)), scales, strict=True)]
    if fixed is not None:
        values = np.random.default_rng(seed).integers(-32768, 32768, shapes[fixed])
        tensors[fixed] = constant(values, scales[fixed], dtype="int16")
    given_ = [index for index in (0, 1) if index != fixed]
    chosen: dict[str, Any] = {} if op in ("MAXIMUM", "MINIMUM") else {"fused_activation_function": activation}
    return model(tensors, [Op(op, [0, 1], [2], chosen, version=2)], given_, [2])


small_scales = st.sampled_from((2.0**-20, 2.0**-15, 2.0**-8, 0.013)) | st.floats(2.0**-20, 1, width=32)


@st.composite
def binaries(draw: st.DrawFn) -> bytes:
    op = draw(st.sampled_from(("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM")))
    a, b = draw(small_scales), draw(small_scales)
    out = float(np.float32(max(a, b) * draw(st.sampled_from((0.001, 0.5, 1.0, 1.7, 2.0, 100.0)))))
    if op == "MUL":
        out = float(np.float32(a * b * draw(st.sampled_from((1.0001, 1.5, 2.0, 32768.0, 1e5, 2.0**31)))))
    scales = (a, a, a) if op in ("MAXIMUM", "MINIMUM") else (a, b, out)
    fixed = draw(st.sampled_from((None, None, 0, 1)))
    return pair_of(op, draw(shape_pairs()), scales, draw(activations), fixed, draw(st.integers(0, 99)))


def pool_model(op: str, case: Window) -> bytes:
    chosen = {
        "padding": case.padding, "stride_h": case.stride[0], "stride_w": case.stride[1],
        "filter_height": case.kernel[0], "filter_width": case.kernel[1], "fused_activation_function": case.activation,
    }  # fmt: skip
    scale = 2.0 ** -(case.seed % 20)
    tensors = [
        wide((1, case.height, case.width, case.channels), scale),
        wide((1, *case.output(), case.channels), scale),
    ]
    return model(tensors, [Op(op, [0], [1], chosen, version=3)], [0], [1])


pools = st.builds(pool_model, st.sampled_from(("AVERAGE_POOL_2D", "MAX_POOL_2D")), windows(dilation=st.just((1, 1))))


@st.composite
def reductions(draw: st.DrawFn, ops: tuple[str, ...]) -> bytes:
    op, keep = draw(st.sampled_from(ops)), draw(st.booleans())
    shape = tuple(draw(st.lists(st.sampled_from((1, 2, 3, 5, 7)), min_size=1, max_size=4)))
    gone = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    out = tuple(1 if axis in gone else n for axis, n in enumerate(shape) if keep or axis not in gone)
    scale = draw(small_scales)
    ratio = draw(st.sampled_from((0.3, 1.0, 2.0, 7.7))) if op in ("MEAN", "SUM") else 1.0
    tensors = [wide(shape, scale), constant(sorted(gone), dtype="int32"), wide(out, scale * ratio)]
    return model(tensors, [Op(op, [0, 1], [2], {"keep_dims": keep}, version=2)], [0], [2])


def unary_model(op: str, scale: float, out: float, shape: Shape, chosen: dict[str, Any], version: int = 1) -> bytes:
    return model([wide(shape, scale), wide(shape, out)], [Op(op, [0], [1], chosen, version=version)], [0], [1])


EVERY = np.arange(-32768, 32768, dtype=np.int16).reshape(256, 256)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    op = draw(st.sampled_from(("RELU", "RELU6", "LEAKY_RELU", "ABS")))
    scale = draw(small_scales)
    ratio = 1.0 if op == "RELU6" else draw(st.sampled_from((1.0, 0.5, 2.0, 1.3, 0.77, 40.0)))
    scale = max(scale, 6 / 32767) if op == "RELU6" else scale
    alpha = draw(st.sampled_from((0.1, 0.3, 1.5, -0.25, 0.0)))
    return unary_model(op, scale, scale * ratio, (256, 256), {"alpha": alpha} if op == "LEAKY_RELU" else {})


sigmoid_scales = st.sampled_from((2.0**-12, 2.0**-11, 2.0**-12 * 1.0001, 2.0**-13, 2.0**-15, 0.001, 1.0, 2.6, 1e-6))
sigmoids = st.builds(
    lambda op, scale: unary_model(op, scale, 2.0**-15, (256, 256), {}),
    st.sampled_from(("LOGISTIC", "TANH")), sigmoid_scales | st.floats(1e-5, 2.6),
)  # fmt: skip


@QUICK
@given(st.one_of(binaries(), pools, reductions(("MEAN", "SUM"))))
def test_operators_without_weights(data: bytes) -> None:
    assert_kernel_exact(data)


@pytest.mark.exhaustive
@THOROUGH
@given(st.one_of(binaries(), pools, reductions(("MEAN", "SUM"))))
def test_operators_without_weights_many_more(data: bytes) -> None:
    assert_kernel_exact(data)


FEW = settings(QUICK, max_examples=40)


@FEW
@given(reductions(("REDUCE_MAX", "REDUCE_MIN")))
def test_extremes_which_tflite_micro_lacks(data: bytes) -> None:
    assert_kernel_exact(data, kind="litert")


@FEW
@given(st.one_of(lines(), sigmoids))
def test_functions_of_one_for_every_input(data: bytes) -> None:
    assert_kernel_exact(data, [[EVERY]])


@st.composite
def curves(draw: st.DrawFn) -> bytes:
    op, scale = draw(st.sampled_from(("EXP", "GELU"))), draw(st.sampled_from((2.0**-12, 0.0003, 0.0011, 2.0**-15)))
    chosen = {"approximate": draw(st.booleans())} if op == "GELU" else {}
    return unary_model(op, scale, scale * draw(st.sampled_from((1.0, 0.3, 40.0))), (256, 256), chosen)


@settings(FEW, max_examples=15)
@given(curves())
def test_curves_which_tflite_micro_lacks(data: bytes) -> None:
    assert_kernel_exact(data, [[EVERY]], kind="litert")


@st.composite
def softmaxes(draw: st.DrawFn) -> bytes:
    shape = draw(st.sampled_from(((1, 1), (1, 2), (3, 10), (2, 2, 7), (1, 1000), (1, 4096))))
    beta = draw(st.sampled_from((1.0, 0.5, 3.0)))
    return unary_model("SOFTMAX", draw(small_scales) / 4, 2.0**-15, shape, {"beta": beta})


@FEW
@given(softmaxes())
def test_softmax(data: bytes) -> None:
    assert_kernel_exact(data)


KINDS = (("float32", "int16"), ("int8", "int16"), ("int16", "int8"), ("int16", "int16"))


@st.composite
def conversions(draw: st.DrawFn) -> bytes:
    def tensor(dtype: str) -> T:
        scale = float(np.float32(draw(st.sampled_from((2.0**-15, 2.0**-7, 0.003921569, 0.0012, 0.3)))))
        zero = draw(st.sampled_from((-128, 127, 0, 5))) if dtype == "int8" else 0
        return T((3, 7), dtype=dtype) if dtype == "float32" else T((3, 7), scale, zero, dtype)

    if draw(st.integers(0, 4)) == 0:
        return model([tensor("int16"), T((3, 7), dtype="float32")], [Op("DEQUANTIZE", [0], [1])], [0], [1])
    first, last = draw(st.sampled_from(KINDS))
    return model([tensor(first), tensor(last)], [Op("QUANTIZE", [0], [1])], [0], [1])


@QUICK
@given(conversions())
def test_conversions(data: bytes) -> None:
    assert_kernel_exact(data)


def moved(op: str, shapes: tuple[Shape, ...], extra: list[T], chosen: dict[str, Any], *, first: int = 0) -> bytes:
    """A mover of one int16 tensor: input, then parameters (or before, where `first` is 1), then outputs."""
    source, outputs = wide(shapes[0]), [wide(shape) for shape in shapes[1:]]
    inputs = [*extra[:first], source, *extra[first:]]
    count = len(inputs)
    ops = [Op(op, list(range(count)), list(range(count, count + len(outputs))), chosen, version=2)]
    return model([*inputs, *outputs], ops, [first], list(range(count, count + len(outputs))))


def numbers(*values: Any) -> T:
    return constant(values if len(values) != 1 else values[0], dtype="int32")


MOVED = {
    "reshape": moved("RESHAPE", ((1, 6, 2), (3, 4)), [numbers(3, 4)], {}),
    "transpose": moved("TRANSPOSE", ((2, 3, 5), (5, 2, 3)), [numbers(2, 0, 1)], {}),
    "pad": moved("PAD", ((1, 3, 2), (1, 6, 3)), [numbers([[0, 0], [1, 2], [0, 1]])], {}),
    "slice": moved("SLICE", ((4, 5, 3), (2, 3, 3)), [numbers(1, 2, 0), numbers(2, 3, 3)], {}),
    "strided": moved("STRIDED_SLICE", ((4, 5), (2, 2)), [numbers(0, 4), numbers(4, 0), numbers(2, -2)], {}),
    "split": moved("SPLIT", ((2, 6), (2, 3), (2, 3)), [numbers([1])], {"num_splits": 2}, first=1),
    "split_v": moved("SPLIT_V", ((2, 6), (2, 1), (2, 5)), [numbers(1, 5), numbers([1])], {"num_splits": 2}),
    "unpack": moved("UNPACK", ((3, 2, 5), (2, 5), (2, 5), (2, 5)), [], {"num": 3, "axis": 0}),
    "squeeze": moved("SQUEEZE", ((1, 3, 1, 2), (3, 2)), [], {}),
    "expand": moved("EXPAND_DIMS", ((3, 2), (3, 1, 2)), [numbers([1])], {}),
    "concatenation": model(
        [wide((2, 3)), constant([[1, -300], [32767, -32768]], np.float32(0.001), dtype="int16"), wide((2, 5))],
        [Op("CONCATENATION", [0, 1], [2], {"axis": 1}, version=3)], [0], [2],
    ),
    "pack": model(
        [wide((2, 3)), wide((2, 3)), wide((2, 2, 3))], [Op("PACK", [0, 1], [2], {"axis": 1, "values_count": 2})],
        [0, 1], [2],
    ),
}  # fmt: skip
BASE = Window(input_zero=0, output_zero=0, ratio=2.0**-15)
WINDOWS = {
    "least_shift": replace(BASE, ratio=0.75 * 2.0**-31, bias="large"),
    "below_the_least_shift": replace(BASE, ratio=0.75 * 2.0**-33, bias="large"),
    "largest_factor": replace(BASE, ratio=127.9),
    "largest_multiplier": replace(BASE, ratio=1 - 2.0**-24, per_channel=False),
    "all_saturate": replace(BASE, extreme=True, ratio=0.5),
    "sums_of_32_bits": replace(BASE, bias="int32", ratio=2.0**-12),
    "no_bias_relu6": replace(BASE, bias="none", activation="RELU6"),
    "stride_dilation": replace(BASE, height=13, width=11, stride=(2, 3), dilation=(2, 1)),
    "one_by_one": replace(BASE, height=1, width=1, channels=1, outputs=1, kernel=(1, 1)),
}
NARROW_FREE = [name for name in WINDOWS if name != "sums_of_32_bits"]
WHOLE = {
    **MOVED,
    **{f"conv_{name}": window_model(case, "CONV_2D") for name, case in WINDOWS.items()},
    **{f"depthwise_{name}": window_model(depthwise(WINDOWS[name]), "DEPTHWISE_CONV_2D") for name in NARROW_FREE},
    **{f"dense_{name}": dense_model(case) for name, case in WINDOWS.items()},
    "softmax": unary_model("SOFTMAX", 0.0005, 2.0**-15, (2, 11), {"beta": 1.0}),
    "many_axes": model([wide((2, 3, 2, 2, 3, 2, 2, 3)), numbers(0, 2, 4, 6), wide((3, 2, 2, 3), 0.001)],
                       [Op("MEAN", [0, 1], [2], {}, version=3)], [0], [2]),
    "tanh": unary_model("TANH", 2.0**-12, 2.0**-15, (1, 33), {}),
    "logistic": unary_model("LOGISTIC", 0.0003, 2.0**-15, (1, 33), {}),
    "leaky": unary_model("LEAKY_RELU", 0.0003, 0.0002, (1, 33), {"alpha": -0.3}),
    "mean": model([wide((1, 3, 5, 2)), numbers(1, 2), wide((1, 2), 0.0007)],
                  [Op("MEAN", [0, 1], [2], {}, version=3)], [0], [2]),
    "add": pair_of("ADD", ((1, 3, 5, 2), (2,)), (0.001, 0.002, 0.003), "RELU", 1, 3),
    "mul": pair_of("MUL", ((1, 3, 5, 2), (1, 1, 5, 1)), (0.001, 0.002, 0.07), "NONE", None, 3),
    "average": pool_model("AVERAGE_POOL_2D", BASE),
    "max": pool_model("MAX_POOL_2D", BASE),
}  # fmt: skip


@pytest.mark.parametrize("optimize", ["speed", pytest.param("size", marks=pytest.mark.exhaustive)])
def test_the_generated_c_computes_what_the_oracle_does(optimize: str) -> None:
    assert_models_exact(WHOLE, optimize=optimize)
