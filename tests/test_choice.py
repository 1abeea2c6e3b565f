# SPDX-License-Identifier: Apache-2.0
"""The rule by which candidates are ordered: cost within a limit, then flash, shared code counted once."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from tinyq_deploy import choice
from tinyq_deploy.kernels.base import Constant, Cost, KernelCall, KernelSet


def call(
    function: str, amount: int | None, code: int | None = 0, shared: int | None = 0, *, constants: int = 0,
    measured: bool = False, kernel_set: KernelSet = "own",
) -> KernelCall:  # fmt: skip
    cost = None if amount is None else Cost(amount, "instructions", measured, 0.1, code, shared)
    arrays = (Constant("weights", np.zeros(constants, np.int8)),) if constants else ()
    return KernelCall(kernel_set, function, arguments=arrays, cost=cost)


def names(layers: list[choice.Candidates]) -> list[str]:
    return [" ".join(str(call.function) for call in calls) for calls in layers]


def test_speed_takes_the_cheapest_whatever_it_takes_in_flash() -> None:
    layers = [(call("a", 300), call("b", 100, 9000), call("c", 101, 10))]
    assert names(choice.order(layers, "speed")) == ["b c a"]


def test_what_ties_keeps_its_order() -> None:
    assert names(choice.order([(call("a", 100, 5), call("b", 100, 5))], "speed")) == ["a b"]
    assert names(choice.order([(call("b", 100, 5), call("a", 100, 5))], "speed")) == ["b a"]


@pytest.mark.parametrize(("other", "taken"), [(83, "own"), (81, "cheaper")])
def test_what_may_be_as_cheap_within_the_errors_keeps_its_order(other: int, taken: str) -> None:
    """Errors of a tenth: 100 may be 90, and 83 may be 91.3 but 81 no more than 89.1."""
    layers = [(call("own", 100, 9000), call("cheaper", other, 10))]
    assert names(choice.order(layers, "speed"))[0].split()[0] == taken


def test_a_candidate_that_no_table_knows_keeps_the_order_given() -> None:
    layers = [(call("own", None), call("cmsis", 100), call("portable", 50))]
    for optimize in choice.SLOWER:
        assert names(choice.order(layers, optimize)) == ["own cmsis portable"]


def test_what_was_measured_comes_before_what_was_not() -> None:
    layers = [(call("a", 10), call("b", 900, measured=True), call("c", 800, measured=True))]
    assert names(choice.order(layers, "speed")) == ["c b a"]


def test_views_and_layers_without_candidates_pass() -> None:
    view = KernelCall("portable", None)
    assert choice.order([(view,), ()], "size") == [(view,), ()]


@pytest.mark.parametrize(("optimize", "taken"), [("speed", "fast"), ("balanced", "near"), ("size", "slow")])
def test_flash_decides_among_those_that_are_cheap_enough(optimize: str, taken: str) -> None:
    layers = [(call("fast", 100, 900), call("near", 125, 500), call("slow", 200, 300), call("slowest", 201, 0))]
    assert names(choice.order(layers, optimize))[0].split()[0] == taken


def test_constants_count_as_flash() -> None:
    layers = [(call("a", 100, 50, constants=100), call("b", 100, 120))]
    assert names(choice.order(layers, "size")) == ["b a"]


def test_shared_code_is_counted_once_however_many_layers_use_it() -> None:
    """Alone each layer would take `small`; all three together share `large` for less."""
    layer = (call("small", 100, 40, 70), call("large", 100, 20, 100))
    assert [n.split()[0] for n in names(choice.order([layer], "size"))] == ["small"]
    assert [n.split()[0] for n in names(choice.order([layer] * 3, "size"))] == ["large"] * 3


def test_a_function_that_one_layer_needs_serves_the_others_too() -> None:
    only = (call("needed", 100, 10, 500),)
    either = (call("other", 100, 0, 200), call("needed", 100, 10, 500))
    assert [n.split()[0] for n in names(choice.order([either, only], "size"))] == ["needed", "needed"]


def flash(chosen: tuple[KernelCall, ...]) -> int:
    shared = {c.function: c.cost.shared_bytes for c in chosen if c.cost}
    return sum(c.constant_bytes + (c.cost.code_bytes or 0) for c in chosen if c.cost) + sum(
        size or 0 for size in shared.values()
    )


def test_the_choice_is_no_worse_than_any_single_set_and_mostly_the_best() -> None:
    """Over random layers the search is compared with all choices."""
    best = 0
    for seed in range(60):
        rng = random.Random(seed)
        shared = {name: rng.randrange(0, 900) for name in "abcd"}
        layers = [
            tuple(call(n, 100, rng.randrange(0, 300), shared[n]) for n in rng.sample("abcd", rng.randint(2, 4)))
            for _ in range(5)
        ]
        found = flash(tuple(calls[0] for calls in choice.order(layers, "size")))
        least = min(flash(chosen) for chosen in itertools.product(*layers))
        for name in "abcd":
            single = [next((c for c in calls if c.function == name), None) for calls in layers]
            if None not in single:
                assert found <= flash(tuple(c for c in single if c is not None))
        best += found == least
    assert best >= 55
