# SPDX-License-Identifier: Apache-2.0
"""The shipped cost table, and what tuning files do to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nets
import pytest

from tinyq_deploy import costs, tuning
from tinyq_deploy.board import Core
from tinyq_deploy.check import check
from tinyq_deploy.errors import UsageError
from tinyq_deploy.graph import Graph, NodeView
from tinyq_deploy.kernels.base import KernelCall, Target
from tinyq_deploy.lower import LoweredNode, lower
from tinyq_deploy.read import read
from tinyq_deploy.tuning import Tuning, call_key
from tinyq_deploy.work import work

CORES: tuple[Core, ...] = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55")
TOLD = {"error", "code", "shared", "samples"}


def graph() -> Graph:
    found = read(nets.small(), "small.tflite")
    check(found)
    return found


def lowered(core: Core, kernels: str = "auto", tuned: Tuning | None = None) -> tuple[LoweredNode, ...]:
    return lower(graph(), Target(core), kernels, costs.load(core, "speed", tuned))


def with_scratch(item: LoweredNode) -> list[KernelCall]:
    """The candidates but those that come last, which are others with less scratch."""
    calls = item.candidates
    return [c for n, c in enumerate(calls) if c.function not in {before.function for before in calls[:n]}]


def measured(amounts: dict[str, int], core: str = "cortex-m3", **changes: Any) -> Tuning:
    """A tuning of the small model's layers with these amounts by C function."""
    calls = {call_key(c): c.function or "" for item in lower(graph(), Target("cortex-m3"), "auto")
             for c in item.candidates}  # fmt: skip
    known = {key: amounts[name] for key, name in calls.items() if name in amounts}
    assert len(known) >= len(amounts)
    given = {"board": "b", "core": core, "optimize": "speed", "toolchain": "gcc 12.2.1", "counter": "by hand",
             "unit": "cycles", **changes}  # fmt: skip
    return Tuning(measured=known, **given)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
def test_the_table_knows_every_portable_kernel(core: Core, optimize: str) -> None:
    known = costs.load(core, optimize)
    functions = {c.function for item in lower(graph(), Target(core), "portable") for c in item.candidates}
    assert functions - {None} <= known.entries.keys()


@pytest.mark.parametrize("core", CORES)
def test_entries_are_made_of_work(core: Core) -> None:
    names = {n for item in lowered(core) for c in item.candidates for n in work(NodeView(graph(), item.node), c)}
    names |= {"tile_inputs", "tile_macs", "tile_outputs", "tile_weights"}  # of larger layers than the model has
    forms = ("even_", "form_", "kind_", "requantization_")
    for optimize in ("speed", "balanced", "size"):
        for function, entry in costs.load(core, optimize).entries.items():
            assert {n for n in entry.instructions if not n.startswith(forms)} <= names, function
            assert min(entry.instructions.values()) > 0
            assert 0 <= entry.error < 1.5
            assert min(entry.code_bytes, entry.samples) > 0


def test_cores_that_count_alike_share_their_entries() -> None:
    assert costs.load("cortex-m7", "speed").entries == costs.load("cortex-m4", "speed").entries
    assert costs.load("cortex-m33", "size").entries == costs.load("cortex-m4", "size").entries
    assert costs.load("host", "speed").entries == {}


def test_work_of_a_convolution_is_counted() -> None:
    """3 x 3 over a 6 x 4 x 1 image with padding, into 2 channels."""
    item = lowered("cortex-m3")[0]
    found = work(NodeView(graph(), item.node), item.candidates[0])
    pixels, channels = 24, found["channels"]
    assert (found["pixels"], found["outputs"], found["layer"]) == (pixels, pixels * channels, 1)
    assert found["macs"] == pixels * channels * 9
    assert found["inside"] == (3 * 6 - 2) * (3 * 4 - 2) * channels
    assert (found["rows"], found["taps"], found["weights"]) == (pixels * 3, pixels * 9, 9 * channels)


def test_more_work_costs_more() -> None:
    entry = costs.Entry({"macs": 2.0, "layer": 10.0}, 0.1, 1, 0, 9)
    assert entry.predict({"macs": 100, "layer": 1, "outputs": 5}) == 210
    assert entry.predict({"layer": 1}) == 10


def test_auto_takes_a_call_that_is_not_clearly_dearer_than_another() -> None:
    for core in CORES:
        for item in lowered(core):
            known = [c.cost for c in item.candidates if c.cost]
            if known and len(known) == len(item.candidates):
                least = min(cost.amount * (1 + cost.error) for cost in known)
                assert known[0].amount * (1 - known[0].error) <= least, (core, item.node.op)
                rest = [cost.amount for cost in known[1:]]
                assert rest == sorted(rest), (core, item.node.op)


def test_a_named_set_stays_in_front() -> None:
    for item in lowered("cortex-m4", "own"):
        sets = [c.kernel_set for c in with_scratch(item)]
        assert sets == sorted(sets, key=("own", "portable").index)


def test_without_costs_the_sets_decide() -> None:
    for item in lower(graph(), Target("cortex-m4"), "auto"):
        sets = [c.kernel_set for c in with_scratch(item)]
        assert sets == sorted(sets, key=("own", "cmsis-nn", "portable").index)
        assert all(c.cost is None for c in item.candidates)


def test_a_measurement_changes_the_choice() -> None:
    place = next(n for n, item in enumerate(lowered("cortex-m3")) if item.node.op == "MAX_POOL_2D")
    functions = [str(c.function) for c in lowered("cortex-m3")[place].candidates]
    assert len(functions) > 1
    for winner in functions:
        amounts = {name: 1 if name == winner else 1000 for name in functions}
        found = lowered("cortex-m3", tuned=measured(amounts))[place].candidates[0]
        assert found.function == winner
        assert found.cost is not None
        assert (found.cost.amount, found.cost.unit, found.cost.source) == (1, "cycles", "measured")


def test_a_measurement_counts_for_its_own_layer_alone() -> None:
    tuned = measured({"tinyq_portable_max_pool_2d": 1})
    plain, changed = lowered("cortex-m3"), lowered("cortex-m3", tuned=tuned)
    differ = [n for n, (a, b) in enumerate(zip(plain, changed, strict=True)) if a.candidates[0].cost
              != b.candidates[0].cost]  # fmt: skip
    assert [plain[n].node.op for n in differ] == ["MAX_POOL_2D"]


def test_a_tuning_for_another_build_is_refused_with_all_that_differs() -> None:
    with pytest.raises(UsageError) as caught:
        costs.load("cortex-m4", "size", measured({}, place="t.toml"))
    assert [f.found for f in caught.value.faults] == ["t.toml: cortex-m3, not cortex-m4", "t.toml: speed, not size"]


def test_a_tuning_file_reads_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tuning.toml"
    tuned = measured({"tinyq_portable_max_pool_2d": 7, "tinyq_portable_add": 9}, place=str(path))
    path.write_text(tuned.to_toml(), encoding="utf-8")
    assert tuning.load(path) == tuned
    assert tuning.load(path).to_toml() == tuned.to_toml()


def test_equal_calls_keep_the_slowest() -> None:
    assert tuning.slowest([(("f", ""), 3), (("f", ""), 5), (("f", ""), 4)]) == {("f", ""): 5}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("schema = ", "a tuning file is TOML"),
        ('schema = "tinyq-deploy/tuning/9"', "a tuning file is as `tinyq-deploy tune` wrote it"),
        (measured({}).to_toml() + "extra = 1\n", "a tuning file is as `tinyq-deploy tune` wrote it"),
        (measured({"tinyq_portable_add": 9}).to_toml().replace("amount = 9", "amount = -9"), "a tuning file is as"),
        (measured({"tinyq_portable_add": 9}).to_toml().replace('"cycles"', '"hours"'), "a tuning file is as"),
    ],
)
def test_a_malformed_file_is_told(tmp_path: Path, text: str, rule: str) -> None:
    (tmp_path / "t.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        tuning.load(tmp_path / "t.toml")
    assert caught.value.faults[0].rule.startswith(rule)
    assert "t.toml" in caught.value.faults[0].found


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can be read"):
        tuning.load(tmp_path / "none.toml")
