# SPDX-License-Identifier: Apache-2.0
"""Which operators compile, on which types, by which kernels and under which rules: read off the registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from tinyq_deploy.graph import Kind
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Kernel
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.base import sentence

# Own kernels written for one instruction set lie in files that begin with its name; all others are plain C.
PLAIN, FAMILIES = "own, plain C", {"dsp": "own, DSP", "mve": "own, Helium"}
COLUMNS = ("portable", "CMSIS-NN", PLAIN, *FAMILIES.values())
ABOUT = (
    "int8: int8 activations and weights; int16: int16 activations, int8 weights; int4: int8 activations, int4 weights. "
    "Portable kernels run on every core. Own kernels in plain C are for cores without DSP extension or Helium; those "
    "of them that lose nothing by it serve cores with the DSP extension too. What has no kernel the compiler computes."
)


@dataclass(frozen=True)
class Row:
    """One operator: for each of COLUMNS the types of the kernels there, and its rules."""

    name: str
    kernels: dict[str, tuple[Kind, ...]]
    rules: tuple[str, ...]


def rows() -> tuple[Row, ...]:
    """All operators that files hold, by name."""
    known = [(name, operator) for name, operator in sorted(OPERATORS.items()) if operator.builtin]
    return tuple(Row(name, _kernels(name), tuple(map(sentence, operator.rules))) for name, operator in known)


def _kernels(op: str) -> dict[str, tuple[Kind, ...]]:
    found: dict[str, set[Kind]] = {column: set() for column in COLUMNS}
    for kernel in KERNELS:
        if kernel.op == op:
            found[column_of(kernel)].update(kernel.kinds)
    return {column: tuple(kind for kind in get_args(Kind) if kind in kinds) for column, kinds in found.items()}


def column_of(kernel: Kernel) -> str:
    """Where a kernel is listed."""
    if kernel.kernel_set == "own":
        file = type(kernel).__module__.rpartition(".")[2].partition("_")[0]
        return FAMILIES.get(getattr(kernel, "family", file), PLAIN)
    return {"portable": "portable", "cmsis-nn": "CMSIS-NN"}[kernel.kernel_set]


def to_json(found: Sequence[Row]) -> dict[str, Any]:
    """ops --json."""
    return {"schema": "tinyq-deploy/ops/1", "operators": [asdict(row) for row in found]}


def page(found: Sequence[Row]) -> str:
    """docs/operators.md."""
    written = "Written by `tinyq-deploy ops --markdown docs/operators.md`; a test compares."
    told = "What each takes. A model that breaks rules is refused with all of them at once."
    lines = ["# Operators", "", written, "", ABOUT, "", _line("operator", *COLUMNS), "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [_line(f"[{row.name}](#{row.name.lower()})", *map(", ".join, row.kernels.values())) for row in found]
    lines += ["", told, ""]
    for row in found:
        lines += [f"## {row.name}", "", *(f"- {rule}" for rule in row.rules), ""]
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
