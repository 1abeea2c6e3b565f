# SPDX-License-Identifier: Apache-2.0
"""The oracle's child process: runs a model with tflite-micro's reference kernels or a TFLite runtime. See oracle.py.

Requests: open (blob: the model; kind, keep, and for kind mixed: foreign, the nodes that LiteRT runs), probe (blob: the
model; node: whether tflite-micro runs that node alone), run (count; blobs: per input all samples), tensors
(indices; blobs: one sample per input), reset.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.flatbuffer import graph_of, parse, type_name, with_outputs
from tinyq_deploy.workers.framing import Message, serve

Array = npt.NDArray[Any]
_ARENA_BYTES = 64 << 20


class _Engine(ABC):
    """One interpreter with its model. `inputs` holds (shape, dtype) of each input."""

    name: str
    inputs: list[tuple[tuple[int, ...], np.dtype[Any]]]

    @abstractmethod
    def run(self, inputs: Sequence[Array]) -> list[bytes]:
        """The outputs for one sample."""

    @abstractmethod
    def tensor(self, index: int) -> bytes:
        """A tensor's bytes after the last run; needs `keep`."""


class _TfliteMicro(_Engine):
    def __init__(self, model: bytes, keep: bool, outputs: int) -> None:
        from tflite_micro import runtime

        config = runtime.InterpreterConfig
        self._engine = runtime.Interpreter.from_bytes(
            model,
            arena_size=_ARENA_BYTES + 10 * len(model),
            intrepreter_config=config.kPreserveAllTensors if keep else config.kAllocationRecording,
        )
        self.name = f"tflite-micro {version('tflite-micro')}, reference kernels"
        self._outputs = outputs

    def run(self, inputs: Sequence[Array]) -> list[bytes]:
        for index, values in enumerate(inputs):
            self._engine.set_input(values, index)
        self._engine.invoke()
        return [np.asarray(self._engine.get_output(index)).tobytes() for index in range(self._outputs)]

    def tensor(self, index: int) -> bytes:
        return np.asarray(self._engine.GetTensor(index, 0)["tensor_data"]).tobytes()


class _TfliteRuntime(_Engine):
    def __init__(self, model: bytes, keep: bool, outputs: int) -> None:
        from tinyq_deploy.runtimes import find_runtime

        runtime = find_runtime()
        nodes = graph_of(parse(model, "the model")).operators or []
        inner = [int(index) for node in nodes for index in node.outputs] if keep else []
        self._engine = runtime.open(with_outputs(model, inner) if keep else model)
        self._in = [detail["index"] for detail in self._engine.get_input_details()]
        self._out = [detail["index"] for detail in self._engine.get_output_details()][:outputs]
        label = "litert" if runtime.name == "ai_edge_litert" else runtime.name
        self.name = f"{label} {runtime.version}, no delegates"

    def run(self, inputs: Sequence[Array]) -> list[bytes]:
        for index, values in zip(self._in, inputs, strict=True):
            self._engine.set_tensor(index, values)
        self._engine.invoke()
        return [self._engine.get_tensor(index).tobytes() for index in self._out]

    def tensor(self, index: int) -> bytes:
        data: bytes = self._engine.get_tensor(index).tobytes()
        return data


class _Mixed(_Engine):
    """tflite-micro, and LiteRT for the nodes `foreign`, in turn."""

    def __init__(self, model: bytes, keep: bool, outputs: Sequence[int], foreign: Sequence[int]) -> None:
        from tinyq_deploy.workers.segments import segments

        graph = graph_of(parse(model, "the model"))
        self._signatures = [_signature(tensor) for tensor in graph.tensors]
        self._inputs, self._outputs = [int(index) for index in graph.inputs], list(outputs)
        self._parts = [
            (part, (_TfliteRuntime if part.foreign else _TfliteMicro)(part.model, keep, len(part.outputs)))
            for part in segments(model, foreign)
        ]
        ours = next((engine.name for part, engine in self._parts if not part.foreign), "")
        theirs = next(engine.name for part, engine in self._parts if part.foreign)
        names = sorted({name for part, _ in self._parts if part.foreign for name in part.operators})
        self.name = f"{ours}; {theirs}: {', '.join(names)}" if ours else theirs

    def run(self, inputs: Sequence[Array]) -> list[bytes]:
        values = dict(zip(self._inputs, inputs, strict=True))
        for part, engine in self._parts:
            found = engine.run([values[index] for index in part.inputs])
            values.update((index, self._array(index, data)) for index, data in zip(part.outputs, found, strict=True))
        return [np.ascontiguousarray(values[index]).tobytes() for index in self._outputs]

    def _array(self, index: int, data: bytes) -> Array:
        shape, dtype = self._signatures[index]
        return np.frombuffer(data, dtype).reshape(shape)

    def tensor(self, index: int) -> bytes:
        makers = (engine for part, engine in self._parts if index in part.made)
        return next(makers, self._parts[0][1]).tensor(index)


class _Server:
    """Holds the open engine between requests."""

    _make: Callable[[], _Engine]
    _engine: _Engine
    _inputs: list[tuple[tuple[int, ...], np.dtype[Any]]]
    _tensors: int

    def handle(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        """Answer one request."""
        action = {
            "open": self._open,
            "probe": self._probe,
            "run": self._run,
            "tensors": self._read,
            "reset": self._reset,
        }
        return action[message["do"]](message, blobs)

    def _open(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        graph = graph_of(parse(blobs[0], "the model"))
        self._tensors = len(graph.tensors)
        self._inputs = [_signature(graph.tensors[index]) for index in graph.inputs]
        common = (blobs[0], message["keep"])
        if message["kind"] == "tflite-micro":
            self._make = partial(_TfliteMicro, *common, len(graph.outputs))
        elif message["kind"] == "mixed":
            outputs = [int(index) for index in graph.outputs]
            self._make = partial(_Mixed, *common, outputs, message["foreign"])
        else:
            self._make = partial(_TfliteRuntime, *common, len(graph.outputs))
        self._engine = self._make()
        sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in self._inputs]
        return {"name": self._engine.name, "sizes": sizes}, []

    def _probe(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        from tinyq_deploy.workers.segments import segment

        part = segment(blobs[0], [message["node"]])
        graph = graph_of(parse(part.model, "a node"))
        inputs = [np.zeros(*_signature(graph.tensors[index])) for index in graph.inputs]
        try:
            _TfliteMicro(part.model, False, len(part.outputs)).run(inputs)
        except RuntimeError:
            return {"runs": False}, []
        return {"runs": True}, []

    def _run(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        outputs = [self._engine.run(sample) for sample in zip(*self._arrays(blobs, message["count"]), strict=True)]
        return {}, [b"".join(parts) for parts in zip(*outputs, strict=True)]

    def _read(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        wrong = [index for index in message["indices"] if not 0 <= index < self._tensors]
        if wrong:
            raise IndexError(f"tensors {wrong} of {self._tensors}")
        self._engine.run([samples[0] for samples in self._arrays(blobs, 1)])
        return {}, [self._engine.tensor(index) for index in message["indices"]]

    def _reset(self, message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
        # The interpreters' own resets forget what CALL_ONCE has assigned; a new interpreter calls it again.
        self._engine = self._make()
        return {}, []

    def _arrays(self, blobs: list[bytes], count: int) -> list[Array]:
        return [
            np.frombuffer(blob, dtype).reshape(count, *shape)
            for blob, (shape, dtype) in zip(blobs, self._inputs, strict=True)
        ]


def _signature(tensor: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    return tuple(int(size) for size in tensor.shape), np.dtype(type_name(tensor).lower())


if __name__ == "__main__":
    serve(_Server().handle)
