# SPDX-License-Identifier: Apache-2.0
"""Mounted volumes with their labels, on Linux, macOS and Windows."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BY_LABEL = Path("/dev/disk/by-label")


@dataclass(frozen=True)
class Volume:
    """A mounted volume. `path` is None for one that is plugged in and not mounted (seen on Linux only)."""

    label: str
    path: Path | None
    device: str = ""


def mounted() -> tuple[Volume, ...]:
    """Every labelled volume of this machine."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return tuple(Volume(path.name, path) for path in sorted(Path("/Volumes").glob("*")))
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    return linux(mounts, _labels())


def linux(mounts: str, labels: Mapping[str, str]) -> tuple[Volume, ...]:
    """Volumes from the text of /proc/self/mounts and the labels by device; a mount without label goes by its folder."""
    found: list[Volume] = []
    seen: set[str] = set()
    for fields in (line.split() for line in mounts.splitlines()):
        if len(fields) >= 3 and fields[0].startswith("/dev/") and fields[2] in ("vfat", "msdos", "fuseblk", "exfat"):
            path = Path(_unescape(fields[1]))
            found.append(Volume(labels.get(fields[0], path.name), path, fields[0]))
            seen.add(fields[0])
    return (*found, *(Volume(label, None, device) for device, label in labels.items() if device not in seen))


def _labels() -> dict[str, str]:
    """Label of each block device that udev knows."""
    if not _BY_LABEL.is_dir():
        return {}
    return {str(link.resolve()): _unhex(link.name) for link in sorted(_BY_LABEL.iterdir())}


def _unescape(field: str) -> str:
    """The mount table writes space, tab, newline and backslash as three octal digits (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _unhex(name: str) -> str:
    """udev writes odd characters of a label as \\x and two hexadecimal digits."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), name)


def _windows() -> tuple[Volume, ...]:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    drives = kernel.GetLogicalDrives()
    found = []
    for index in range(26):
        root = f"{chr(ord('A') + index)}:\\"
        label = ctypes.create_unicode_buffer(261)
        if drives >> index & 1 and kernel.GetVolumeInformationW(root, label, 261, None, None, None, None, 0):
            found.append(Volume(label.value, Path(root), root))
    return tuple(found)
