# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files from the present templates, and docs/operators.md from the present registries:
`python tests/golden/update.py`, then read the difference."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPERATORS = HERE.parent.parent / "docs" / "operators.md"
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]


def golden() -> dict[str, str]:
    """File name -> text of the small model's C, without the tool's version."""
    from host_c import rendered
    from nets import small

    from tinyq_deploy import __version__

    files = rendered(small(), "small", file="small.tflite").files
    names = ("model/model.c", "model/model.h", "model/weights.c", "model/weights.h")
    return {
        Path(name).name: files[name].decode().replace(f"tinyq-deploy {__version__}", "tinyq-deploy") for name in names
    }


def operators() -> str:
    """docs/operators.md."""
    from tinyq_deploy import operator_table

    return operator_table.page(operator_table.rows())


if __name__ == "__main__":
    for name, text in golden().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
    OPERATORS.write_text(operators(), encoding="utf-8", newline="\n")
