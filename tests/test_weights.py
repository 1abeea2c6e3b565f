# SPDX-License-Identifier: Apache-2.0
"""The constants of a model as one object: what Python says of it is what C lays out."""

from __future__ import annotations

import ctypes
import zlib

import host_c
import nets
import numpy as np
import pytest
from host_c import planned, rendered
from models import Op, T, constant, model

from tinyq_deploy import weights
from tinyq_deploy.project import write


def q(*shape: int) -> T:
    return T(shape, 0.5, 3)


def twice_the_same() -> bytes:
    """Two FULLY_CONNECTED layers with equal weights and equal biases, in tensors of their own."""
    filters = [constant(np.arange(9).reshape(3, 3), 0.5) for _ in range(2)]
    biases = [constant([1, 2, 3], 0.25, dtype="int32") for _ in range(2)]
    tensors = [q(1, 3), q(1, 3), q(1, 3), *filters, *biases]
    ops = [Op("FULLY_CONNECTED", [0, 3, 5], [1]), Op("FULLY_CONNECTED", [1, 4, 6], [2])]
    return model(tensors, ops, [0], [2])


def test_every_constant_has_its_array() -> None:
    plan = planned(nets.small())
    found = weights.collect(plan)
    arrays = {array.name: array for array in found.arrays}
    for layer in plan.code_layers():
        for constant_ in layer.call.constants:
            array = arrays[found.member[layer.symbol, constant_.name]]
            flat = constant_.values.reshape(-1)
            assert array.values.dtype == flat.dtype
            assert array.values[: flat.size].tolist() == flat.tolist()
            assert not array.values[flat.size :].any()
            assert layer.symbol in array.users


def test_arrays_are_whole_words() -> None:
    found = weights.collect(planned(nets.small()))
    assert all(array.values.nbytes % 4 == 0 for array in found.arrays)
    sizes = {array.name: array.values.size for array in found.arrays}
    assert sizes["layer_00_conv_2d_filter"] == 20  # 18 weights
    assert found.arrays[0].shape == (2, 3, 3, 1)


def test_equal_arrays_are_stored_once() -> None:
    found = weights.collect(planned(twice_the_same()))
    filters = [array for array in found.arrays if array.name.endswith("filter")]
    assert len(filters) == 1
    assert filters[0].users == ("layer_00_fully_connected", "layer_01_fully_connected")
    assert found.member["layer_01_fully_connected", "filter"] == filters[0].name
    assert len([array for array in found.arrays if array.name.endswith("bias")]) == 1


def test_equal_bytes_of_other_types_are_not_shared() -> None:
    tensors = [q(1, 4), q(1, 1), constant([[1, 0, 0, 0]], 0.5), constant([1], 0.25, dtype="int32")]
    found = weights.collect(planned(model(tensors, [Op("FULLY_CONNECTED", [0, 2, 3], [1])], [0], [1])))
    assert {"layer_00_fully_connected_filter", "layer_00_fully_connected_bias"} <= {a.name for a in found.arrays}


def test_the_crc_is_that_of_the_image() -> None:
    found = weights.collect(planned(nets.small()))
    assert found.crc32 == zlib.crc32(found.image)
    assert len(found.image) == sum(array.values.nbytes for array in found.arrays)


def test_one_changed_weight_changes_the_crc() -> None:
    base = weights.collect(planned(twice_the_same()))
    tensors = [q(1, 3), q(1, 3), constant(np.arange(9).reshape(3, 3) ^ 1, 0.5)]
    other = weights.collect(planned(model(tensors, [Op("FULLY_CONNECTED", [0, 2], [1])], [0], [1])))
    assert base.crc32 != other.crc32


def test_a_model_without_constants_has_none() -> None:
    found = weights.collect(planned(nets.chain(2)))
    assert (found.arrays, found.image, found.crc32) == ((), b"", 0)


@pytest.mark.parametrize("make", [nets.small, twice_the_same])
def test_c_lays_out_the_image(make: object) -> None:
    data = make()  # type: ignore[operator]
    folder = host_c.new_folder("weights")
    write(rendered(data, "net"), folder / "net")
    gcc = host_c.compiler()
    host_c.compile_c([gcc, *host_c.WARNINGS, "-shared", "-fPIC", "net/model/weights.c", "-o", "weights.so"], folder)
    image = weights.collect(planned(data)).image
    found = (ctypes.c_ubyte * len(image)).in_dll(ctypes.CDLL(str(folder / "weights.so")), "net_weights")
    assert bytes(found) == image


def test_the_most_negative_bias_is_written_as_it_is() -> None:
    tensors = [
        q(1, 3),
        q(1, 2),
        constant(np.ones((2, 3)), 0.5),
        constant([-(1 << 31), (1 << 31) - 1], 0.25, dtype="int32"),
    ]
    data = model(tensors, [Op("FULLY_CONNECTED", [0, 2, 3], [1])], [0], [1])
    test_c_lays_out_the_image(lambda: data)
