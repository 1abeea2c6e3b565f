# SPDX-License-Identifier: Apache-2.0
"""The operators that compile, by their TFLite name."""

from __future__ import annotations

from tinyq_deploy.ops.add import Add
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import Conv2D
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D
from tinyq_deploy.ops.fully_connected import FullyConnected
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D
from tinyq_deploy.ops.reshape import Reshape
from tinyq_deploy.ops.softmax import Softmax

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator
    for operator in (Add, AveragePool2D, Conv2D, DepthwiseConv2D, FullyConnected, MaxPool2D, Reshape, Softmax)
}
