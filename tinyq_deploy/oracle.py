# SPDX-License-Identifier: Apache-2.0
"""What a model must compute, byte for byte: tflite-micro's reference kernels, or LiteRT without delegates.

The interpreter lives in a child process, so that a model which crashes it is an error here and not a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tinyq_deploy.errors import DataError, ModelError
from tinyq_deploy.flatbuffer import graph_of, has_variables, op_name, parse, serialise
from tinyq_deploy.read import read
from tinyq_deploy.true_batches import SPLIT
from tinyq_deploy.workers.client import Worker, WorkerDied, WorkerError

Array = npt.NDArray[Any]
_OPEN_SECONDS = 60.0
_RUN_SECONDS = 600.0
_BATCH_BYTES = 4 << 20
_WRONG_NOTE = f"tflite-micro leaves unset what {SPLIT} pads with"


class Oracle:
    """One model in one oracle; a context manager. `name` states the kernels, as every report prints it; `note` says
    why it is not tflite-micro, empty where it is."""

    def __init__(self, worker: Worker, name: str, note: str, sizes: Sequence[int]) -> None:
        self.name, self.note = name, note
        self._worker = worker
        self._sizes = tuple(sizes)

    def run(self, inputs: Sequence[Array]) -> list[bytes]:
        """The bytes of each output for one sample. `inputs` are in the model's own types and order, with or without
        the batch axis; raises DataError on a wrong size."""
        return next(self.run_many([inputs]))

    def run_many(self, samples: Iterable[Sequence[Array]]) -> Iterator[list[bytes]]:
        """`run` for each sample in order, sent in batches of at most 4 MiB."""
        batch: list[list[bytes]] = []
        for sample in samples:
            batch.append(self._bytes_of(sample))
            if len(batch) * sum(self._sizes) >= _BATCH_BYTES:
                yield from self._run_batch(batch)
                batch = []
        if batch:
            yield from self._run_batch(batch)

    def tensors(self, inputs: Sequence[Array], indices: Sequence[int]) -> Mapping[int, bytes]:
        """Intermediate tensors by index after one sample; the oracle must be opened with keep_tensors."""
        message = {"do": "tensors", "indices": list(indices)}
        data = self._call(message, self._bytes_of(inputs))
        return dict(zip(indices, data, strict=True))

    def try_out(self) -> None:
        """One inference of inputs that are all zero, without a trace. Raises ModelError where it fails."""
        list(self._run_batch([[bytes(size) for size in self._sizes]]))
        self.reset()

    def reset(self) -> None:
        """Set the state of a stateful model back to its start."""
        self._call({"do": "reset"}, [])

    def close(self) -> None:
        """End the child process."""
        self._worker.close()

    def _run_batch(self, batch: list[list[bytes]]) -> Iterator[list[bytes]]:
        blobs = [b"".join(parts) for parts in zip(*batch, strict=True)]
        outputs = self._call({"do": "run", "count": len(batch)}, blobs)
        for number in range(len(batch)):
            cut = [len(output) // len(batch) for output in outputs]
            yield [output[number * size : (number + 1) * size] for output, size in zip(outputs, cut, strict=True)]

    def _bytes_of(self, sample: Sequence[Array]) -> list[bytes]:
        blobs = [np.ascontiguousarray(values).tobytes() for values in sample]
        found = tuple(len(blob) for blob in blobs)
        if found != self._sizes:
            raise DataError(
                "a sample has the model's inputs in their own types",
                f"inputs of {list(found)} bytes, wanted {list(self._sizes)}",
                "quantise real values to the input's type first",
            )
        return blobs

    def _call(self, message: dict[str, Any], blobs: Sequence[bytes]) -> list[bytes]:
        try:
            return self._worker.call(message, blobs, timeout=_RUN_SECONDS)[1]
        except WorkerError as error:
            raise _failed(self.name, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_oracle(model: bytes, *, kind: str = "auto", keep_tensors: bool = False) -> Oracle:
    """The oracle for a .tflite. `kind` is "tflite-micro", "litert", or "auto": tflite-micro, where it lacks operators
    LiteRT for those alone, and LiteRT where tflite-micro is not installed or the model has state that both would share.

    `keep_tensors` makes intermediate tensors readable. Raises ModelError when no oracle runs the model.
    """
    model, wrong = repaired(model)
    if kind != "auto":
        return _open(model, kind, keep_tensors, "")
    if find_spec("tflite_micro") is None:
        return _open(model, "litert", keep_tensors, "tflite-micro is not installed")
    note = _WRONG_NOTE
    if not wrong:
        try:
            return _tried(_open(model, "tflite-micro", keep_tensors, ""))
        except ModelError as error:
            note = error.faults[0].found
    try:
        if has_variables(parse(model, "the model")):
            return _open(model, "litert", keep_tensors, note)
        return _open(model, "mixed", keep_tensors, note, foreign=sorted({*_foreign(model), *wrong}))
    except ModelError:
        return _open(model, "litert", keep_tensors, note)


def _tried(oracle: Oracle) -> Oracle:
    """`oracle`, which has run the model once and forgotten that: tflite-micro opens models of types that its kernels
    then refuse."""
    try:
        oracle.try_out()
        oracle.reset()
    except ModelError:
        oracle.close()
        raise
    return oracle


def repaired(model: bytes) -> tuple[bytes, list[int]]:
    """The model, with true batches, and the nodes that tflite-micro computes wrongly."""
    tree = parse(model, "the model")
    graph = graph_of(tree)
    wrong = [number for number, node in enumerate(graph.operators or []) if op_name(tree, node) == SPLIT]
    if not wrong:
        return model, []
    for tensor, true in zip(graph.tensors, read(model, "the model").tensors, strict=True):
        tensor.shape, tensor.shapeSignature = list(true.shape), None
    return serialise(tree), wrong


def _foreign(model: bytes) -> list[int]:
    """The nodes that tflite-micro does not run. One that ends the process is one of them."""
    worker, foreign = Worker("oracle"), []
    for node in range(len(graph_of(parse(model, "the model")).operators)):
        try:
            answer, _ = worker.call({"do": "probe", "node": node}, [model], timeout=_OPEN_SECONDS)
            runs = answer["runs"]
        except WorkerError:
            worker.close()
            worker, runs = Worker("oracle"), False
        if not runs:
            foreign.append(node)
    worker.close()
    return foreign


def _open(model: bytes, kind: str, keep: bool, note: str, **more: Any) -> Oracle:
    worker = Worker("oracle")
    try:
        answer, _ = worker.call({"do": "open", "kind": kind, "keep": keep, **more}, [model], timeout=_OPEN_SECONDS)
    except WorkerError as error:
        detail = "" if isinstance(error, WorkerDied) else worker.stderr_tail()
        worker.close()
        raise _failed(kind, error, detail) from error
    return Oracle(worker, answer["name"], note, answer["sizes"])


def _failed(name: str, error: WorkerError, detail: str = "") -> ModelError:
    told = [line for line in detail.partition("Traceback")[0].splitlines() if line and not line.startswith("INFO")]
    extra = f" ({'; '.join(told[:2])})" if told else ""
    return ModelError(
        "the oracle runs the model",
        f"{name}: {error}{extra}",
        "check that the model is complete and uses supported operators only",
    )
