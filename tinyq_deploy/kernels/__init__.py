# SPDX-License-Identifier: Apache-2.0
"""The kernels, in the order in which `--kernels auto` prefers their sets."""

from __future__ import annotations

from tinyq_deploy.kernels.base import Kernel
from tinyq_deploy.kernels.cmsis_nn.conv_2d import CmsisNNConv2D, CmsisNNDepthwiseConv2D
from tinyq_deploy.kernels.cmsis_nn.elementwise import CmsisNNAdd, CmsisNNSoftmax
from tinyq_deploy.kernels.cmsis_nn.fully_connected import CmsisNNFullyConnected
from tinyq_deploy.kernels.cmsis_nn.pool_2d import CmsisNNAveragePool2D, CmsisNNMaxPool2D
from tinyq_deploy.kernels.portable.conv_2d import PortableConv2D, PortableDepthwiseConv2D
from tinyq_deploy.kernels.portable.elementwise import PortableAdd, PortableSoftmax
from tinyq_deploy.kernels.portable.fully_connected import PortableFullyConnected
from tinyq_deploy.kernels.portable.pool_2d import PortableAveragePool2D, PortableMaxPool2D
from tinyq_deploy.kernels.portable.reshape import View

KERNELS: tuple[Kernel, ...] = (
    View(),
    CmsisNNAdd(),
    CmsisNNAveragePool2D(),
    CmsisNNConv2D(),
    CmsisNNDepthwiseConv2D(),
    CmsisNNFullyConnected(),
    CmsisNNMaxPool2D(),
    CmsisNNSoftmax(),
    PortableAdd(),
    PortableAveragePool2D(),
    PortableConv2D(),
    PortableDepthwiseConv2D(),
    PortableFullyConnected(),
    PortableMaxPool2D(),
    PortableSoftmax(),
)
