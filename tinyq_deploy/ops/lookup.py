# SPDX-License-Identifier: Apache-2.0
"""Functions of int16 as straight lines between 513 points, made in float32 as TFLite's LUTPopulate makes them.

To give an operator int16 by such lines: derive it from Curved, state its function, and let its rules take
rules.activations.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import round_half_away
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Unary

Lookup = npt.NDArray[np.int16]
STEPS = 512
_LEAST, _MOST = -32768, 32767


def lookup(
    input_scale: np.float32, input_zero: int, output_scale: np.float32, function: Callable[[np.float32], np.float32]
) -> Lookup:
    """[513]: `function` at every 128th of the 65536 inputs, moved by half of what the line errs half-way; the output's
    zero point is 0."""
    low, high = (input_scale * np.float32(end - input_zero) for end in (_LEAST, _MOST))
    step = (high - low) / np.float32(STEPS)
    least, most = (output_scale * np.float32(end) for end in (_LEAST, _MOST))
    inverse = np.float32(_MOST - _LEAST + 1) / (most - least)

    def entry(i: int) -> float:
        value = function(low + np.float32(i) * step)
        middle = function(low + np.float32(i) * step + step / np.float32(2))
        following = function(low + np.float32(i + 1) * step)
        sample = _rounded(value * inverse)
        line = _rounded((following * inverse + sample) / np.float32(2))
        return float(sample - _rounded((line - _rounded(middle * inverse)) / np.float32(2)))

    entries = [*(entry(i) for i in range(STEPS)), float(_rounded(function(high) * inverse))]
    return np.array([min(_MOST, max(_LEAST, value)) for value in entries], np.int16)


class Curved(Unary):
    """A table of int8, points of int16. Where the last bit of the oracle's C library differs from ours and a product is
    within that bit of a half, a point differs by one, as with unary.real_table."""

    @classmethod
    @abstractmethod
    def function(cls, view: NodeView, x: np.float32) -> float:
        """Of real values."""

    @classmethod
    def points(cls, view: NodeView) -> Lookup:
        """[513] of a node on int16."""
        source, out = np.float32(view.given(0).scale), np.float32(view.output().scale)
        return lookup(source, 0, out, lambda x: np.float32(cls.function(view, x)))


def _rounded(value: np.float32) -> np.float32:
    return np.float32(round_half_away(float(value)))
