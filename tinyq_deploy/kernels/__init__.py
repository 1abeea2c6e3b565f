# SPDX-License-Identifier: Apache-2.0
"""The kernels, in the order in which `--kernels auto` prefers their sets."""

from __future__ import annotations

from tinyq_deploy.kernels.base import FusedKernel, Kernel
from tinyq_deploy.kernels.cmsis_nn.conv_2d import CmsisNNConv2D, CmsisNNDepthwiseConv2D
from tinyq_deploy.kernels.cmsis_nn.elementwise import CmsisNNAdd, CmsisNNSoftmax
from tinyq_deploy.kernels.cmsis_nn.fully_connected import CmsisNNFullyConnected
from tinyq_deploy.kernels.cmsis_nn.pool_2d import CmsisNNAveragePool2D, CmsisNNMaxPool2D
from tinyq_deploy.kernels.own.batch_matmul import OwnBatchMatmul
from tinyq_deploy.kernels.own.dsp_conv_2d import OwnDspConv2D
from tinyq_deploy.kernels.own.dsp_conv_2d_3x3 import OwnDspConv2D3x3
from tinyq_deploy.kernels.own.dsp_conv_2d_add import OwnDspConv2D3x3Add, OwnDspConv2DAdd
from tinyq_deploy.kernels.own.dsp_depthwise_conv_2d import (
    DspDepthwiseConv2D,
    DspDepthwiseConv2D3x3,
    DspDepthwiseConv2DFew,
)
from tinyq_deploy.kernels.own.dsp_fully_connected import OwnDspFullyConnected
from tinyq_deploy.kernels.own.dsp_s16 import OwnDspConv2DS16, OwnDspDepthwiseConv2DS16, OwnDspFullyConnectedS16
from tinyq_deploy.kernels.own.grouped_conv_2d import OwnGroupedConv2D
from tinyq_deploy.kernels.own.mve_add import MveAdd
from tinyq_deploy.kernels.own.mve_conv_2d import MveConv2D, MveDepthwiseAsConv2D
from tinyq_deploy.kernels.own.mve_depthwise_conv_2d import MveDepthwiseConv2D
from tinyq_deploy.kernels.own.mve_fully_connected import MveFullyConnected
from tinyq_deploy.kernels.own.mve_move import MveCopy, MveRows
from tinyq_deploy.kernels.own.mve_mul import MveMul
from tinyq_deploy.kernels.own.mve_pool_2d import MveAveragePool2D, MveMaxPool2D
from tinyq_deploy.kernels.own.mve_sum import MveSum
from tinyq_deploy.kernels.own.mve_table import MveTable
from tinyq_deploy.kernels.own.plain_add import OwnAdd
from tinyq_deploy.kernels.own.plain_conv_2d import OwnPlainConv2D
from tinyq_deploy.kernels.own.plain_copy import OwnCopy
from tinyq_deploy.kernels.own.plain_depthwise_conv_2d import OwnPlainDepthwiseConv2D
from tinyq_deploy.kernels.own.plain_fully_connected import OwnPlainFullyConnected
from tinyq_deploy.kernels.own.plain_mul import OwnMul
from tinyq_deploy.kernels.own.plain_pool_2d import OwnAveragePool2D, OwnMaxPool2D
from tinyq_deploy.kernels.own.plain_softmax import OwnSoftmax
from tinyq_deploy.kernels.own.plain_sum import OwnSum
from tinyq_deploy.kernels.own.plain_table import OwnTable
from tinyq_deploy.kernels.own.transpose_conv import OwnTransposeConv
from tinyq_deploy.kernels.portable.arg_max import PortableArgMax
from tinyq_deploy.kernels.portable.base import ALIKE
from tinyq_deploy.kernels.portable.batch_matmul import PortableBatchMatmul
from tinyq_deploy.kernels.portable.binary import PortableBinary
from tinyq_deploy.kernels.portable.cast import PortableCast
from tinyq_deploy.kernels.portable.conv_2d import PortableConv2D, PortableDepthwiseConv2D
from tinyq_deploy.kernels.portable.fully_connected import PortableFullyConnected
from tinyq_deploy.kernels.portable.movement import (
    PortableAssign,
    PortableCopy,
    PortableJoin,
    PortableSplit,
    PortableView,
)
from tinyq_deploy.kernels.portable.pick import PortableGather, PortablePick
from tinyq_deploy.kernels.portable.pool_2d import PortableAveragePool2D, PortableMaxPool2D
from tinyq_deploy.kernels.portable.quantize import PortableDequantize, PortableQuantize
from tinyq_deploy.kernels.portable.reduce import PortableReduce
from tinyq_deploy.kernels.portable.resize import PortableResizeBilinear
from tinyq_deploy.kernels.portable.select import PortableSelect
from tinyq_deploy.kernels.portable.softmax import PortableL2Normalization, PortableLogSoftmax, PortableSoftmax
from tinyq_deploy.kernels.portable.space_to_batch import PortableSpaceToBatchNd
from tinyq_deploy.kernels.portable.svdf import PortableSvdf
from tinyq_deploy.kernels.portable.table import PortableTable, unary_operators
from tinyq_deploy.kernels.portable.transpose_conv import PortableTransposeConv
from tinyq_deploy.kernels.portable.unidirectional_sequence_lstm import PortableUnidirectionalSequenceLstm
from tinyq_deploy.kernels.portable.wide_unary import PortableLookup, PortableSigmoid, PortableSlopes
from tinyq_deploy.ops.abs import Abs
from tinyq_deploy.ops.arg_max import ArgMax, ArgMin
from tinyq_deploy.ops.exp import Exp
from tinyq_deploy.ops.gather import Gather, GatherNd
from tinyq_deploy.ops.gelu import Gelu
from tinyq_deploy.ops.leaky_relu import LeakyRelu
from tinyq_deploy.ops.logistic import Logistic, Tanh
from tinyq_deploy.ops.mirror_pad import MirrorPad
from tinyq_deploy.ops.pad import Pad, PadV2
from tinyq_deploy.ops.reduce import Mean, ReduceAll, ReduceAny, ReduceMax, ReduceMin, Sum
from tinyq_deploy.ops.relu import Relu, Relu6
from tinyq_deploy.ops.resize import ResizeNearestNeighbor
from tinyq_deploy.ops.select import Select, SelectV2
from tinyq_deploy.ops.slice import Slice, StridedSlice
from tinyq_deploy.ops.space_to_batch import BatchToSpaceNd
from tinyq_deploy.ops.space_to_depth import DepthToSpace, SpaceToDepth
from tinyq_deploy.ops.tile import BroadcastTo, Tile
from tinyq_deploy.ops.transpose import Transpose

KERNELS: tuple[Kernel, ...] = (
    OwnAdd("ADD", 1),
    OwnAdd("SUB", -1),
    OwnAveragePool2D(),
    OwnBatchMatmul(),
    DspDepthwiseConv2DFew(),
    DspDepthwiseConv2D3x3(),
    DspDepthwiseConv2D(),
    OwnCopy(Pad),
    OwnCopy(PadV2),
    OwnCopy(Slice),
    OwnCopy(StridedSlice),
    OwnCopy(Transpose),
    OwnMaxPool2D(),
    OwnMul(),
    OwnSoftmax(),
    OwnSum(Mean),
    OwnSum(Sum),
    *(OwnTable(op) for op in unary_operators()),
    OwnDspConv2D3x3(),
    OwnDspConv2D(),
    OwnDspFullyConnected(),
    OwnDspConv2DS16(),
    OwnDspDepthwiseConv2DS16(),
    OwnDspFullyConnectedS16(),
    OwnPlainConv2D(),
    OwnPlainDepthwiseConv2D(),
    OwnPlainFullyConnected(),
    MveDepthwiseConv2D(),
    MveDepthwiseAsConv2D(),
    MveConv2D(),
    MveFullyConnected(),
    MveAdd("ADD", 1),
    MveAdd("SUB", -1),
    MveMul(),
    MveSum(Mean),
    MveSum(Sum),
    *(MveTable(op) for op in unary_operators()),
    MveMaxPool2D(),
    MveAveragePool2D(),
    OwnGroupedConv2D(
        (OwnDspConv2D(), OwnPlainConv2D(), MveConv2D()),
        (DspDepthwiseConv2D3x3(), DspDepthwiseConv2D(), OwnPlainDepthwiseConv2D(), MveDepthwiseConv2D()),
    ),
    OwnTransposeConv("dsp", OwnDspConv2D()),
    OwnTransposeConv("plain", OwnPlainConv2D()),
    OwnTransposeConv("mve", MveConv2D()),
    CmsisNNAdd(),
    CmsisNNAveragePool2D(),
    CmsisNNConv2D(),
    CmsisNNDepthwiseConv2D(),
    CmsisNNFullyConnected(),
    CmsisNNMaxPool2D(),
    CmsisNNSoftmax(),
    PortableAveragePool2D(),
    PortableArgMax(ArgMax),
    PortableArgMax(ArgMin),
    PortableBatchMatmul(),
    PortablePick(BatchToSpaceNd),
    PortableBinary("ADD", "add", kinds=ALIKE),
    PortableAssign(),
    PortableBinary("DIV", "mul"),
    PortableBinary("EQUAL", "compare", "compare"),
    PortableBinary("GREATER", "compare", "compare"),
    PortableBinary("GREATER_EQUAL", "compare", "compare"),
    PortableBinary("LESS", "compare", "compare"),
    PortableBinary("LESS_EQUAL", "compare", "compare"),
    PortableBinary("LOGICAL_AND", "maximum", "minimum"),
    PortableBinary("LOGICAL_OR", "maximum", "maximum"),
    PortableBinary("MAXIMUM", "maximum", kinds=ALIKE),
    PortableBinary("MINIMUM", "maximum", kinds=ALIKE),
    PortableBinary("MUL", "mul", kinds=ALIKE),
    PortableBinary("NOT_EQUAL", "compare", "compare"),
    PortableBinary("PRELU", "prelu"),
    PortableBinary("SQUARED_DIFFERENCE", "add"),
    PortableBinary("SUB", "add", kinds=ALIKE),
    PortablePick(BroadcastTo),
    PortableCast(),
    PortableJoin("CONCATENATION"),
    PortableConv2D(),
    PortableDepthwiseConv2D(),
    PortablePick(DepthToSpace),
    PortableDequantize(),
    PortableView("EXPAND_DIMS"),
    PortableFullyConnected(),
    PortableL2Normalization(),
    PortableLogSoftmax(),
    PortableGather(Gather),
    PortableGather(GatherNd),
    PortableMaxPool2D(),
    PortableReduce(Mean, "sum"),
    PortablePick(MirrorPad),
    PortableJoin("PACK"),
    PortableCopy(Pad),
    PortableCopy(PadV2),
    PortableQuantize(),
    PortableView("READ_VARIABLE"),
    PortableReduce(ReduceAll, "reduce_min"),
    PortableReduce(ReduceAny, "reduce_max"),
    PortableReduce(ReduceMax, "reduce_max"),
    PortableReduce(ReduceMin, "reduce_min"),
    PortableView("RESHAPE"),
    PortableSelect(Select),
    PortableSelect(SelectV2),
    PortableResizeBilinear(),
    PortablePick(ResizeNearestNeighbor),
    PortableCopy(Slice),
    PortableSoftmax(),
    PortableSpaceToBatchNd(),
    PortablePick(SpaceToDepth),
    PortableSplit("SPLIT"),
    PortableSplit("SPLIT_V"),
    PortableView("SQUEEZE"),
    PortableCopy(StridedSlice),
    PortableReduce(Sum, "sum"),
    PortableSvdf(),
    PortablePick(Tile),
    PortableCopy(Transpose),
    PortableTransposeConv(),
    PortableUnidirectionalSequenceLstm(),
    PortableSplit("UNPACK"),
    *(PortableTable(op) for op in unary_operators()),
    *(PortableSlopes(operator) for operator in (Abs, LeakyRelu, Relu, Relu6)),
    PortableLookup(Exp),
    PortableLookup(Gelu),
    PortableSigmoid(Logistic),
    PortableSigmoid(Tanh),
)
KERNELS += tuple(MveCopy(kernel.mover) for kernel in KERNELS if isinstance(kernel, PortableCopy))
KERNELS += tuple(MveRows(kernel) for kernel in KERNELS if isinstance(kernel, (PortableJoin, PortableSplit)))

FUSED_KERNELS: tuple[FusedKernel, ...] = (OwnDspConv2D3x3Add(), OwnDspConv2DAdd())
