# SPDX-License-Identifier: Apache-2.0
"""Exact packing: sound on random buffers, optimal where brute force can tell, the same every time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq_deploy.arena import Buffer, place
from tinyq_deploy.packing import MOST_BUFFERS, pack

Span = tuple[int, int, int]
QUICK = settings(max_examples=60, deadline=None, derandomize=True)
spans = st.builds(lambda size, first, life: (4 * size, first, first + life), st.integers(1, 9), st.integers(0, 5),
                  st.integers(0, 3))  # fmt: skip


def height(items: list[Span], offsets: list[int]) -> int:
    return max(offset + size for offset, (size, _, _) in zip(offsets, items, strict=True))


def lower_bound(items: list[Span]) -> int:
    return max(sum(size for size, first, last in items if first <= at <= last) for _, at, _ in items)


def assert_apart(items: list[Span], offsets: list[int]) -> None:
    for (i, a), (j, b) in itertools.combinations(enumerate(items), 2):
        if a[1] <= b[2] and b[1] <= a[2]:
            assert offsets[i] + a[0] <= offsets[j] or offsets[j] + b[0] <= offsets[i]


def brute_force(items: list[Span]) -> int:
    """The least height over every order of dropping buffers on those that they meet."""
    best = sum(size for size, _, _ in items)
    for order in itertools.permutations(range(len(items))):
        offsets: dict[int, int] = {}
        for i in order:
            meets = [j for j in offsets if items[j][1] <= items[i][2] and items[i][1] <= items[j][2]]
            offsets[i] = max((offsets[j] + items[j][0] for j in meets), default=0)
        best = min(best, height(items, [offsets[i] for i in range(len(items))]))
    return best


@QUICK
@given(st.lists(spans, min_size=1, max_size=6))
def test_small_packings_are_optimal(items: list[Span]) -> None:
    least = brute_force(items)
    found = pack(items, sum(size for size, _, _ in items) + 1, lower_bound(items))
    assert found is not None
    assert_apart(items, found)
    assert height(items, found) == least
    assert pack(items, least, lower_bound(items)) is None
    placed = place([Buffer((n,), *item) for n, item in enumerate(items)])
    assert max(b.offset + b.bytes for b in placed) == least


# Buffers that shrink ------------------------------------------------------------------------------------------------

shrinking = st.builds(
    lambda sizes, first: (4 * sizes[0], first, first + len(sizes) - 1,
                          *((first + n, 4 * size) for n, size in enumerate(sizes[1:], 1) if size < sizes[n - 1])),
    st.lists(st.integers(1, 9), min_size=1, max_size=4).map(lambda found: sorted(found, reverse=True)),
    st.integers(0, 5),
)  # fmt: skip


def size_at(item: tuple[object, ...], at: int) -> int:
    """Bytes of a span in use at a time."""
    size, first, last, *shrinks = item
    return min([size, *(less for since, less in shrinks if since <= at)]) if first <= at <= last else 0  # type: ignore


def assert_apart_at_all_times(items: list[tuple[object, ...]], offsets: list[int]) -> None:
    for at in range(12):
        used = sorted((offset, offset + size_at(item, at)) for item, offset in zip(items, offsets, strict=True)
                      if size_at(item, at))  # fmt: skip
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(used)), f"two buffers overlap at {at}"


def least_of_shrinking(items: list[tuple[object, ...]]) -> int:
    """The least height over every order of dropping buffers on those that they meet."""
    best = 10**9
    for order in itertools.permutations(range(len(items))):
        offsets: dict[int, int] = {}
        for i in order:
            below = [max((size_at(items[j], at) for at in range(12) if size_at(items[i], at)), default=0)
                     if any(size_at(items[j], at) and size_at(items[i], at) for at in range(12)) else None
                     for j in offsets]  # fmt: skip
            offsets[i] = max((offsets[j] + gap for j, gap in zip(offsets, below, strict=True) if gap is not None),
                             default=0)  # fmt: skip
        best = min(best, max(offset + items[i][0] for i, offset in offsets.items()))  # type: ignore
    return best


@QUICK
@given(st.lists(shrinking, min_size=1, max_size=5))
def test_what_shrinks_leaves_room(items: list[tuple[object, ...]]) -> None:
    lower = max(sum(size_at(item, at) for item in items) for at in range(12))
    found = pack(items, 10**6, lower)
    assert found is not None
    assert_apart_at_all_times(items, found)
    highest = max(offset + item[0] for item, offset in zip(items, found, strict=True))  # type: ignore
    assert highest == least_of_shrinking(items)
    buffers = [Buffer((n,), *item[:3], shrinks=item[3:]) for n, item in enumerate(items)]  # type: ignore
    placed = {b.tensors[0]: b.offset for b in place(buffers)}
    assert_apart_at_all_times(items, [placed[n] for n in range(len(items))])
    assert max(placed[n] + item[0] for n, item in enumerate(items)) == highest  # type: ignore


def random_spans(seed: int, count: int, layers: int) -> list[Span]:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, layers, count)
    last = np.minimum(layers - 1, first + rng.integers(0, 6, count))
    return [
        (4 * int(size), int(a), int(b)) for size, a, b in zip(rng.integers(1, 200, count), first, last, strict=True)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_larger_packings_are_sound_and_repeat(seed: int) -> None:
    items = random_spans(seed, 30, 20)
    once, again = (place([Buffer((n,), *item) for n, item in enumerate(items)]) for _ in range(2))
    assert once == again
    by_number = sorted(once, key=lambda b: b.tensors)
    assert [(b.bytes, b.first, b.last) for b in by_number] == items
    assert_apart(items, [b.offset for b in by_number])
    assert all(b.offset % 4 == 0 and b.offset >= 0 for b in once)


def test_most_reach_what_is_live_at_once() -> None:
    problems = [random_spans(seed, 14, 9) for seed in range(40)]
    heights = [max(b.offset + b.bytes for b in place([Buffer((n,), *i) for n, i in enumerate(p)])) for p in problems]
    assert sum(found == lower_bound(items) for found, items in zip(heights, problems, strict=True)) >= 38


def test_what_is_too_large_is_left_alone() -> None:
    items = [(4, 0, 0)] * (MOST_BUFFERS + 1)
    assert pack(items, 10**6, 4) is None
    assert len(place([Buffer((n,), *item) for n, item in enumerate(items)])) == MOST_BUFFERS + 1


def test_steps_end_the_search() -> None:
    items = random_spans(3, 30, 20)
    assert pack(items, lower_bound(items) + 400, lower_bound(items), steps=2) is None
