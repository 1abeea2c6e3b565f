# SPDX-License-Identifier: Apache-2.0
"""What is rewritten in a float model so that quantizers find an integer form of every operator."""

from __future__ import annotations

from tinyq_deploy.flatbuffer import parse, serialise
from tinyq_deploy.quantizers.base import Precision
from tinyq_deploy.rewrites.base import Rewrite
from tinyq_deploy.rewrites.hard_swish import HardSwish
from tinyq_deploy.rewrites.negations import Negations
from tinyq_deploy.rewrites.shared_biases import SharedBiases
from tinyq_deploy.rewrites.unread_parts import UnreadParts

REWRITES: tuple[Rewrite, ...] = (UnreadParts(), Negations(), HardSwish(), SharedBiases())


def rewritten(model: bytes, precision: Precision, where: str) -> bytes:
    """A float .tflite of fixed shapes after every rewrite that `precision` needs. Raises ModelError naming `where`."""
    tree = parse(model, where)
    for rewrite in REWRITES:
        if precision in rewrite.precisions:
            rewrite.apply(tree)
    return serialise(tree)
