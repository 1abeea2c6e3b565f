# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM in portable C."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinyq_deploy.fixed_point import sigmoid_table
from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Constant, Kernel, KernelCall, Read, Target, Write, weights
from tinyq_deploy.kernels.portable.base import portable_call
from tinyq_deploy.ops.unidirectional_sequence_lstm import (
    BIASES,
    CELL,
    HIDDEN,
    INPUT,
    INPUT_WEIGHTS,
    RECURRENT_WEIGHTS,
    UnidirectionalSequenceLstm,
)


class PortableUnidirectionalSequenceLstm(Kernel):
    """Step by step, unit by unit, four gates at a time; it needs no working memory."""

    op = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    kernel_set = "portable"

    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """Takes every node."""
        return portable_call(
            "unidirectional_sequence_lstm", "lstm", UnidirectionalSequenceLstm.params(view),
            Read(view.given(INPUT).index),
            _gates(view, "input_weights", INPUT_WEIGHTS),
            _gates(view, "recurrent_weights", RECURRENT_WEIGHTS),
            _gates(view, "bias", BIASES),
            Constant("table", sigmoid_table().view(np.int16)),
            Read(view.given(HIDDEN).index),
            Read(view.given(CELL).index),
            Write(view.output().index),
            Write(view.output(1).index),
            Write(view.output(2).index),
        )  # fmt: skip


def _gates(view: NodeView, name: str, positions: Iterable[int]) -> Constant:
    return Constant(name, np.stack([weights(view, position) for position in positions]))
