# SPDX-License-Identifier: Apache-2.0
"""The kernels, in the order in which `--kernels auto` prefers their sets."""

from __future__ import annotations

from tinyq_deploy.kernels.base import Kernel
from tinyq_deploy.kernels.portable.conv_2d import PortableConv2D, PortableDepthwiseConv2D
from tinyq_deploy.kernels.portable.elementwise import PortableAdd, PortableSoftmax
from tinyq_deploy.kernels.portable.fully_connected import PortableFullyConnected
from tinyq_deploy.kernels.portable.pool_2d import PortableAveragePool2D, PortableMaxPool2D
from tinyq_deploy.kernels.portable.reshape import View

KERNELS: tuple[Kernel, ...] = (
    View(),
    PortableAdd(),
    PortableAveragePool2D(),
    PortableConv2D(),
    PortableDepthwiseConv2D(),
    PortableFullyConnected(),
    PortableMaxPool2D(),
    PortableSoftmax(),
)
