# SPDX-License-Identifier: Apache-2.0
"""Any two kernels can meet in one model.c: no name is defined twice."""

from __future__ import annotations

import re
from collections import defaultdict

from tinyq_deploy import assets

_FUNCTION = re.compile(r"^(?:static inline|TINYQ_\w+)[^;{()]*(?:\(\(\w+\)\)[^;{()]*)?\b(tinyq_\w+)\(", re.MULTILINE)
_TYPE = re.compile(r"^\} (tinyq_\w+);", re.MULTILINE)


def test_no_two_headers_define_one_name() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    root = assets.folder("firmware") / "kernels"
    for path in root.rglob("*.h"):
        text = path.read_text(encoding="utf-8")
        for name in (*_FUNCTION.findall(text), *_TYPE.findall(text)):
            places[name].add(path.relative_to(root).as_posix())
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
