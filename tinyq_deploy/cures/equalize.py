# SPDX-License-Identifier: Apache-2.0
"""Cross-layer equalisation: channels of unlike size between two layers are scaled to like sizes.

A channel divided by s in one layer and multiplied by s in the next leaves the float model as it is, because what lies
between them is positively homogeneous: ReLU, pooling, means, padding with zeros. One range over all channels of the
tensor between them then serves every channel. The factors are powers of two, so float arithmetic rounds the same and
the float model's outputs stay equal bit for bit (but for denormals). Weights quantised per channel do not make this
superfluous: activations have one scale.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.calibrators import Range
from tinyq_deploy.flatbuffer import (
    ModelT,
    OperatorT,
    constant,
    graph_of,
    label,
    op_name,
    parse,
    serialise,
    set_constant,
)
from tinyq_deploy.rewrites.base import readers

Floats = npt.NDArray[Any]
_SWEEPS = 20
# Each channel of their output comes from its namesake in the input, and twice the input gives twice the output.
_BETWEEN = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "PAD", "RELU", "LEAKY_RELU", "RESHAPE")
_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_NONE, _RELU, _RELU6 = 0, 1, 3  # schema.fbs, ActivationFunctionType


@dataclass(frozen=True)
class Equalized:
    """Two layers, by the tensor that the first writes: how many of its channels changed, and the largest factor."""

    tensor: str
    channels: int
    largest: float


@dataclass(frozen=True)
class _Pair:
    first: OperatorT
    second: OperatorT
    channels: int


def equalize(model: bytes, ranges: Mapping[int, Range]) -> tuple[bytes, tuple[Equalized, ...]]:
    """A float .tflite of fixed shapes with its layers equalised, and which were. `ranges`: of each activation, from
    calibration; a RELU6 whose values stay below 6 becomes a RELU, any other RELU6 stops the equalisation there."""
    tree = parse(model, "the float model")
    pairs = [pair for node in graph_of(tree).operators if (pair := _pair(tree, node, ranges))]
    factors = [np.ones(pair.channels, np.float32) for pair in pairs]
    for _ in range(_SWEEPS):
        changed = False
        for number, pair in enumerate(pairs):
            step = _balance(tree, pair)
            factors[number] = factors[number] * step
            changed |= bool((step != 1).any())
        if not changed:
            break
    found = [_told(tree, pair, factor) for pair, factor in zip(pairs, factors, strict=True) if (factor != 1).any()]
    return serialise(tree), tuple(found)


def _told(tree: ModelT, pair: _Pair, factor: Floats) -> Equalized:
    if pair.first.builtinOptions.fusedActivationFunction == _RELU6:
        pair.first.builtinOptions.fusedActivationFunction = _RELU
    index = int(pair.first.outputs[0])
    largest = float(np.maximum(factor, 1 / factor).max())
    return Equalized(label(graph_of(tree).tensors[index], index), int((factor != 1).sum()), largest)


def _pair(tree: ModelT, first: OperatorT, ranges: Mapping[int, Range]) -> _Pair | None:
    """The layer and the one layer that alone reads what it computes."""
    if not _is_layer(tree, first) or not _scales(first, ranges):
        return None
    channels = int(graph_of(tree).tensors[first.outputs[0]].shape[-1])
    index, flat = int(first.outputs[0]), False
    while (node := _only_reader(tree, index)) is not None:
        name = op_name(tree, node)
        if name in _LAYERS:
            fits = _is_layer(tree, node) and index == node.inputs[0] and (name == "FULLY_CONNECTED" or not flat)
            return _Pair(first, node, channels) if fits else None
        if name not in _BETWEEN or not _keeps(tree, node, name) or (flat and name not in ("RELU", "RESHAPE")):
            return None
        index = int(node.outputs[0])
        flat = int(graph_of(tree).tensors[index].shape[-1]) != channels
    return None


def _is_layer(tree: ModelT, node: OperatorT) -> bool:
    """A layer whose constants nobody else reads."""
    name = op_name(tree, node)
    if name not in _LAYERS:
        return False
    constants = [int(index) for index in node.inputs[1:] if index >= 0]
    known = all(constant(tree, graph_of(tree).tensors[index]) is not None for index in constants)
    return known and all(len(readers(tree, index)) == 1 for index in constants)


def _scales(node: OperatorT, ranges: Mapping[int, Range]) -> bool:
    """Whether a factor on the layer's sums is the same factor on its output."""
    activation = node.builtinOptions.fusedActivationFunction
    below = (found := ranges.get(int(node.outputs[0]))) is not None and found.high < 6
    return activation in (_NONE, _RELU) or (activation == _RELU6 and below)


def _only_reader(tree: ModelT, index: int) -> OperatorT | None:
    found = readers(tree, index)
    return found[0] if len(found) == 1 and index not in list(graph_of(tree).outputs) else None


def _keeps(tree: ModelT, node: OperatorT, name: str) -> bool:
    """Pooling without a clamp, and means that leave the channels apart."""
    if name == "MEAN":
        axes = constant(tree, graph_of(tree).tensors[node.inputs[1]])
        rank = len(graph_of(tree).tensors[node.inputs[0]].shape)
        return axes is not None and rank - 1 not in [int(axis) % rank for axis in axes.ravel()]
    return getattr(node.builtinOptions, "fusedActivationFunction", _NONE) in (_NONE, _RELU)


def _balance(tree: ModelT, pair: _Pair) -> Floats:
    """One step: divides the first layer's output channels by factors and multiplies the second's input channels."""
    made, read = _outputs(tree, pair.first), _inputs(tree, pair.second, pair.channels)
    sizes, wanted = np.abs(made).max((0, 2)), np.abs(read).max((0, 2))
    alive = (sizes > 0) & (wanted > 0)
    ratio = np.sqrt(np.divide(sizes, wanted, out=np.ones_like(sizes), where=alive), dtype=np.float64)
    factor: Floats = np.exp2(np.round(np.log2(ratio))).astype(np.float32)
    if (factor != 1).any():
        _store(tree, pair.first.inputs[1], made / factor[None, :, None])
        _store(tree, pair.second.inputs[1], read * factor[None, :, None])
        bias = int(pair.first.inputs[2]) if len(pair.first.inputs) > 2 else -1
        if bias >= 0:
            _store(tree, bias, _values(tree, bias) / factor)
    return factor


def _outputs(tree: ModelT, node: OperatorT) -> Floats:
    """The weights as [before, output channel, after]."""
    weights = _values(tree, int(node.inputs[1]))
    if op_name(tree, node) == "DEPTHWISE_CONV_2D":
        return weights.reshape((-1, weights.shape[-1], 1))
    return weights.reshape((1, weights.shape[0], -1))


def _inputs(tree: ModelT, node: OperatorT, channels: int) -> Floats:
    """The weights as [before, input channel, after]; the channel runs fastest in what a fully connected layer reads."""
    after = 1
    if op_name(tree, node) == "DEPTHWISE_CONV_2D":
        after = int(graph_of(tree).tensors[node.inputs[1]].shape[-1]) // channels
    return _values(tree, int(node.inputs[1])).reshape(-1, channels, after)


def _values(tree: ModelT, index: int) -> Floats:
    values = constant(tree, graph_of(tree).tensors[index])
    assert values is not None
    return values


def _store(tree: ModelT, index: int, values: Floats) -> None:
    set_constant(tree, graph_of(tree).tensors[int(index)], values.astype(np.float32))
