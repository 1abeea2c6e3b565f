# SPDX-License-Identifier: Apache-2.0
"""A pass: one bit-exact change of the graph, with a report of what it did and why that is exact.

To add one: a file in passes/ with a Pass subclass and its Report, a line in passes/__init__.py at its place in the
order, and tests/passes/test_<name>.py that compares outputs with and without it. Nodes keep their `index`, which is
the original layer's name and not a position; model inputs and outputs keep shape, type and quantisation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from tinyq_deploy.graph import Graph


@dataclass(frozen=True)
class Report(ABC):
    """What one pass did to one graph. `proof` is why no output of the model changes."""

    name: ClassVar[str]
    proof: ClassVar[str]

    @property
    @abstractmethod
    def changed(self) -> bool:
        """Whether the graph is another one now."""

    @property
    @abstractmethod
    def line(self) -> str:
        """What was done, in one line for people."""

    def to_json(self) -> dict[str, Any]:
        """Plain data for json.dumps."""
        return {"pass": self.name, "changed": self.changed, "line": self.line, "proof": self.proof, **asdict(self)}


class Pass(ABC):
    """One graph optimisation."""

    @abstractmethod
    def run(self, graph: Graph) -> tuple[Graph, Report]:
        """The graph afterwards, `graph` itself where there is nothing to do, and the report. Takes a checked graph and
        gives one that keeps every rule too."""
