# SPDX-License-Identifier: Apache-2.0
"""The harness itself: faults that are put in are found."""

from __future__ import annotations

import dataclasses

import host_c
import nets
import numpy as np
import pytest
from exact import samples
from host_c import planned, program

from tinyq_deploy.kernels.base import Constant
from tinyq_deploy.read import read

SMALL = nets.small()
LAST = "    layer_06_softmax();\n"
# Through volatile variables, so that only what happens can tell.
STORE = "    {{ uint8_t *volatile arena = net_arena; volatile int at = {at}; arena[at] = 1; }}\n"
PLANTS = {
    "behind": (LAST, LAST + STORE.format(at="NET_ARENA_BYTES + 3")),
    "before": (LAST, LAST + STORE.format(at="-5")),
}


def run(**options: object) -> str:
    """What the runner says of the fault; fails when it says nothing."""
    built = program({"net": SMALL}, **options)  # type: ignore[arg-type]
    with pytest.raises(AssertionError) as caught:
        built.run("net", samples(read(SMALL, "x")))
    return str(caught.value)


@pytest.mark.parametrize("side", ["behind", "before"])
def test_the_guards_see_a_byte_outside_the_arena(side: str) -> None:
    assert f"a byte {side} the arena was written" in run(plant=PLANTS[side], guards=True)


def test_the_address_sanitizer_sees_a_byte_outside_the_arena() -> None:
    assert "global-buffer-overflow" in run(plant=PLANTS["behind"])


def test_the_undefined_behaviour_sanitizer_sees_an_overflow() -> None:
    fault = "    volatile int32_t most = INT32_MAX;\n    most = most + 1;\n"
    assert "signed integer overflow" in run(plant=(LAST, fault + LAST), guards=True)


def test_a_read_of_stale_memory_is_seen() -> None:
    assert "depend on what the arena held" in run(plant=("    layer_00_conv_2d();\n", ""))


def test_a_written_input_is_seen() -> None:
    fault = "    ((volatile int8_t *)input)[0] ^= 1;\n"
    assert "the caller's input was written" in run(plant=(LAST, LAST + fault))


def test_a_kernel_that_reads_behind_its_weights_is_seen() -> None:
    call = planned(SMALL).layers[0].call
    short = tuple(
        Constant(a.name, a.values.reshape(-1)[:-1]) if isinstance(a, Constant) and a.name == "filter" else a
        for a in call.arguments
    )
    image = {0: np.ones(24, np.int8)}
    assert len(host_c.kernels().run(call, image, {3: 48})) == 48
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        host_c.kernels().run(dataclasses.replace(call, arguments=short), image, {3: 48})
    assert len(host_c.kernels().run(call, image, {3: 48})) == 48
