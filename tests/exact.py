# SPDX-License-Identifier: Apache-2.0
"""Byte-exact comparison with the oracle, and the one-operator models that the operator tests are made of."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import host_c
import numpy as np
import numpy.typing as npt
import pytest

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.graph import Graph, NodeView, Tensor
from tinyq_deploy.kernels.base import Read, Write
from tinyq_deploy.lower import lower
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.elementwise import INT8_VALUES, Elementwise
from tinyq_deploy.oracle import Oracle, repaired
from tinyq_deploy.read import read
from tinyq_deploy.workers.client import Worker, WorkerDied, WorkerError

Array = npt.NDArray[Any]
SEED = 20240229


@cache
def _worker(kind: str) -> Worker:
    if kind != "litert" and find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")
    return Worker("oracle")


def reference(model: bytes, kind: str = "tflite-micro") -> Oracle:
    """tflite-micro's reference kernels for `model`, until the next call; or where they lack one, `kind` "litert", or
    where they compute one wrongly, "mixed". One process serves all: starting one takes longer than most models run.
    Whole models are compared with `open_oracle` itself."""
    try:
        return _open(model, kind)
    except WorkerDied:  # an earlier model ended it
        _worker.cache_clear()
        return _open(model, kind)


def _open(model: bytes, kind: str) -> Oracle:
    worker = _worker(kind)
    model, foreign = repaired(model)
    kind = kind if foreign or kind != "mixed" else "tflite-micro"
    try:
        answer, _ = worker.call({"do": "open", "kind": kind, "keep": False, "foreign": foreign}, [model], timeout=60)
    except WorkerDied:
        raise
    except WorkerError as error:
        raise AssertionError(f"the oracle refuses the model: {error}\n{worker.stderr_tail()}") from error
    return Oracle(worker, answer["name"], "", answer["sizes"])


def samples(graph: Graph, count: int = 3, seed: int = SEED) -> list[list[Array]]:
    """Inputs for a model: lowest, highest, zero, zero point, then `count` random ones; of int16 small ones too."""
    rng = np.random.default_rng(seed)
    tensors = graph.input_tensors()
    fixed = [[_alike(graph, tensor, value) for tensor in tensors] for value in (-128, 127, 0)]
    fixed += [[_alike(graph, t, 0) if t.dtype != "int16" else np.full(t.shape, end, np.int16) for t in tensors]
              for end in (-32768, 32767) if any(t.dtype == "int16" for t in tensors)]  # fmt: skip
    points = [_alike(graph, t, t.zero_point if t.quantized else 0) for t in tensors]
    noise = [[_noise(graph, tensor, rng) for tensor in tensors] for _ in range(count)]
    return [*fixed, points, *noise]


def _alike(graph: Graph, tensor: Tensor, value: int) -> Array:
    """One int8 `value` everywhere in the type of `tensor`: the uint8 of the same bits, the real that becomes it."""
    if tensor.dtype == "float32":
        return _real(graph, tensor, np.full(tensor.shape, value))
    if tensor.dtype == "int16" or not tensor.quantized:
        return np.full(tensor.shape, value).astype(tensor.dtype)
    return np.full(tensor.shape, value).astype(np.int8).view(tensor.dtype)


def _noise(graph: Graph, tensor: Tensor, rng: np.random.Generator) -> Array:
    if tensor.dtype == "float32":
        # On the steps, halfway between them, and a little off; beyond both ends too.
        steps = rng.integers(-300, 300, tensor.shape) / 2 * _reach(graph, tensor)
        return _real(graph, tensor, steps + rng.choice([0, 0, 0.0001, -0.0001, 0.3], tensor.shape))
    if tensor.dtype == "int16":
        reach = rng.choice([1 << 15, 1 << 15, 1 << 8])
        return rng.integers(-reach, reach, tensor.shape).astype(np.int16)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    if not tensor.quantized:
        return rng.integers(-70000, 70000, tensor.shape).astype(tensor.dtype)
    return rng.integers(-128, 128, tensor.shape).astype(np.int8).view(tensor.dtype)


def _reach(graph: Graph, tensor: Tensor) -> int:
    node = next(node for node in graph.nodes if tensor.index in node.inputs)
    return 257 if graph.tensors[node.outputs[0]].dtype == "int16" else 1


def _real(graph: Graph, tensor: Tensor, quantized: Array) -> Array:
    """The real values of `quantized` in the type that QUANTIZE makes of the tensor; where nothing does, themselves."""
    node = next(node for node in graph.nodes if tensor.index in node.inputs)
    output = graph.tensors[node.outputs[0]]
    if not output.quantized:
        return np.asarray(quantized, np.float32)
    return ((quantized - output.zero_point) * output.scale).astype(np.float32)


def assert_kernel_exact(
    model: bytes, inputs: Sequence[Sequence[Array]] | None = None, kind: str = "tflite-micro", twin: bytes = b""
) -> None:
    """One layer, read from a file and lowered to a portable kernel, computes what the oracle does; in place too. The
    model's outputs are the layer's, in order. `twin` is the same in another form, for an oracle that lacks this one."""
    graph = read(model, "test.tflite")
    check(graph)
    (lowered,) = lower(graph, host_c.TARGET, "portable")
    call = lowered.candidates[0]
    given = samples(graph) if inputs is None else inputs
    at = {argument.tensor: i for i, argument in enumerate(call.arguments) if isinstance(argument, Read)}
    places = [None, *(at[tensor] for tensor in call.in_place)]
    sizes = {tensor.index: tensor.bytes for tensor in graph.output_tensors()}
    for sample, expected in zip(given, reference(twin or model, kind).run_many(given), strict=True):
        arrays = dict(zip(graph.inputs, sample, strict=True))
        for place in places:
            found = host_c.kernels().run(call, arrays, sizes, over=place)
            assert_same(found, b"".join(expected), f"{call.function} {dict(call.params)} over {place}")


def assert_sequence_exact(model: bytes, count: int = 4) -> None:
    """One layer with state, read from a file and lowered to a portable kernel, computes what the oracle does for one
    input after the other."""
    graph = read(model, "test.tflite")
    check(graph)
    (lowered,) = lower(graph, host_c.TARGET, "portable")
    call, given = lowered.candidates[0], samples(graph, count)
    sizes = {a.tensor: graph.tensors[a.tensor].bytes for a in call.arguments if isinstance(a, Write)}
    arrays = {state.before: state.initial for state in graph.states}
    for sample, expected in zip(given, reference(model).run_many(given), strict=True):
        data = io.BytesIO(host_c.kernels().run(call, arrays | dict(zip(graph.inputs, sample, strict=True)), sizes))
        found = {tensor: data.read(size) for tensor, size in sizes.items()}
        arrays = {state.before: np.frombuffer(found[state.after], state.initial.dtype) for state in graph.states}
        outputs = b"".join(found[tensor] for tensor in graph.outputs)
        assert_same(outputs, b"".join(expected), f"{call.function} {dict(call.params)}")


def assert_values_exact(model: bytes, kind: str = "tflite-micro") -> None:
    """What the passes take an elementwise operator of two int8 to compute is what the oracle does, for all pairs. The
    inputs are [256,1] and [1,256]."""
    graph = read(model, "test.tflite")
    view = NodeView(graph, graph.nodes[0])
    operator = OPERATORS[view.node.op]
    assert issubclass(operator, Elementwise)
    found = operator.values(view, INT8_VALUES[:, None], INT8_VALUES[None, :]).astype(np.int8).tobytes()
    values = INT8_VALUES.astype(np.int8)
    (expected,) = reference(model, kind).run([values.reshape(256, 1), values.reshape(1, 256)])
    assert_same(found, expected, f"{view.node.op} in the compiler")


def assert_models_exact(models: Mapping[str, bytes], *, optimize: str = "speed", count: int = 3,
                        kind: str = "tflite-micro",
                        given: Mapping[str, Sequence[Sequence[Array]]] | None = None) -> None:  # fmt: skip
    """Rendered models, compiled together, compute what the oracle does; `given` are other inputs than `samples`."""
    built = host_c.program(models, optimize=optimize)
    for name, model in models.items():
        inputs = samples(read(model, name), count) if given is None else given[name]
        expected = reference(model, kind).run_many(inputs)
        for row, right in zip(built.run(name, inputs), expected, strict=True):
            for output, wanted in zip(row, right, strict=True):
                assert_same(output, wanted, name)


def assert_same(found: bytes, expected: bytes, where: str) -> None:
    """Fails with the first bytes that differ."""
    if found != expected:
        a, b = np.frombuffer(found, np.int8), np.frombuffer(expected, np.int8)
        at = np.flatnonzero(a != b)
        shown = ", ".join(f"[{i}] {a[i]} not {b[i]}" for i in at[:5])
        raise AssertionError(f"{where}: {at.size} of {a.size} bytes differ: {shown}")


def refused(model: bytes) -> str:
    """What the user reads when the model is refused, by read or by check; fails when it is accepted."""
    with pytest.raises(ModelError) as caught:
        check(read(model, "test.tflite"))
    text = str(caught.value)
    assert "found:" in text
    return text
