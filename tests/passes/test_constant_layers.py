# SPDX-License-Identifier: Apache-2.0
"""A sum of constants is computed by the compiler as the kernel would have."""

from __future__ import annotations

import numpy as np
import pytest
from exact import reference
from execute import Program, inputs_of
from models import Op, T, constant, model

from tinyq_deploy.passes.constants import ConstantLayers
from tinyq_deploy.read import read


def sums(activation: str, outputs: list[int], seed: int = 3) -> bytes:
    """Two constants of 256 values each, their sum, and that plus the input."""
    values = np.random.default_rng(seed).integers(-128, 128, (2, 1, 256))
    tensors = [
        T((1, 256), 0.5, 3), constant(values[0], 0.3, zero_point=-7), constant(values[1], 0.02, zero_point=100),
        T((1, 256), 0.21, 11), T((1, 256), 0.6, 0),
    ]  # fmt: skip
    options = {"fused_activation_function": activation}
    return model(tensors, [Op("ADD", [1, 2], [3], options, 2), Op("ADD", [3, 0], [4], {}, 2)], [0], outputs)


@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
def test_the_sum_is_the_kernels(activation: str) -> None:
    data = sums(activation, [4])
    graph = read(data, "x")
    smaller, report = ConstantLayers().run(graph)
    assert report.computed == ((0, "ADD"),)
    assert report.line == "constant layers: layer 0 ADD"
    assert [node.index for node in smaller.nodes] == [1]
    inputs = inputs_of(graph, 1)
    before, after = Program(graph), Program(smaller)
    for row, (expected,) in zip(inputs, reference(data).run_many(inputs), strict=True):
        full = before.run(row)
        assert np.array_equal(smaller.tensors[3].data, full[3])
        assert after.run(row)[4].tobytes() == expected


def test_a_model_output_is_computed_at_run_time() -> None:
    graph = read(sums("NONE", [3, 4]), "x")
    assert ConstantLayers().run(graph)[1].computed == ()
