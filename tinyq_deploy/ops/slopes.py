# SPDX-License-Identifier: Apache-2.0
"""Operators that on int16 are two straight lines which meet at 0; on int8 they are tables, as every Unary is.

To give an operator int16: derive it from Sloped, state its lines, and let its rules take rules.activations.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from tinyq_deploy.fixed_point import limits
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops.unary import Unary

# The factor 1, which requantisation leaves exact.
ONE = (1 << 30, 1)


@dataclass(frozen=True)
class SlopesParams:
    """Field for field the C struct tinyq_slopes_params."""

    size: int
    above_multiplier: int
    above_shift: int
    below_multiplier: int
    below_shift: int
    sign_before: int
    sign_after: int
    output_min: int
    output_max: int


class Sloped(Unary):
    """A table of int8, lines of int16."""

    @classmethod
    @abstractmethod
    def slopes(cls, view: NodeView) -> SlopesParams:
        """The lines of a node on int16."""


def lines(
    view: NodeView, above: tuple[int, int], below: tuple[int, int], *, before: int = 1, after: int = 1,
    clamp: tuple[int, int] | None = None,
) -> SlopesParams:  # fmt: skip
    """Factors above and below 0, the latter of `before` * x, and `after` that; clamped to int16 unless told."""
    return SlopesParams(view.output().size, *above, *below, before, after, *(clamp or limits("int16")))
