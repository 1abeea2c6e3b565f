# SPDX-License-Identifier: Apache-2.0
"""Text from a model becomes names, comments and numbers that cannot leave their place."""

from __future__ import annotations

import ctypes
import keyword
import re

import host_c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq_deploy import c_text

QUICK = settings(max_examples=300, deadline=None, derandomize=True)
HOSTILE = (
    "*/ int main(void) { return 7; } /*",
    "// \\",
    "/*/",
    "*//*",
    "//*/",
    "??/",
    "a\nb",
    "a\r\nb",
    "a\0b",
    '"; exit(1); "',
    "{{ 7*7 }} {% raw %}",
    "\u202e\u2028\u0085",
    "\ud7ff\U0001f600",
    "",
    " ",
    "x" * 1_000_000,
    "`|<script>",
    "%s%n",
    "\\\n",
)


@pytest.mark.parametrize(("text", "expected"), [
    ("kws_ref_model", "kws_ref_model"),
    ("KWS Ref-Model (v2)", "kws_ref_model_v2"),
    ("../../etc/passwd", "etc_passwd"),
    ("/abs/olute", "abs_olute"),
    ("C:\\x\\y", "c_x_y"),
    ("1st", "model_1st"),
    ("", "model"),
    ("___", "model"),
    ("\u00fcber", "ber"),
    ("con", "model_con"),
    ("NUL", "model_nul"),
    ("lpt1", "model_lpt1"),
    ("int", "model_int"),
    ("class", "model_class"),
    ("template", "model_template"),
    ("main", "model_main"),
    ("tinyq", "model_tinyq"),
    ("tinyq_model", "model_tinyq_model"),
    ("x" * 300, "x" * 40),
])  # fmt: skip
def test_names_become_identifiers(text: str, expected: str) -> None:
    assert c_text.identifier(text) == expected


@QUICK
@given(st.text(max_size=60) | st.sampled_from(HOSTILE) | st.sampled_from(("auto", "Static", "COM7", "aux", "lambda")))
def test_any_text_becomes_an_identifier(text: str) -> None:
    name = c_text.identifier(text)
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name)
    assert not keyword.iskeyword(name)
    assert name not in c_text._C_KEYWORDS
    assert not re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", name)
    assert c_text.identifier(name) == name


@QUICK
@given(st.text(max_size=100) | st.sampled_from(HOSTILE) | st.text(alphabet="*/\\?", max_size=12))
def test_any_text_stays_in_its_comment(text: str) -> None:
    safe = c_text.comment(text)
    assert re.fullmatch(r"[ !#-;=@-\[\]-_a-{}~]*", safe), safe
    assert "*/" not in safe
    assert "/*" not in safe
    assert len(safe) <= 80


def test_comments_and_strings_compile() -> None:
    """In both kinds of comment and in a string, in front of code that must still be there."""
    lines = []
    for i, text in enumerate(
        (*HOSTILE, *("/" * n + "*" * m + "/" * k for n in range(3) for m in range(3) for k in range(3)))
    ):
        safe = c_text.comment(text)
        lines.append(f'/* "{safe}" */ int a{i} = {i}; // {safe}\n/* {safe} */ const char *s{i} = "{safe}";')
    folder = host_c.new_folder("comments")
    (folder / "comments.c").write_text("\n".join(lines), encoding="utf-8")
    host_c.compile_c(
        [host_c.compiler(), *host_c.WARNINGS, "-shared", "-fPIC", "comments.c", "-o", "comments.so"], folder
    )
    library = ctypes.CDLL(str(folder / "comments.so"))
    assert [ctypes.c_int.in_dll(library, f"a{i}").value for i in range(len(lines))] == list(range(len(lines)))
    found = ctypes.c_char_p.in_dll(library, "s0").value
    assert found == c_text.comment(HOSTILE[0]).encode()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_rows_hold_the_values(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.concatenate([np.arange(-40, 60), [limits.min, limits.max, 0]]).astype(dtype)
    lines = c_text.rows(values)
    assert all(line.endswith(",") and len(line) <= 140 for line in lines)
    read = [int(v.replace("INT32_MIN", str(limits.min))) for v in " ".join(lines).rstrip(",").split(",")]
    assert read == values.tolist()
    assert ("INT32_MIN" in " ".join(lines)) == (dtype == "int32")


def test_rows_of_nothing_are_none() -> None:
    assert c_text.rows(np.zeros(0, np.int8)) == []


def test_bytes_are_written_in_hexadecimal() -> None:
    assert c_text.byte_rows(bytes(range(13))) == [", ".join(f"0x{i:02x}" for i in range(12)) + ",", "0x0c,"]


def test_shapes_are_written_in_brackets() -> None:
    assert (c_text.shape((1, 49, 10, 64)), c_text.shape(())) == ("[1,49,10,64]", "[]")


@QUICK
@given(st.floats(width=32, min_value=0, allow_infinity=False, exclude_min=True))
def test_a_real_reads_back_as_the_same_float(value: float) -> None:
    text = c_text.real(value)
    assert re.fullmatch(r"[0-9]+\.[0-9]*(e[+-]?[0-9]+)?f", text)
    assert np.float32(text[:-1]) == np.float32(value)
