# SPDX-License-Identifier: Apache-2.0
"""Layers that no output depends on go, with what only they read; all others stay."""

from __future__ import annotations

from models import Op, T, model

from tinyq_deploy.check import check
from tinyq_deploy.passes.unread import UnreadLayers
from tinyq_deploy.read import read

POOL = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1}


def pools(edges: list[tuple[int, int]], outputs: list[int]) -> bytes:
    count = max(max(edge) for edge in edges) + 1
    tensors = [T((1, 2, 2, 1), 0.5, 3) for _ in range(count)]
    return model(tensors, [Op("MAX_POOL_2D", [a], [b], POOL, 2) for a, b in edges], [0], outputs)


def test_a_branch_without_an_end_goes() -> None:
    graph = read(pools([(0, 1), (1, 2), (2, 3), (1, 4)], [4]), "x")
    smaller, report = UnreadLayers().run(graph)
    check(smaller)
    assert report.removed == ((1, "MAX_POOL_2D"), (2, "MAX_POOL_2D"))
    assert [node.index for node in smaller.nodes] == [0, 3]
    assert report.line == "unread layers: 1 MAX_POOL_2D, 2 MAX_POOL_2D"


def test_outputs_keep_what_they_depend_on() -> None:
    graph = read(pools([(0, 1), (1, 2), (1, 3)], [2, 3]), "x")
    smaller, report = UnreadLayers().run(graph)
    assert smaller is graph
    assert not report.changed
