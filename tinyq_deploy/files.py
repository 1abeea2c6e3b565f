# SPDX-License-Identifier: Apache-2.0
"""Writing files so that none is ever left half-written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tinyq_deploy.errors import UsageError


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` through a temporary file in the same folder and a rename; makes missing folders.

    Whatever stood at `path` stays untouched until all bytes are written. Raises UsageError when the place
    cannot be written (read-only, full, a folder of that name).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with the newlines it has; otherwise like `write_bytes`."""
    write_bytes(path, text.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        "an output path can be written",
        f"{path}: {error.strerror or error}",
        "choose another output path, or free space and permissions there",
    )
