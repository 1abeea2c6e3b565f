# SPDX-License-Identifier: Apache-2.0
"""An emitted project: its files in memory, and their way to a folder."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyq_deploy import files
from tinyq_deploy.errors import UsageError
from tinyq_deploy.manifest import MANIFEST, SCHEMA, Manifest
from tinyq_deploy.toolchains.base import Recipe


@dataclass(frozen=True)
class Project:
    """An emitted project: relative POSIX path -> bytes, and the recipe that builds it."""

    files: dict[str, bytes]
    recipe: Recipe
    manifest: Manifest


def write(project: Project, folder: Path) -> None:
    """Writes the project to `folder`, replacing one that stands there. Files whose bytes are unchanged are not touched,
    so that a rebuild compiles little. Raises UsageError when the folder holds something else."""
    earlier = _emitted_before(folder)
    if earlier is None and folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"{folder} {'holds other files' if folder.is_dir() else 'is a file'}"
        raise UsageError("-o names a new folder or an earlier project", found, "choose another")
    for old in (earlier or set()) - set(project.files):
        if (folder / old).is_file():
            (folder / old).unlink()
    if folder.exists():
        _fill(project, folder)
    else:
        _make(project, folder)


def _fill(project: Project, folder: Path) -> None:
    for path, data in project.files.items():
        place = folder / path
        if not (place.is_file() and place.read_bytes() == data):
            files.write_bytes(place, data)


def _make(project: Project, folder: Path) -> None:
    """A new folder appears when it is whole: an interrupted run leaves nothing that a later one would refuse."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name[:40]}.", dir=folder.parent) as name:
            whole = Path(name) / "project"
            _fill(project, whole)
            whole.rename(folder)
    except OSError as error:
        found = f"{folder}: {error.strerror or error}"
        raise UsageError("-o names a place that can be written", found, "choose another") from error


def _emitted_before(folder: Path) -> set[str] | None:
    """The files that an earlier project in `folder` lists, kept to paths inside it; None where there is no project."""
    try:
        about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if not about["schema"].startswith(SCHEMA.rpartition("/")[0]):
            return None
        return {path for path in about["files"] if isinstance(path, str) and _inside(path)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and ":" not in path and "\\" not in path
