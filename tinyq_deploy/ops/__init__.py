# SPDX-License-Identifier: Apache-2.0
"""The operators that compile, by their TFLite name."""

from __future__ import annotations

from tinyq_deploy.ops.add import Add
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.concatenation import Concatenation, Pack
from tinyq_deploy.ops.conv_2d import Conv2D
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D
from tinyq_deploy.ops.fully_connected import FullyConnected
from tinyq_deploy.ops.pad import Pad, PadV2
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D
from tinyq_deploy.ops.quantize import Dequantize, Quantize
from tinyq_deploy.ops.reduce import Mean, ReduceMax, ReduceMin, Sum
from tinyq_deploy.ops.reshape import ExpandDims, Reshape, Squeeze
from tinyq_deploy.ops.shape import Shape
from tinyq_deploy.ops.slice import Slice, StridedSlice
from tinyq_deploy.ops.softmax import Softmax
from tinyq_deploy.ops.split import Split, SplitV, Unpack
from tinyq_deploy.ops.transpose import Transpose

_ALL: tuple[type[Operator], ...] = (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    ExpandDims,
    FullyConnected,
    MaxPool2D,
    Mean,
    Pack,
    Pad,
    PadV2,
    Quantize,
    ReduceMax,
    ReduceMin,
    Reshape,
    Shape,
    Slice,
    Softmax,
    Split,
    SplitV,
    Squeeze,
    StridedSlice,
    Sum,
    Transpose,
    Unpack,
)
OPERATORS: dict[str, type[Operator]] = {operator.name: operator for operator in _ALL}
