# SPDX-License-Identifier: Apache-2.0
"""The graph passes, in the order in which they run."""

from __future__ import annotations

from tinyq_deploy.passes.activations import Activations
from tinyq_deploy.passes.base import Pass
from tinyq_deploy.passes.common import CommonLayers
from tinyq_deploy.passes.constants import ConstantLayers
from tinyq_deploy.passes.dead_channels import DeadChannels
from tinyq_deploy.passes.dilations import Dilations
from tinyq_deploy.passes.pads import Pads
from tinyq_deploy.passes.reshapes import Reshapes
from tinyq_deploy.passes.tables import Tables
from tinyq_deploy.passes.transposes import Transposes
from tinyq_deploy.passes.unread import UnreadLayers

PASSES: tuple[Pass, ...] = (
    Dilations(),
    Transposes(),
    Reshapes(),
    ConstantLayers(),
    UnreadLayers(),
    CommonLayers(),
    Activations(),
    Tables(),
    Pads(),
    DeadChannels(),
)
