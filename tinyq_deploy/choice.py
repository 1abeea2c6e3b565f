# SPDX-License-Identifier: Apache-2.0
"""Which candidate of each layer comes first, by cost and flash.

With --optimize speed it is the cheapest, or the first in the order given that may be as cheap within the errors of the
predictions. Otherwise, of the candidates that are at most so many times as costly as that one, those are taken that
need the least flash together. Code that layers share is counted once, however many layers use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tinyq_deploy.kernels.base import KernelCall

# Times the cost of the best candidate that a smaller one may cost.
SLOWER = {"speed": 1.0, "balanced": 1.25, "size": 2.0}

Candidates = tuple[KernelCall, ...]


def order(layers: Sequence[Candidates], optimize: str) -> list[Candidates]:
    """Each layer's candidates, the chosen one first, then the others by cost. Ties, and layers whose costs cannot be
    compared, keep the order given."""
    sorted_ = [by_cost(calls) for calls in layers]
    near = [_near(calls, SLOWER[optimize]) for calls in sorted_]
    chosen = smallest(near)
    return [_first(calls, call) for calls, call in zip(sorted_, chosen, strict=True)]


def by_cost(calls: Candidates) -> Candidates:
    """What was measured, cheapest first; then the rest, cheapest first if the model knows all of it, led by the first
    in the order given that is not clearly dearer."""
    measured = [call for call in calls if call.cost is not None and call.cost.measured]
    rest = [call for call in calls if call not in measured]
    if rest and all(call.cost is not None for call in rest):
        most = _bound(min(rest, key=_amount), 1)
        best = next(call for call in rest if _bound(call, -1) <= most)
        rest = [best, *sorted((call for call in rest if call is not best), key=_amount)]
    return (*sorted(measured, key=_amount), *rest)


def _bound(call: KernelCall, sign: int) -> float:
    """The least (-1) or most (1) that the call costs if its prediction is within its error."""
    return _amount(call) * (1 + sign * (call.cost.error if call.cost else 0.0))


def _amount(call: KernelCall) -> int:
    assert call.cost is not None
    return call.cost.amount


def _near(calls: Candidates, factor: float) -> Candidates:
    """The candidates, best first, that may be taken: the first alone where costs or flash cannot be compared."""
    if not calls or factor == 1.0 or any(call.cost is None or call.cost.code_bytes is None for call in calls):
        return calls[:1]
    best = calls[0].cost
    assert best is not None
    alike = [call for call in calls if call.cost is not None and call.cost.measured == best.measured]
    return tuple(call for call in alike if _amount(call) <= factor * best.amount)


Picked = list[KernelCall | None]


def smallest(layers: Sequence[Candidates]) -> Picked:
    """One call per layer for the least flash, None for a layer without candidates. The search starts with all functions
    allowed and with each one alone; from there it goes on to allow or forbid one or two, as long as that spares flash.
    Given the functions that are allowed, each layer takes the call with the least flash of its own."""
    names = sorted({call.function or "" for calls in layers if len(calls) > 1 for call in calls})
    starts = [frozenset[str](), *(frozenset(names) - {name} for name in names)]
    found = [_search(layers, names, start) for start in starts]
    return min((picked for picked in found if picked is not None), key=_flash)


def _search(layers: Sequence[Candidates], names: Sequence[str], closed: frozenset[str]) -> Picked | None:
    moves = [frozenset(move) for count in (1, 2) for move in combinations(names, count)]
    chosen = _pick(layers, closed)
    while chosen is not None:
        options = [(closed ^ move, picked) for move in moves if (picked := _pick(layers, closed ^ move)) is not None]
        best = min(options, key=lambda option: _flash(option[1]), default=None)
        if best is None or _flash(best[1]) >= _flash(chosen):
            break
        closed, chosen = best
    return chosen


def _pick(layers: Sequence[Candidates], closed: frozenset[str]) -> Picked | None:
    """For each layer the call with the least flash of its own; None where a layer's functions are all closed."""
    open_ = [[call for call in calls if call.function not in closed] for calls in layers]
    if any(calls and not left for calls, left in zip(layers, open_, strict=True)):
        return None
    return [min(calls, key=_own_bytes, default=None) for calls in open_]


def _own_bytes(call: KernelCall) -> int:
    code = call.cost.code_bytes if call.cost is not None else None
    return call.constant_bytes + (code or 0)


def _flash(chosen: Sequence[KernelCall | None]) -> int:
    calls = [call for call in chosen if call is not None]
    shared = {call.function: (call.cost.shared_bytes if call.cost else None) or 0 for call in calls}
    return sum(map(_own_bytes, calls)) + sum(shared.values())


def _first(calls: Candidates, chosen: KernelCall | None) -> Candidates:
    return calls if chosen is None else (chosen, *(call for call in calls if call is not chosen))
