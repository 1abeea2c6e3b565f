# SPDX-License-Identifier: Apache-2.0
"""The operators that compile, by their TFLite name."""

from __future__ import annotations

from tinyq_deploy.ops.abs import Abs
from tinyq_deploy.ops.add import Add, Sub
from tinyq_deploy.ops.arg_max import ArgMax, ArgMin
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.batch_matmul import BatchMatmul
from tinyq_deploy.ops.cast import Cast
from tinyq_deploy.ops.comparison import Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual
from tinyq_deploy.ops.concatenation import Concatenation, Pack
from tinyq_deploy.ops.conv_2d import Conv2D
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D
from tinyq_deploy.ops.div import Div
from tinyq_deploy.ops.elu import Elu
from tinyq_deploy.ops.exp import Exp
from tinyq_deploy.ops.fully_connected import FullyConnected
from tinyq_deploy.ops.gather import Gather, GatherNd
from tinyq_deploy.ops.gelu import Gelu
from tinyq_deploy.ops.hard_swish import HardSwish
from tinyq_deploy.ops.l2_normalization import L2Normalization
from tinyq_deploy.ops.leaky_relu import LeakyRelu
from tinyq_deploy.ops.log import Log
from tinyq_deploy.ops.log_softmax import LogSoftmax
from tinyq_deploy.ops.logical import LogicalAnd, LogicalNot, LogicalOr
from tinyq_deploy.ops.logistic import Logistic, Tanh
from tinyq_deploy.ops.maximum import Maximum, Minimum
from tinyq_deploy.ops.mirror_pad import MirrorPad
from tinyq_deploy.ops.mul import Mul
from tinyq_deploy.ops.neg import Neg
from tinyq_deploy.ops.pad import Pad, PadV2
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D
from tinyq_deploy.ops.prelu import Prelu
from tinyq_deploy.ops.quantization import Dequantize, Quantize
from tinyq_deploy.ops.reduce import Mean, ReduceAll, ReduceAny, ReduceMax, ReduceMin, Sum
from tinyq_deploy.ops.relu import Relu, Relu0To1, Relu6, ReluN1To1
from tinyq_deploy.ops.reshape import ExpandDims, Reshape, Squeeze
from tinyq_deploy.ops.resize import ResizeBilinear, ResizeNearestNeighbor
from tinyq_deploy.ops.rsqrt import Rsqrt
from tinyq_deploy.ops.select import Select, SelectV2
from tinyq_deploy.ops.shape import Shape
from tinyq_deploy.ops.slice import Slice, StridedSlice
from tinyq_deploy.ops.softmax import Softmax
from tinyq_deploy.ops.space_to_batch import BatchToSpaceNd, SpaceToBatchNd
from tinyq_deploy.ops.space_to_depth import DepthToSpace, SpaceToDepth
from tinyq_deploy.ops.split import Split, SplitV, Unpack
from tinyq_deploy.ops.sqrt import Sqrt
from tinyq_deploy.ops.squared_difference import SquaredDifference
from tinyq_deploy.ops.svdf import Svdf
from tinyq_deploy.ops.table import Table
from tinyq_deploy.ops.tile import BroadcastTo, Tile
from tinyq_deploy.ops.transpose import Transpose
from tinyq_deploy.ops.transpose_conv import TransposeConv
from tinyq_deploy.ops.unidirectional_sequence_lstm import UnidirectionalSequenceLstm
from tinyq_deploy.ops.variable import AssignVariable, CallOnce, ReadVariable, VarHandle

_ALL: tuple[type[Operator], ...] = (
    Abs,
    Add,
    ArgMax,
    ArgMin,
    AssignVariable,
    AveragePool2D,
    BatchMatmul,
    BatchToSpaceNd,
    BroadcastTo,
    CallOnce,
    Cast,
    Concatenation,
    Conv2D,
    DepthToSpace,
    DepthwiseConv2D,
    Dequantize,
    Div,
    Elu,
    Equal,
    Exp,
    ExpandDims,
    FullyConnected,
    Gather,
    GatherNd,
    Gelu,
    Greater,
    GreaterEqual,
    HardSwish,
    L2Normalization,
    LeakyRelu,
    Less,
    LessEqual,
    Log,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    Logistic,
    LogSoftmax,
    Maximum,
    MaxPool2D,
    Mean,
    Minimum,
    MirrorPad,
    Mul,
    Neg,
    NotEqual,
    Pack,
    Pad,
    PadV2,
    Prelu,
    Quantize,
    ReadVariable,
    ReduceAll,
    ReduceAny,
    ReduceMax,
    ReduceMin,
    Relu,
    Relu0To1,
    Relu6,
    ReluN1To1,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    Rsqrt,
    Select,
    SelectV2,
    Shape,
    Slice,
    Softmax,
    SpaceToBatchNd,
    SpaceToDepth,
    Split,
    SplitV,
    Sqrt,
    SquaredDifference,
    Squeeze,
    StridedSlice,
    Sub,
    Sum,
    Svdf,
    Table,
    Tanh,
    Tile,
    Transpose,
    TransposeConv,
    UnidirectionalSequenceLstm,
    Unpack,
    VarHandle,
)
OPERATORS: dict[str, type[Operator]] = {operator.name: operator for operator in _ALL}
