# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, SQUEEZE and EXPAND_DIMS are views: no code, the same memory; and every rule, broken."""

from __future__ import annotations

import pytest
from broken import MOVED, assert_complete, assert_refused
from exact import assert_models_exact
from host_c import planned
from models import Op, T, constant, model

POOL = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1}


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


SHAPE = constant([6], dtype="int32")
MODELS = {
    "alone": model([q(1, 2, 3), q(6), SHAPE], [Op("RESHAPE", [0, 2], [1])], [0], [1]),
    "no_shape_input": model([q(1, 2, 3), q(6)], [Op("RESHAPE", [0], [1])], [0], [1]),
    "absent_shape_input": model([q(1, 2, 3), q(6)], [Op("RESHAPE", [0, -1], [1], None)], [0], [1]),
    "chain": model([q(1, 6), q(2, 3), q(6), q(3, 2)], [Op("RESHAPE", [i], [i + 1]) for i in range(3)], [0], [3]),
    "between": model(
        [q(6), q(1, 2, 3, 1), q(1, 2, 3, 1), q(2, 3)],
        [Op("RESHAPE", [0], [1]), Op("MAX_POOL_2D", [1], [2], POOL), Op("RESHAPE", [2], [3])],
        [0],
        [3],
    ),
    "both_outputs": model([q(1, 6), q(2, 3)], [Op("RESHAPE", [0], [1])], [0], [0, 1]),
    "view_and_source_read": model(
        [q(6), q(1, 6), q(1, 6), q(6), q(6)],
        [Op("RESHAPE", [0], [1]), Op("ADD", [1, 1], [2]), Op("RESHAPE", [2], [3]), Op("ADD", [0, 3], [4])],
        [0],
        [4],
    ),
}


def test_the_generated_c_computes_what_the_oracle_does() -> None:
    assert_models_exact(MODELS)


def test_a_view_shares_memory_and_has_no_code() -> None:
    plan = planned(MODELS["chain"])
    assert len({plan.offsets[tensor] for tensor in range(4)}) == 1
    assert plan.code_layers() == ()
    assert plan.arena_bytes == 8


def small(inputs: tuple[int, ...] = (0, 2), *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    tensors = {"input": q(2, 3), "output": q(6), "shape": SHAPE, **changed}
    return model([*tensors.values()], [Op("RESHAPE", inputs, [1])], given, [1])


VIEWS = {
    "SQUEEZE": model([q(1, 3, 1, 2), q(3, 2)], [Op("SQUEEZE", [0], [1])], [0], [1]),
    "EXPAND_DIMS": model([q(3, 2), q(3, 1, 2), constant(1, dtype="int32")], [Op("EXPAND_DIMS", [0, 2], [1])], [0], [1]),
}


def test_squeeze_and_expand_dims_are_views_too() -> None:
    assert_models_exact({name.lower(): data for name, data in VIEWS.items()})
    assert [planned(data).code_layers() for data in VIEWS.values()] == [(), ()]


def test_a_constant_is_copied_where_it_cannot_be_folded() -> None:
    tensors = [q(6), constant([[1, -2, 3], [4, 5, -6]], 0.5, zero_point=3), q(6), q(6)]
    data = model(tensors, [Op("RESHAPE", [1], [2]), Op("ADD", [0, 2], [3])], [0], [2, 3])
    assert_models_exact({"constant": data})


def other(op: str, inputs: tuple[int, ...], *, given: tuple[int, ...] = (0,), **changed: T) -> bytes:
    """A SQUEEZE or EXPAND_DIMS that is accepted, but for what is changed."""
    tensors = {"input": q(1, 6), "output": q(6), "axis": constant(0, dtype="int32"), **changed}
    return model([*tensors.values()], [Op(op, inputs, [1])], given, [1])


def broken(op: str, inputs: tuple[int, ...]) -> dict[str, list[bytes]]:
    return {
        MOVED: [other(op, inputs, input=T((1, 6), 0.5, 128)), other(op, inputs, output=T((6,), 0.25, 3))],
        "Input and output have the same number of elements.": [other(op, inputs, output=q(5))],
    }


OTHERS = {
    "SQUEEZE": {"It has 1 inputs and 1 outputs.": [other("SQUEEZE", (0, 2))], **broken("SQUEEZE", (0,))},
    "EXPAND_DIMS": {
        "It has 2 inputs and 1 outputs.": [other("EXPAND_DIMS", (0,))],
        "The axis is a constant.": [other("EXPAND_DIMS", (0, 2), given=(0, 2), axis=q(1))],
        **broken("EXPAND_DIMS", (0, 2)),
    },
}


BROKEN = {
    "It has 1 to 2 inputs and 1 outputs.": [small(()), small((0, 2, 2))],
    "The new shape is a constant.": [small(given=(0, 2), shape=q(1))],
    MOVED: [
        small(input=T((2, 3), 0.5, 128)),
        small(output=T((6,), 0.5, -129)),
        small(output=T((6,), 0.25, 3)),
        small(output=T((6,), 0.5, 4)),
    ],
    "Input and output have the same number of elements.": [small(output=q(7))],
}


def test_every_rule_is_broken_here() -> None:
    planned(small())
    assert_complete("RESHAPE", BROKEN)
    for op, rules in OTHERS.items():
        assert_complete(op, rules)


ALL = {"RESHAPE": BROKEN, **OTHERS}


@pytest.mark.parametrize(("op", "rule"), [(op, rule) for op in ALL for rule in ALL[op]])
def test_a_broken_rule_is_told(op: str, rule: str) -> None:
    assert_refused(op, rule, ALL[op][rule])
