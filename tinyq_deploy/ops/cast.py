# SPDX-License-Identifier: Apache-2.0
"""CAST: numbers as another type; scales do not count.

Integers lose their high bits where the type is narrower. Reals lose their fraction first; what int32 does not hold is
its lowest value, as the oracle's processor has it: C leaves it open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyq_deploy.fixed_point import INT32_MIN
from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Array, Operator
from tinyq_deploy.ops.unary import same_shape

# The types, numbered as in C.
TYPES = ("int8", "uint8", "int16", "int32", "float32", "bool")


@dataclass(frozen=True)
class CastParams:
    """Field for field the C struct tinyq_cast_params."""

    size: int
    source: int
    target: int


def castable(view: NodeView) -> str | None:
    """Input and output are int8, uint8, int16, int32, float32 or bool."""
    found = next((t for t in (view.given(0), view.output()) if t.dtype not in TYPES), None)
    return None if found is None else f"{found.name!r} is {found.dtype}"


class Cast(Operator):
    """The same numbers in another type."""

    name = "CAST"
    takes_reals = True
    rules = (rules.operands(1), same_shape, castable)

    @staticmethod
    def macs(view: NodeView) -> int:
        """None."""
        return 0

    @staticmethod
    def params(view: NodeView) -> CastParams:
        """As the kernel takes it."""
        return CastParams(view.output().size, TYPES.index(view.given(0).dtype), TYPES.index(view.output().dtype))

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The numbers of a constant input."""
        data, target = view.given(0).data, view.output().dtype
        if data is None:
            return None
        if data.dtype.kind == "f" and target not in ("float32", "bool"):
            inside = (data >= np.float32(INT32_MIN)) & (data < -np.float32(INT32_MIN))
            data = np.where(inside, np.trunc(np.where(inside, data, 0)), INT32_MIN).astype(np.int64)
        return (data.astype(target),)
