# SPDX-License-Identifier: Apache-2.0
"""An operator: what the compiler accepts of it.

To add one: a file in ops/ with an Operator subclass and its rules, a line in ops/__init__.py, its kernels in kernels/,
and tests/ops/test_<name>.py. A rule's docstring is the sentence the user reads, in errors and in `tinyq-deploy ops`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy.typing as npt

from tinyq_deploy.graph import NodeView

Array = npt.NDArray[Any]
# What was found where the rule is broken, None where it holds.
Rule = Callable[[NodeView], str | None]


def sentence(rule: Rule) -> str:
    """The rule as the user reads it."""
    return " ".join((rule.__doc__ or "").split())


class Operator(ABC):
    """What one TFLite builtin operator has to look like to be compiled. Rules run in order; later ones may rely on
    earlier ones, so checking stops at a node's first broken rule."""

    name: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]]
    # Whether each output channel (index of the last dimension) comes from its namesakes in the inputs alone.
    channelwise: ClassVar[bool] = False
    # Whether the last thing it does is to clamp to conv_2d.output_range.
    clamps: ClassVar[bool] = False
    # The input whose first axis, like the output's, counts batches that are computed one by one; None where kernels
    # take any shape whole.
    batch_of: ClassVar[int | None] = None
    # Whether it moves or converts float32 and uint8, too, as models have them where real values enter or leave.
    takes_reals: ClassVar[bool] = False
    # Whether files hold it; passes make the others.
    builtin: ClassVar[bool] = True

    @classmethod
    def broken(cls, view: NodeView) -> tuple[Rule, str] | None:
        """The first rule that a node breaks, with what was found; None where it keeps all."""
        for rule in cls.rules:
            found = rule(view)
            if found is not None:
                return rule, found
        return None

    @staticmethod
    @abstractmethod
    def macs(view: NodeView) -> int:
        """Multiply-accumulates per inference."""

    @staticmethod
    def evaluate(view: NodeView) -> tuple[Array, ...] | None:
        """The values of a checked node's outputs where all its inputs are known, as the kernels compute them; None
        where they are not, or where the operator has no such arithmetic in Python."""
        return None
