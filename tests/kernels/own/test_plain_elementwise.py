# SPDX-License-Identifier: Apache-2.0
"""Own SUB, MUL, operands that broadcast, tables, sums and copies give the bytes of the portable kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_exact import Machine, cases, check, own_calls

import nodes  # isort: skip  (own_exact adds its folder)

from tinyq_deploy.graph import NodeView
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.own.plain_add import affine, computed, reference
from tinyq_deploy.kernels.own.plain_lines import lines
from tinyq_deploy.kernels.own.plain_mul import packed
from tinyq_deploy.kernels.own.requantize import GENERIC, RISING, SIGNED
from tinyq_deploy.ops.add import Add, add_values
from tinyq_deploy.ops.mul import Mul

SEED = 1
MACHINES = [Machine(name) for name in ("host", "mps2-an386", "mps2-an385", "mps2-an385-m0plus")]
BROADCASTS = (
    ((1, 5, 7, 6), (1, 1, 1, 6)), ((6,), (1, 5, 7, 6)), ((1, 2, 2, 9), (1, 1, 1, 9)), ((1, 4, 4, 3), (1, 4, 4, 1)),
    ((1, 1, 4, 3), (1, 4, 4, 3)), ((1, 4, 1, 3), (1, 1, 5, 3)), ((3, 1), (1, 7)), ((1, 9), (1, 1)), ((1,), (5, 3)),
    ((2, 1, 3, 1, 2), (1, 4, 1, 3, 1)), ((2, 1, 3, 1, 2, 1), (1, 3, 1, 3, 1, 2)), ((1, 3, 5, 4), (1, 3, 5, 4)),
)  # fmt: skip
REDUCED = (
    ((1, 5, 7, 8), (1, 2)), ((1, 5, 7, 6), (1, 2)), ((1, 3, 100, 5), (1, 2)), ((1, 17, 31, 4), (1, 2)),
    ((1, 2, 2, 12), (1, 2)), ((3, 5, 4, 8), (1,)), ((3, 5, 7, 6), (2,)), ((2, 3, 4, 5), (1, 3)), ((4, 600), (1,)),
    ((1, 1200), (1,)), ((3, 1, 7), (2,)), ((2, 3, 5, 4), (0, 2)), ((5, 8), (0,)), ((2, 3, 4), (0, 1, 2)), ((7,), (0,)),
)  # fmt: skip


def random_views(rng: np.random.Generator) -> list[NodeView]:
    """All operators, all ways to broadcast, to reduce and to copy."""
    fixed = [None, None, 0, 1]
    views = [nodes.binary(rng, op, pair, fixed[int(rng.integers(4))]) for op in OPS for pair in BROADCASTS]
    views += [nodes.binary(rng, op, ((1, size), (1, size))) for op in OPS for size in (1, 2, 3, 4, 5, 130)]
    views += [nodes.table(rng, size) for size in (1, 3, 4, 7, 8, 9, 16, 131)]
    views += [nodes.reduction(rng, op, *shape) for op in ("MEAN", "SUM") for shape in REDUCED]
    margins = ((0, 0), (1, 2), (3, 0), (0, 0))
    views += [nodes.pad(rng, (1, 3, 5, channels), margins) for channels in (1, 3, 4, 16)]
    views += [nodes.pad(rng, (2, 3, 2, 3), [tuple(rng.integers(0, 3, 2)) for _ in range(4)]) for _ in range(4)]
    views += [nodes.pad(rng, (5,), ((2, 3),)), nodes.pad(rng, (1, 4, 3), ((0, 0), (0, 0), (0, 1)))]
    orders = ((0, 2, 1, 3), (0, 3, 1, 2), (3, 2, 1, 0), (0, 1, 3, 2), (0, 3, 2, 1))
    return views + [nodes.transpose(rng, (1, 5, 4, 7), order) for order in orders]


OPS = ("ADD", "SUB", "MUL")


FUNCTIONS = ("add", "add_lines", "mul", "mul_lines", "table", "sum", "pad", "copy")


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.board)
def test_bytes_equal(machine: Machine, tmp_path: Path) -> None:
    """Shared functions, which compile fastest; the sanitizers see a third of the cases."""
    found = cases(random_views(np.random.default_rng(SEED)), machine)
    assert {case.tested.function for case in found} >= {f"tinyq_own_plain_{name}" for name in FUNCTIONS}
    check(found[:: 3 if machine.is_host else 1], machine, tmp_path, "-Os")


@pytest.mark.parametrize("machine", MACHINES[1:], ids=lambda machine: machine.board)
def test_specialised_bytes_equal(machine: Machine, tmp_path: Path) -> None:
    check(cases(random_views(np.random.default_rng(SEED))[::7], machine), machine, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimize", ["-O3", "-O2", "-Os"])
@pytest.mark.parametrize("compiler", ["gcc", "zig"])
@pytest.mark.parametrize("board", ["host", "mps2-an386", "mps2-an500", "mps2-an505", "mps2-an385", "mps2-an385-m0plus"])
def test_many_bytes_equal(board: str, compiler: str, optimize: str, tmp_path: Path) -> None:
    machine = Machine(board, compiler)
    check(cases(random_views(np.random.default_rng(SEED + 1)), machine), machine, tmp_path, optimize)


def test_a_difference_is_exact_for_all_pairs() -> None:
    rng = np.random.default_rng(SEED)
    values = np.arange(-128, 128, dtype=np.int64)
    for _ in range(40):
        p = Add.params(nodes.binary(rng, "SUB", ((1, 5), (1, 5))))
        found = affine(p, -1)
        assert np.array_equal(reference(p, -1), add_values(p, values[:, None], values[None, :], -1))
        assert found is None or np.array_equal(computed(found), reference(p, -1))


def test_products_use_every_requantisation() -> None:
    """Random factors reach the kinds that the kernels have; a factor of 1/2 or above needs the generic one."""
    rng = np.random.default_rng(SEED)
    kinds = {packed(Mul.params(nodes.binary(rng, "MUL", ((1, 5), (1, 5))))).kind for _ in range(200)}
    assert kinds >= {GENERIC, SIGNED, RISING}


def test_a_gate_is_lines_of_pixels() -> None:
    """[H,W,C] by [C]: along a line the channel's factor stays; a gate that comes first swaps places."""
    rng = np.random.default_rng(SEED)
    found = lines(nodes.binary(rng, "MUL", ((1, 5, 7, 6), (1, 1, 1, 6))))
    assert (found.line.extent, found.line.output, found.line.operand2, found.swapped) == (35, 6, 0, False)
    assert lines(nodes.binary(rng, "MUL", ((6,), (1, 5, 7, 6)))).swapped
    few = lines(nodes.binary(rng, "MUL", ((1, 2, 1, 60), (1, 1, 1, 60))))
    assert (few.line.extent, few.line.operand2) == (60, 1)


def test_sizes_are_left_to_portable_kernels() -> None:
    """Where flash counts only ADD and SUB of equal shapes are smaller than the portable ones."""
    rng = np.random.default_rng(SEED)
    kept = {view.node.op for view in random_views(rng) if own_calls(view, Target("cortex-m4", small=True))}
    assert kept == {"ADD", "SUB"}


def test_the_output_may_be_an_input_of_its_size() -> None:
    rng = np.random.default_rng(SEED)
    gate = nodes.binary(rng, "MUL", ((1, 1, 1, 6), (1, 5, 7, 6)))
    (call,) = own_calls(gate, Target("cortex-m4"))
    assert call.in_place == (1,)
