# SPDX-License-Identifier: Apache-2.0
"""Finds the user's CMSIS-NN and says what it holds. Nothing of it ships with this package."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinyq_deploy import assets
from tinyq_deploy.errors import UsageError
from tinyq_deploy.kernels.cmsis_nn.source_scan import Scan, scan

Version = tuple[int, int, int]
# What fully connected kernels on MVE read besides weights and bias: nothing; the sum of each row of weights; that sum
# times the input offset, plus the bias.
KernelSums = Literal["none", "plain", "folded"]

OLDEST, NEWEST = 4, 7
# Include folders of an emitted project that holds CMSIS-NN files, relative to it.
INCLUDE_DIRS = ("cmsis_nn/Include", "cmsis_nn/shim")
# The library's own files are not ours to make free of warnings; 4.1 relies on <arm_acle.h> for the integer types.
SOURCE_FLAGS = ("-w", "-include", "stdint.h")

_HEADER = "Include/arm_nnfunctions.h"
_CORE_HEADER = "cmsis_compiler.h"
_LICENSES = ("LICENSE", "LICENSE.txt")
_HINT = (
    "--cmsis-nn takes the folder that holds Include/arm_nnfunctions.h and Source/, of CMSIS-NN "
    f"{OLDEST}.x to {NEWEST}.x, e.g. a pack's ARM/CMSIS-NN/7.0.0 or a git checkout"
)

# $Revision of arm_nnfunctions.h at each release; what lies between two belongs to the earlier. A git checkout has no
# version but this one: its .pdsc says 0.0.0. Read off the tags of github.com/ARM-software/CMSIS-NN.
_REVISIONS: tuple[tuple[tuple[int, int], Version], ...] = (
    ((18, 0), (7, 0, 0)),
    ((16, 0), (6, 0, 0)),
    ((12, 4), (5, 0, 0)),
    ((11, 3), (4, 1, 0)),
    ((11, 2), (4, 0, 0)),
    ((0, 0), (3, 0, 0)),
)
_KNOWN_REVISION = 19

_RELEASE = re.compile(r'<release\s+version="(\d+)\.(\d+)\.(\d+)')
_REVISION = re.compile(r"\$Revision:\s*V\.(\d+)\.(\d+)")
_VERSION_FOLDER = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_UPSCALED = re.compile(r"\barm_convolve_s8\([^;]*\bupscale_dims\b")
_FOLDED_SUM = re.compile(r"=\s*\*\s*kernel_sum\s*\+\+")


@dataclass(frozen=True)
class Library:
    """One copy of CMSIS-NN. `root` holds Include/ and Source/; `origin` says how it was found; `functions` are those
    whose sources are there, all they call included; `exact_version` is False for a checkout between releases;
    `convolves_upscaled`: arm_convolve_s8 has the argument upscale_dims, as from 7.0 on."""

    root: Path
    version: Version
    origin: str
    exact_version: bool
    kernel_sums: KernelSums
    convolves_upscaled: bool
    functions: frozenset[str]
    scan: Scan
    license: Path | None

    def has(self, *functions: str) -> bool:
        """Whether every one of `functions` can be compiled from this copy."""
        return self.functions.issuperset(functions)

    def describe(self) -> str:
        """One line for reports. Rounding: the project never defines CMSIS_NN_USE_SINGLE_ROUNDING, so the library rounds
        twice when it requantises, as TFLite's reference kernels do."""
        version = ".".join(str(part) for part in self.version) + ("" if self.exact_version else " or later")
        return f"CMSIS-NN {version} ({self.origin}), double rounding"


def find(explicit: Path | None, environ: Mapping[str, str]) -> Library | None:
    """The first copy among: `explicit` (--cmsis-nn), TINYQ_CMSIS_NN, CMSIS_NN_LOCAL_PATH, the newest supported pack in
    CMSIS_PACK_ROOT and in the default pack roots, the sources inside the installed Python package bakenn.

    Raises UsageError when `explicit` or TINYQ_CMSIS_NN is not a CMSIS-NN of a supported version.
    """
    if explicit is not None:
        return read(explicit, "--cmsis-nn")
    if environ.get("TINYQ_CMSIS_NN"):
        return read(Path(environ["TINYQ_CMSIS_NN"]), "TINYQ_CMSIS_NN")
    return next((library for path, origin in _places(environ) if (library := _try(path, origin))), None)


def read(path: Path, origin: str) -> Library:
    """The CMSIS-NN at `path`. Raises UsageError when there is none or its version is not supported."""
    root = _root(path)
    if root is None:
        raise UsageError("the path names a CMSIS-NN", f"{origin} {path}: no {_HEADER} with a Source/ beside it", _HINT)
    version, exact = _version(root)
    if not OLDEST <= version[0] <= NEWEST:
        found = ".".join(str(part) for part in version)
        raise UsageError(
            f"CMSIS-NN is version {OLDEST} to {NEWEST}",
            f"{origin} {path}: version {found}, whose interface and scratch sizes are not known here",
            _HINT,
        )
    scanned = scan(root)
    return Library(
        root, version, origin, exact, _kernel_sums(root),
        _UPSCALED.search(_text(root / _HEADER)) is not None, scanned.complete(), scanned,
        next((p for name in _LICENSES for p in (root / name, root.parent / name) if p.is_file()), None),
    )  # fmt: skip


def closure(library: Library, functions: Sequence[str]) -> tuple[Path, ...]:
    """The source files that `functions`, all of which the library `has`, need in turn; absolute, sorted."""
    return library.scan.closure(functions)


def project_files(library: Library, functions: Sequence[str]) -> dict[str, bytes]:
    """What an emitted project takes of the library for `functions`: path under cmsis_nn/ -> bytes, sorted.

    CMSIS-NN 4.0 asks for headers of CMSIS-Core; a few definitions of our own stand in for them.
    """
    sources = closure(library, functions)
    headers = library.scan.headers(sources)
    files = {f"cmsis_nn/{p.relative_to(library.root).as_posix()}": p for p in (*sources, *headers)}
    if library.license is not None:
        files[f"cmsis_nn/{library.license.name}"] = library.license
    if _CORE_HEADER in library.scan.includes((*sources, *headers)):
        shim = assets.folder("firmware") / "kernels" / "cmsis_nn" / "shim"
        files |= {f"cmsis_nn/shim/{p.name}": p for p in shim.glob("*.h")}
    return {name: files[name].read_bytes() for name in sorted(files)}


def _try(path: Path, origin: str) -> Library | None:
    """Like `read`, but None for what the user did not name."""
    try:
        return read(path, origin)
    except UsageError:
        return None


def _places(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if environ.get("CMSIS_NN_LOCAL_PATH"):
        yield Path(environ["CMSIS_NN_LOCAL_PATH"]), "CMSIS_NN_LOCAL_PATH"
    for root in _pack_roots(environ):
        for path in _packs(root):
            yield path, f"pack ARM.CMSIS-NN.{path.name}"
    bundled = _bakenn()
    if bundled is not None:
        yield bundled, "Python package bakenn"


def _pack_roots(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("CMSIS_PACK_ROOT"):
        yield Path(environ["CMSIS_PACK_ROOT"])
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if home:
        yield Path(home, ".cache", "arm", "packs")
    if environ.get("LOCALAPPDATA"):
        yield Path(environ["LOCALAPPDATA"], "Arm", "Packs")


def _packs(root: Path) -> list[Path]:
    """The versions of ARM.CMSIS-NN in a pack root, newest first."""
    try:
        folders = [p for p in (root / "ARM" / "CMSIS-NN").iterdir() if _VERSION_FOLDER.match(p.name) and p.is_dir()]
    except OSError:
        return []
    return sorted(folders, key=lambda p: [int(n) for n in _VERSION_FOLDER.findall(p.name)[0]], reverse=True)


def _bakenn() -> Path | None:
    """Where the package bakenn keeps its copy; it is located, not imported."""
    try:
        spec = importlib.util.find_spec("bakenn")
    except (ImportError, ValueError):
        return None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0], "backend", "cmsis_nn", "vendor", "cmsis_nn") if folders else None


def _root(path: Path) -> Path | None:
    """The folder of Include/ and Source/ at, in or around `path`."""
    base = path.expanduser()
    around = (
        base,
        base / "CMSIS-NN",
        base / "CMSIS" / "NN",
        base.parent if base.name in ("Include", "Source") else base,
    )
    for candidate in around:
        try:
            if (candidate / _HEADER).is_file() and (candidate / "Source").is_dir():
                return candidate.resolve(strict=True)
        except OSError:
            continue
    return None


def _version(root: Path) -> tuple[Version, bool]:
    """The version, and whether it is a release's: from the pack's description, else from the header's revision."""
    for description in sorted(root.glob("*.pdsc")):
        released = _RELEASE.search(_text(description))
        if released and any(released.groups()) and released[1] != "0":
            return (int(released[1]), int(released[2]), int(released[3])), True
    revision = _REVISION.search(_text(root / _HEADER))
    number = (int(revision[1]), int(revision[2])) if revision else (0, 0)
    if number[0] > _KNOWN_REVISION:
        return (NEWEST + 1, 0, 0), False
    return next((version, number == release) for release, version in _REVISIONS if number >= release)


def _kernel_sums(root: Path) -> KernelSums:
    """Read off the one kernel that uses them; the releases differ here without a change of interface."""
    path = next(iter(root.glob("Source/**/arm_nn_vec_mat_mult_t_s8.c")), None)
    text = _text(path) if path else ""
    if "kernel_sum" not in text:
        return "none"
    return "folded" if _FOLDED_SUM.search(text) else "plain"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            "the files of CMSIS-NN can be read", f"{path}: {error.strerror}", "check its rights"
        ) from error
