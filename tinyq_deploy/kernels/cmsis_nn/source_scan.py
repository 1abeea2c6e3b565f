# SPDX-License-Identifier: Apache-2.0
"""Which file of a CMSIS-NN copy defines which function, and which functions it calls in turn.

Read off the text, all branches of the preprocessor together: a superset of what any one core needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tinyq_deploy.errors import UsageError

LARGEST_FILE = 1 << 20

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DEFINITION = re.compile(r"\b(arm_\w+)\s*\((?:[^;{}()]|\([^()]*\))*\)\s*\{")
_CALL = re.compile(r"\b(arm_\w+)\s*\(")
_MACRO = re.compile(r"^\s*#\s*define\s+(arm_\w+)", re.MULTILINE)
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# Floating point (its headers are only included when it is asked for), Python bindings, and what others added.
_LEFT_OUT = re.compile(r"_(f16|f32|flt)\b|^bakenn_")


@dataclass(frozen=True)
class Scan:
    """`sources` names the file that defines a function, `calls` what the functions of a file need of other files."""

    root: Path
    sources: Mapping[str, Path]
    calls: Mapping[Path, frozenset[str]]

    def complete(self) -> frozenset[str]:
        """The functions whose sources, and those of all they call, are there."""
        lacking = {name for needed in self.calls.values() for name in needed if name not in self.sources}
        broken: set[Path] = set()
        while True:
            more = {f for f, needed in self.calls.items() if f not in broken and needed & lacking}
            if not more:
                return frozenset(self.sources) - lacking
            broken |= more
            lacking |= {name for name, file in self.sources.items() if file in more}

    def closure(self, functions: Sequence[str]) -> tuple[Path, ...]:
        """The source files that `functions` need, sorted. Raises KeyError for a function that is not `complete`."""
        wanted, files = list(functions), set[Path]()
        while wanted:
            file = self.sources[wanted.pop()]
            if file not in files:
                files.add(file)
                wanted += self.calls[file]
        return tuple(sorted(files))

    def headers(self, files: Sequence[Path]) -> tuple[Path, ...]:
        """The library's own headers that `files` include, directly or not, sorted."""
        found, wanted = set[Path](), list(files)
        while wanted:
            for header in self._included(wanted.pop()):
                if header not in found:
                    found.add(header)
                    wanted.append(header)
        return tuple(sorted(found))

    def includes(self, files: Sequence[Path]) -> frozenset[str]:
        """Every name in an #include of `files`, the library's own and others."""
        return frozenset(name for file in files for name in _INCLUDE.findall(_read(file)))

    def _included(self, file: Path) -> Iterator[Path]:
        for name in _INCLUDE.findall(_read(file)):
            places = (file.parent / name, self.root / "Include" / name, self.root / "Include" / "Internal" / name)
            place = next((p for p in places if p.is_file() and not _LEFT_OUT.search(p.name)), None)
            if place is not None and _inside(place, self.root):
                yield self.root / place.resolve().relative_to(self.root)


def scan(root: Path) -> Scan:
    """Scans Include/ and Source/ of a copy at `root`, a resolved path. Links that lead out of it are not followed."""
    inline: set[str] = set()
    for header in _files(root / "Include", "*.h", root):
        text = _read(header)
        inline.update(_DEFINITION.findall(text))
        inline.update(_MACRO.findall(text))
    sources: dict[str, Path] = {}
    calls: dict[Path, frozenset[str]] = {}
    for file in _files(root / "Source", "*.c", root):
        text = _read(file)
        defined = set(_DEFINITION.findall(text))
        for name in sorted(defined):
            sources.setdefault(name, file)
        calls[file] = frozenset(set(_CALL.findall(text)) - defined - inline - set(_MACRO.findall(text)))
    return Scan(root, MappingProxyType(sources), MappingProxyType(calls))


def _files(folder: Path, pattern: str, root: Path) -> list[Path]:
    found = (p for p in folder.rglob(pattern) if p.is_file() and not _LEFT_OUT.search(p.stem))
    return sorted(p for p in found if _inside(p, root) and p.stat().st_size <= LARGEST_FILE)


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def _read(path: Path) -> str:
    try:
        return _COMMENT.sub(" ", path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise UsageError(
            "the files of CMSIS-NN can be read", f"{path}: {error.strerror}", "check its rights"
        ) from error
