# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM: input [N,T,I], or time major [T,N,I], hidden state [N,S], cell state [N,S] -> [N,T,S].

The standard LSTM with int8 activations and an int16 cell state. Source of the arithmetic: tflite-micro's lstm_eval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import Multipliers, multipliers, quantize_multiplier
from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Operator
from tinyq_deploy.ops.conv_2d import LARGEST_FACTOR
from tinyq_deploy.ops.recurrent import fixed, inputs_are, quantized

INPUT, HIDDEN, CELL = 0, 18, 19
# The gates' positions, in TFLite's order: input, forget, cell, output.
INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
# Scales of the gates before and after their functions.
BEFORE, AFTER = 2.0**-12, 2.0**-15
# The cell state's scale is 2^-LEAST at least, 1 at most.
LEAST = 15


@dataclass(frozen=True)
class LstmParams:
    """Field for field the C struct tinyq_lstm_params."""

    batches: int
    steps: int
    inputs: int
    units: int
    input_batch_step: int
    input_time_step: int
    output_batch_step: int
    output_time_step: int
    input_offset: int
    hidden_offset: int
    input_multiplier: tuple[int, ...]
    input_shift: tuple[int, ...]
    recurrent_multiplier: tuple[int, ...]
    recurrent_shift: tuple[int, ...]
    forget_multiplier: int
    forget_shift: int
    cell_multiplier: int
    cell_shift: int
    hidden_multiplier: int
    hidden_shift: int
    cell_clip: int
    tanh_multiplier: int
    tanh_shift: int


def numbers_fit(view: NodeView) -> str | None:
    """Input, output, hidden state and weights are int8 with one scale each, the weights with zero point 0."""
    activations = (view.given(INPUT), view.output(), view.given(HIDDEN))
    weights = (view.given(position) for position in (*INPUT_WEIGHTS, *RECURRENT_WEIGHTS))
    found = (*(quantized(tensor, "int8") for tensor in activations), *(quantized(t, "int8", 0) for t in weights))
    return next((fault for fault in found if fault), None)


def cell_fits(view: NodeView) -> str | None:
    """The cell state is int16 with zero point 0 and a power of two from 2^-15 to 1 as its scale."""
    cell = view.given(CELL)
    found = quantized(cell, "int16", 0)
    if found is None and (math.frexp(cell.scale)[0] != 0.5 or not 2.0**-LEAST <= cell.scale <= 1):
        return f"{cell.name!r} has scale {cell.scale:g}"
    return found


def shapes_fit(view: NodeView) -> str | None:
    """Input [N,T,I] or [T,N,I], output alike with S for I, hidden state [N,S], cell state of N * S elements, constant
    weights [S,I] and [S,S], constant int32 biases [S]."""
    source, output = view.given(INPUT), view.output()
    if len(source.shape) != 3 or len(output.shape) != 3 or source.shape[:2] != output.shape[:2]:
        return f"input {list(source.shape)}, output {list(output.shape)}"
    units, hidden, cell = output.shape[2], view.given(HIDDEN), view.given(CELL)
    if hidden.shape != (_batches(view), units) or cell.size != hidden.size:
        return f"states {list(hidden.shape)}, {list(cell.shape)} for {_batches(view)} batches of {units} units"
    wanted = [(position, "int8", (units, source.shape[2])) for position in INPUT_WEIGHTS]
    wanted += [(position, "int8", (units, units)) for position in RECURRENT_WEIGHTS]
    found = [fixed(view.given(position), dtype, shape) for position, dtype, shape in wanted]
    found += [fixed(view.given(position), "int32", (units,)) for position in BIASES]
    return next((fault for fault in found if fault), None)


def _batches(view: NodeView) -> int:
    return view.given(INPUT).shape[1 if view.option("time_major", False) else 0]


def _gate_factors(view: NodeView, source: Tensor, positions: range) -> list[float]:
    return [source.scale * view.given(position).scale / BEFORE for position in positions]


def factors_bounded(view: NodeView) -> str | None:
    """Every requantisation factor, of the gates and of the new states, is below 2^30."""
    found = _gate_factors(view, view.given(INPUT), INPUT_WEIGHTS)
    found += _gate_factors(view, view.given(HIDDEN), RECURRENT_WEIGHTS)
    found.append(AFTER * AFTER / view.given(HIDDEN).scale)
    return None if max(found) < LARGEST_FACTOR else f"factor {max(found):g}"


def clip(view: NodeView) -> int:
    """What the cell state is clipped to on both sides, 0 where it is not."""
    limit = np.float32(view.option("cell_clip", 0.0))
    if not limit > 0:
        return 0
    return int(min(float(limit) / view.given(CELL).scale, 32767.0))


def clip_counts(view: NodeView) -> str | None:
    """The cell clip, if any, is at least one step of the cell state."""
    limit = float(view.option("cell_clip", 0.0))
    return None if limit <= 0 or clip(view) > 0 else f"cell clip {limit:g}, scale {view.given(CELL).scale:g}"


class UnidirectionalSequenceLstm(Operator):
    """Long short-term memory over a sequence, without peephole, projection and layer normalisation."""

    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    rules = (
        inputs_are((INPUT, *INPUT_WEIGHTS, *RECURRENT_WEIGHTS, *BIASES, HIDDEN, CELL), 24, states=2),
        rules.computed(INPUT, "input"),
        numbers_fit,
        cell_fits,
        rules.option_in("fused_activation_function", ("TANH",), "NONE"),
        shapes_fit,
        factors_bounded,
        clip_counts,
    )

    @staticmethod
    def macs(view: NodeView) -> int:
        """Four gates of input and hidden state, for each step."""
        units = view.output().shape[2]
        return view.output().size * 4 * (view.given(INPUT).shape[2] + units)

    @staticmethod
    def params(view: NodeView) -> LstmParams:
        """Shape and quantisation as the kernels take them."""
        source, hidden, cell = view.given(INPUT), view.given(HIDDEN), view.given(CELL)
        units, batches = view.output().shape[2], _batches(view)
        steps = source.shape[0] * source.shape[1] // batches
        major = bool(view.option("time_major", False))
        inner = [(size, size * batches) if major else (size * steps, size) for size in (source.shape[2], units)]
        gates = multipliers(_gate_factors(view, source, INPUT_WEIGHTS))
        recurrent = multipliers(_gate_factors(view, hidden, RECURRENT_WEIGHTS))
        return LstmParams(
            batches, steps, source.shape[2], units, *inner[0], *inner[1], -source.zero_point, -hidden.zero_point,
            *_both(gates), *_both(recurrent), *quantize_multiplier(AFTER * cell.scale / cell.scale),
            *quantize_multiplier(AFTER * AFTER / cell.scale), *quantize_multiplier(AFTER * AFTER / hidden.scale),
            clip(view), *_tanh(cell),
        )  # fmt: skip


def _both(found: Multipliers) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(int(value) for value in found.multiplier), tuple(int(value) for value in found.shift)


def _tanh(cell: Tensor) -> tuple[int, int]:
    """Multiplier and right shift from the cell state to steps of 1 / (3 * 4096)."""
    power = 12 + math.frexp(cell.scale)[1] - 1
    return (3 << power, 0) if power >= 0 else (3, -power)
