# SPDX-License-Identifier: Apache-2.0
"""What a model remembers, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

if TYPE_CHECKING:
    from tinyq_deploy.inspect_model import StateInfo
    from tinyq_deploy.manifest import StateEntry


def lines(states: Sequence[StateInfo | StateEntry]) -> list[str]:
    """A line for all states together and one for each; none for a model that keeps none."""
    total = sum(state.bytes for state in states)
    each = [f"state {s.name[:60]!r} {s.dtype} {list(s.shape)}, {s.bytes:,} bytes" for s in states]
    count = f"{len(states)} state{'s' if len(states) > 1 else ''}"
    head = f"{count}, {total:,} bytes of the arena, to be reset where a sequence of inputs begins"
    return [escape(line) for line in (head, *each)] if states else []
