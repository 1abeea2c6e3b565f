# SPDX-License-Identifier: Apache-2.0
"""Whole models on int16, on int8 and int16, and with int4 weights: through the passes, in bands, over one another in
the arena, on cores whose fast kernels know int8 alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import host_c
import numpy as np
import pytest
from exact import assert_same, reference, samples
from host_c import planned, program, rendered
from models import Op, T, constant, model
from test_byte_exact import target_for
from wide_nets import NETS, WINDOW, mixed

from tinyq_deploy import assets, board, deploy
from tinyq_deploy.board import Core
from tinyq_deploy.check import check
from tinyq_deploy.data import load_data, to_model_input
from tinyq_deploy.graph import Graph, NodeView
from tinyq_deploy.kernels import KERNELS
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.lower import lower
from tinyq_deploy.ops import OPERATORS, rules
from tinyq_deploy.optimize import optimize as run_passes
from tinyq_deploy.passes.intervals import analyze
from tinyq_deploy.quantize import quantize
from tinyq_deploy.read import read
from tinyq_deploy.recipe import Recipe


def assert_exact(**how: Any) -> None:
    built = program(NETS, **how)
    for name, data in NETS.items():
        given = samples(read(data, name), 6)
        for found, expected in zip(built.run(name, given), reference(data).run_many(given), strict=True):
            assert_same(b"".join(found), b"".join(expected), f"{name} {how}")


@pytest.mark.parametrize("how", [{}, {"passes": True}, {"guards": True, "passes": True}, {"keep_input": True}], ids=str)
def test_whole_models_are_exact(how: Mapping[str, Any]) -> None:
    assert_exact(**how)


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_of_int16_run_in_bands(rows: int) -> None:
    assert "tinyq_portable_conv_2d_s16" in str(planned(NETS["rows"], bands=(rows, 2)).layers[0].parts)
    assert_exact(bands=(rows, 2))


def test_outputs_vary() -> None:
    for name, data in NETS.items():
        given = samples(read(data, name), 6)
        assert len({b"".join(row) for row in reference(data).run_many(given)}) > 6, name


def optimized(data: bytes) -> Graph:
    graph = read(data, "x")
    check(graph)
    after = run_passes(graph).graph
    check(after)
    return after


def test_dead_channels_go_before_int16_and_with_int4_weights() -> None:
    graph = optimized(mixed())
    first, second = graph.nodes[0], graph.nodes[1]
    assert graph.tensors[first.outputs[0]].shape[-1] == 1
    filter_ = graph.tensors[second.inputs[1]]
    assert (filter_.dtype, filter_.shape) == ("int4", (3, 3, 3, 1))


def test_nothing_is_concluded_about_channels_of_int16() -> None:
    graph = read(NETS["mixed"], "x")
    found = analyze(graph).intervals
    for node in graph.nodes:
        output = graph.tensors[node.outputs[0]]
        if output.dtype == "int16":
            assert set(found[output.index].low) == {-32768}
            assert set(found[output.index].high) == {32767}


def test_only_padding_that_no_maximum_is_below_goes_into_a_pool() -> None:
    assert "PADV2" in [node.op for node in optimized(mixed()).nodes]
    assert "PAD" not in [node.op for node in optimized(mixed()).nodes]
    pads = constant([[0, 0], [1, 0], [0, 0], [0, 0]], dtype="int32")
    pool = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    for value, left in ((-32768, 1), (-128, 2), (0, 2)):
        tensors = [
            T((1, 3, 4, 1), 0.5, 0, "int16"), pads, constant([value], 0.5, dtype="int16"),
            T((1, 4, 4, 1), 0.5, 0, "int16"), T((1, 2, 2, 1), 0.5, 0, "int16"),
        ]  # fmt: skip
        data = model(tensors, [Op("PADV2", [0, 1, 2], [3]), Op("MAX_POOL_2D", [3], [4], pool, 3)], [0], [4])
        assert len(optimized(data).nodes) == left


def test_constants_of_int16_are_computed() -> None:
    known = [constant([[1, -30000, 32767]], 0.5, dtype="int16"), constant([[2, -30000, 5]], 0.25, dtype="int16")]
    tensors = [T((1, 3), 0.5, 0, "int16"), *known, T((1, 3), 0.5, 0, "int16"), T((1, 3), 1.0, 0, "int16")]
    data = model(tensors, [Op("ADD", [1, 2], [3]), Op("ADD", [0, 3], [4])], [0], [4])
    assert len(optimized(data).nodes) == 1
    built, given = program({"known": data}, passes=True), samples(read(data, "x"))
    assert [b"".join(row) for row in built.run("known", given)] == [
        b"".join(row) for row in reference(data).run_many(given)
    ]


CORES = get_args(Core)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("kernels", ["auto", "own", "cmsis-nn", "portable"])
def test_no_kernel_gets_a_kind_of_node_that_it_does_not_name(core: str, kernels: str) -> None:
    """Byte-exactness of what fast kernels do take is tested with them."""
    target = target_for(core, kernels)
    kinds: dict[str, set[str]] = {}
    for kernel in KERNELS:
        kinds.setdefault(kernel.op, set()).update(kernel.kinds)
    for data in NETS.values():
        graph = read(data, "x")
        for item in lower(graph, target, kernels):
            assert item.candidates
            view = NodeView(graph, item.node)
            for call in item.candidates:
                if view.kind == "int16" and call.kernel_set != "portable":
                    fast = [k for k in KERNELS if k.op == item.node.op and k.kernel_set == call.kernel_set]
                    assert any(view.kind in kernel.kinds for kernel in fast), call.function
                    assert str(call.function).endswith("_s16")


def test_every_operator_that_takes_a_kind_has_a_portable_kernel_for_it() -> None:
    portable = {(kernel.op, kind) for kernel in KERNELS if kernel.kernel_set == "portable" for kind in kernel.kinds}
    for name, operator in OPERATORS.items():
        text = " ".join((rule.__doc__ or "") for rule in operator.rules)
        if rules.ALIKE in text or "int8 or int16" in text:
            assert (name, "int16") in portable, name
        if "int4" in text:
            assert (name, "int4") in portable, name


def test_offsets_of_int16_are_even_and_biases_of_8_bytes_come_first() -> None:
    plan = planned(NETS["wide"])
    assert all(offset % 4 == 0 for offset in plan.offsets.values())
    text = rendered(NETS["wide"]).files["model/weights.h"].decode()
    members = [line.split()[0] for line in text.splitlines() if line.startswith("    ") and "[" in line]
    assert members == sorted(members, key=lambda kind: kind != "int64_t")
    assert members.count("int64_t") == 3


def test_the_header_quantises_int16() -> None:
    text = rendered(NETS["wide"]).files["model/model.h"].decode()
    assert "static inline int16_t *net_input(void)" in text
    assert "static inline int16_t net_quantize_int16(float real, float scale, int32_t zero_point)" in text
    assert "NET_INPUT_BYTES 48" in text


def test_a_layer_that_no_kernel_takes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyq_deploy.lower.KERNELS", ())
    with pytest.raises(Exception, match="every layer has a kernel"):
        lower(read(NETS["wide"], "x"), host_c.TARGET, "portable")


def test_zero_weights_of_int4_alone_are_exact() -> None:
    values = np.zeros((1, 1, 1, 3))
    tensors = [T((1, 2, 2, 3), 0.5, 3), constant(values, 0.5, dtype="int4"), T((1, 2, 2, 1), 0.5, 1)]
    data = model(tensors, [Op("CONV_2D", [0, 1], [2], WINDOW, 4)], [0], [2])
    built, given = program({"zero": data}), samples(read(data, "x"))
    for found, expected in zip(built.run("zero", given), reference(data).run_many(given), strict=True):
        assert_same(b"".join(found), b"".join(expected), "zero")


def int4_filters(target: Target, kernels: str) -> set[str]:
    """The types in which the best call for the layer with int4 weights has these in flash."""
    graph = read(mixed(), "x")
    (item,) = (item for item in lower(graph, target, kernels) if NodeView(graph, item.node).kind == "int4")
    (filter_,) = (c for c in item.candidates[0].constants if c.name in ("filter", "weights", "taps"))
    size = graph.tensors[item.node.inputs[1]].size
    return {"packed" if filter_.values.nbytes < size else "int8 or more"}


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_int4_stays_packed_where_flash_counts_most_and_else_is_int8_for_fast_kernels(core: Core) -> None:
    for kernels in ("own", "cmsis-nn"):
        assert int4_filters(replace(target_for(core, kernels), small=True), kernels) == {"packed"}
        assert int4_filters(target_for(core, kernels), kernels) == {"int8 or more"}
    assert int4_filters(Target(core), "portable") == {"packed"}


def test_digits_quantised_to_int16_are_exact_over_the_link(tmp_path: Path) -> None:
    """From the float model through quantisation, build and link to the outputs, int16 arrays and real values alike."""
    digits = assets.folder("examples") / "digits"
    data = load_data(digits / "representative.npz")
    made = quantize(digits / "digits_float.tflite", data, Recipe(precision="int16x8"))
    path, graph = tmp_path / "digits.tflite", read(made.tflite, "digits")
    path.write_bytes(made.tflite)
    (tensor,) = graph.input_tensors()
    assert (tensor.dtype, graph.output_tensors()[0].dtype) == ("int16", "int16")
    real = load_data(digits / "test.npz").inputs[0][:20].astype(np.float32)
    own = to_model_input(real.reshape(-1, *tensor.shape[1:]), tensor)
    expected = np.frombuffer(
        b"".join(b"".join(row) for row in reference(made.tflite).run_many([(x[None],) for x in own])), np.int16
    )
    host = board.load("host")
    built = deploy.build(deploy.BuildRequest(path, host, out=tmp_path / "built"))
    for name, x in {"real": real, "own": own}.items():
        data = tmp_path / f"{name}.npz"
        np.savez(data, x=x)
        result = deploy.bench(deploy.BenchRequest(built.folder, host, str(data), virtual=True))
        assert result.outputs[0].dtype == np.int16
        assert (result.outputs[0].reshape(-1) == expected).all()
        assert (result.measurement.exact, result.measurement.total) == (20, 20)
