# SPDX-License-Identifier: Apache-2.0
"""Finds templates/, firmware/, boards/ and examples/: the installed copy first, then the checkout."""

from __future__ import annotations

from pathlib import Path

from tinyq_deploy.errors import TinyqError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name` ("templates", "firmware", "boards", "examples") as this installation has it.

    A wheel carries it as tinyq_deploy/_assets/<name>; in a checkout (an editable installation too) it stands
    beside the package. Raises TinyqError when neither exists, which means a broken installation.
    """
    for place in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise TinyqError(
        "the installation carries its templates, firmware, boards and examples",
        f"no folder {name!r} beside {_PACKAGE.name}",
        "reinstall tinyq-deploy",
    )
