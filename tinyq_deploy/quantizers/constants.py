# SPDX-License-Identifier: Apache-2.0
"""Integer weights and biases of the weighted operators, computed from the float constants.

The rules are those of TensorFlow's converter, so that both back ends write the same bytes for the same ranges:
- a weight scale is max|w| / 127 per channel (or per tensor), values symmetric in -127..127;
- a channel whose values span less than 1e-6 counts as spanning 1e-6, so a dead channel has a usable scale;
- bias scale = input scale * weight scale; a bias that would pass 2^30 widens its channel's weight scale until it fits;
- quotients are products with the float32 reciprocal of the scale, halves are rounded away from zero.
Sources: TFLite 8-bit quantization specification; the rest measured against TensorFlow 2.21, tensor by tensor
(tests/quantizers/test_against_tensorflow.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.flatbuffer import ModelT, OperatorT, TensorT, constant, graph_of, op_name, set_constant

Floats = npt.NDArray[np.float32]

# Where each weighted operator keeps its activation, its weights and its bias.
POSITIONS = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
_SMALLEST_SPAN = 1e-6
_LARGEST_WEIGHT = 127
_LARGEST_BIAS = float(2**30 - 1)


@dataclass(frozen=True)
class Use:
    """One weighted operator: indices into the tensors; `bias` is -1 where it has none."""

    input: int
    weights: int
    bias: int


def uses(model: ModelT) -> list[Use]:
    """The weighted operators whose weights are constant."""
    graph = graph_of(model)
    found = []
    for node in graph.operators or []:
        at = POSITIONS.get(op_name(model, node))
        if at is None or constant(model, graph.tensors[node.inputs[at[1]]]) is None:
            continue
        found.append(Use(node.inputs[at[0]], node.inputs[at[1]], _bias_of(node, at[2])))
    return found


def _bias_of(node: OperatorT, position: int) -> int:
    return int(node.inputs[position]) if len(node.inputs) > position else -1


def rewrite(quantised: ModelT, float_model: ModelT) -> None:
    """Recompute every weight scale, weight and bias of `quantised` from the constants of `float_model`.

    Both have the same weighted operators in the same order. Operators that stayed float are left as they are.
    """
    groups: dict[int, list[tuple[Use, Use]]] = defaultdict(list)
    for new, old in zip(uses(quantised), uses(float_model), strict=True):
        if scales(graph_of(quantised).tensors[new.input]) is not None:
            groups[new.weights].append((new, old))
    for pairs in groups.values():
        _rewrite_weights(quantised, float_model, pairs)


def _rewrite_weights(quantised: ModelT, float_model: ModelT, pairs: list[tuple[Use, Use]]) -> None:
    """One weight tensor and the biases of all operators that share it."""
    tensors, floats = graph_of(quantised).tensors, graph_of(float_model).tensors
    target, axis = tensors[pairs[0][0].weights], _axis(tensors[pairs[0][0].weights])
    weights = constant(float_model, floats[pairs[0][1].weights])
    assert weights is not None
    inputs = [np.float32(tensors[new.input].quantization.scale[0]) for new, _ in pairs]
    biases = [constant(float_model, floats[old.bias]) if old.bias >= 0 else None for _, old in pairs]
    scale = weight_scale(weights, axis)
    for input_scale, bias in zip(inputs, biases, strict=True):
        scale = scale if bias is None else widened(scale, input_scale, bias, axis)
    _store(quantised, target, scale, quantize_weights(weights, scale, axis))
    for (new, _), input_scale, bias in zip(pairs, inputs, biases, strict=True):
        if bias is not None:
            wide = np.dtype(np.int64 if _is_int16(tensors[new.input]) else np.int32)
            ours = bias_scale(scale, input_scale, bias, axis)
            _store(quantised, tensors[new.bias], ours, quantize_bias(bias, ours, wide))


def weight_scale(weights: Floats, axis: int | None) -> Floats:
    """Scales float32 [channels] of weights quantised along `axis`, or [1] where `axis` is None."""
    others = tuple(a for a in range(weights.ndim) if a != axis) if axis is not None else None
    high, low = np.atleast_1d(weights.max(others)), np.atleast_1d(weights.min(others))
    bound = np.maximum(np.abs(high), np.abs(low))
    bound = np.where(high - low <= _SMALLEST_SPAN, np.maximum(bound, np.float32(_SMALLEST_SPAN / 2)), bound)
    scale: Floats = (bound.astype(np.float64) / _LARGEST_WEIGHT).astype(np.float32)
    return scale


def widened(scale: Floats, input_scale: np.float32, bias: Floats, axis: int | None) -> Floats:
    """`scale` raised where `bias` (float32 [channels]) would not fit, float32 in the shape of `scale`."""
    size = _bias_size(bias, axis)
    too_large = size / (input_scale * scale) >= _LARGEST_BIAS
    wide: Floats = np.where(too_large, size / _LARGEST_BIAS / np.float64(input_scale), scale).astype(np.float32)
    return wide


def bias_scale(scale: Floats, input_scale: np.float32, bias: Floats, axis: int | None) -> Floats:
    """Input scale * weight scale, float32; where the bias set the weight scale, what makes it exactly 2^30 - 1."""
    product, size = input_scale * scale, _bias_size(bias, axis)
    at_limit = size / product >= _LARGEST_BIAS * (1 - 1e-6)
    ours: Floats = np.where(at_limit, size / _LARGEST_BIAS, product).astype(np.float32)
    return ours


def _bias_size(bias: Floats, axis: int | None) -> npt.NDArray[np.float64]:
    size: npt.NDArray[np.float64] = np.abs(bias).astype(np.float64)
    return size if axis is not None else size.max(keepdims=True)


def quantize_weights(weights: Floats, scale: Floats, axis: int | None) -> npt.NDArray[np.int8]:
    """int8 weights in the shape of `weights`."""
    shape = [-1 if a == axis else 1 for a in range(weights.ndim)]
    inverse = (np.float32(1) / scale).reshape(shape if axis is not None else [1] * weights.ndim)
    return np.clip(_rounded(weights * inverse), -_LARGEST_WEIGHT, _LARGEST_WEIGHT).astype(np.int8)


def quantize_bias(bias: Floats, scale: Floats, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Biases as `dtype` (int32, or int64 beside int16 activations); they fit, `widened` saw to it."""
    return _rounded(bias * (np.float32(1) / scale)).astype(dtype)


def _rounded(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    wide = values.astype(np.float64)
    away: npt.NDArray[np.float64] = np.copysign(np.floor(np.abs(wide) + 0.5), wide)
    return away


def scales(tensor: TensorT) -> Floats | None:
    """The scales of a quantised tensor, float32 [1] or [channels]; None for another."""
    quantization = tensor.quantization
    return None if quantization is None or quantization.scale is None else np.array(quantization.scale, np.float32)


def _axis(tensor: TensorT) -> int | None:
    """The axis of a per-channel tensor, None for one scale over all."""
    per_channel = len(tensor.quantization.scale) > 1
    return int(tensor.quantization.quantizedDimension) if per_channel else None


def _is_int16(tensor: TensorT) -> bool:
    from ai_edge_litert.schema_py_generated import TensorType

    return bool(tensor.type == TensorType.INT16)


def _store(model: ModelT, tensor: TensorT, scale: Floats, values: npt.NDArray[Any]) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    tensor.quantization.scale = scale
    tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
    tensor.type = {1: TensorType.INT8, 4: TensorType.INT32, 8: TensorType.INT64}[values.dtype.itemsize]
    set_constant(model, tensor, values)
