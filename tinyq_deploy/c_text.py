# SPDX-License-Identifier: Apache-2.0
"""Text for C files: names, comments and array rows that no model can break out of."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_C_KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    bool class namespace new delete template this operator private public protected virtual arena main""".split()
)
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
LONGEST_NAME = 40
_ROW = {1: 24, 2: 16, 4: 8, 8: 4}
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16")
CTYPES = {"bool": "uint8_t", "float32": "float", **{name: f"{name}_t" for name in _INTEGERS}}


def identifier(text: str) -> str:
    """`text` as a lower-case C identifier and folder name of at most 40 letters, digits and underscores."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:LONGEST_NAME].rstrip("_")
    if (
        not name
        or name[0].isdigit()
        or name in _C_KEYWORDS
        or keyword.iskeyword(name)
        or name.startswith("tinyq")  # the firmware's own names
        or _WINDOWS_DEVICE.fullmatch(name)
    ):
        name = f"model_{name}".rstrip("_")[:LONGEST_NAME]
    return name


def comment(text: str) -> str:
    """`text` for the inside of a C comment, a C string or Markdown: printable ASCII, no quotes, backslashes, ?, <, >
    or */."""
    safe = "".join(c if " " <= c <= "~" and c not in '"\\?`|<>' else "_" for c in text[:80])
    return safe.replace("*/", "*_").replace("/*", "_*")


def rows(values: npt.NDArray[Any]) -> list[str]:
    """The elements of an integer array as lines of C initialisers."""
    flat = values.reshape(-1)
    step = _ROW[flat.itemsize]
    texts = [_literal(int(v)) for v in flat] if flat.itemsize >= 4 else [str(v) for v in flat.tolist()]
    return [", ".join(texts[i : i + step]) + "," for i in range(0, len(texts), step)]


def _literal(value: int) -> str:
    """INT32_MIN has no literal of its own in C: -2147483648 is the negation of a long."""
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def byte_rows(data: bytes) -> list[str]:
    """Bytes as lines of hexadecimal initialisers."""
    texts = [f"0x{value:02x}" for value in data]
    return [", ".join(texts[i : i + 12]) + "," for i in range(0, len(texts), 12)]


def shape(extents: Sequence[int]) -> str:
    """[1,49,10,64]"""
    return f"[{','.join(str(extent) for extent in extents)}]"


def number(value: int | float) -> str:
    """A field of a kernel's parameters."""
    return real(value) if isinstance(value, float) else _literal(value)


def real(value: float) -> str:
    """A float literal that reads back as the same float32."""
    text = np.format_float_scientific(np.float32(value), unique=True)
    return f"{text}f"
