# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's converter as a back end, in a child process: from Keras and SavedModel, with our ranges.

TensorFlow's own calibrator is not used: it reads an ADD's input after the ADD has overwritten it in place, which
widened one residual input of ResNet8 by 85 % (measured on 2.21).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from tinyq_deploy.calibrators.base import Range
from tinyq_deploy.errors import ModelError, UsageError
from tinyq_deploy.flatbuffer import graph_of, parse, serialise
from tinyq_deploy.load import Kind
from tinyq_deploy.quantizers.base import Precision, Quantizer
from tinyq_deploy.workers.client import Worker, WorkerError

_SECONDS = 900.0  # TensorFlow's import and MLIR take 5 to 50 s on a loaded machine


class TensorFlowQuantizer(Quantizer):
    """A session with TensorFlow; a context manager. `reader` says what read the model file, empty until `convert`."""

    def __init__(self) -> None:
        if find_spec("tensorflow") is None:
            raise UsageError(
                "a Keras model or SavedModel needs TensorFlow",
                "the package is not installed",
                'pip install "tinyq-deploy[tensorflow]", or pass a float .tflite',
            )
        self.name, self.reader = "TensorFlow", ""
        self._worker = Worker("tensorflow")

    def convert(self, path: Path, kind: Kind) -> bytes:
        """A float .tflite with batch 1 from a Keras file or SavedModel. Runs code that the file may bring along."""
        try:
            request = {"do": "convert", "path": str(path.resolve()), "kind": kind.name}
            answer, blobs = self._worker.call(request, timeout=_SECONDS)
        except WorkerError as error:
            raise ModelError(
                "TensorFlow can read and convert the model",
                f"{path}: {error}",
                "for models of Keras 2: pip install tf_keras; custom layers: export a float .tflite "
                "where they are defined",
            ) from error
        self.name, self.reader = f"TensorFlow {answer['tensorflow']} converter", str(answer["reader"])
        return blobs[0]

    def quantize(self, model: bytes, ranges: Mapping[int, Range], precision: Precision) -> bytes:
        """See Quantizer.quantize."""
        try:
            request = {"do": "quantize", "precision": precision}
            answer, blobs = self._worker.call(request, [with_ranges(model, ranges)], timeout=_SECONDS)
        except WorkerError as error:
            raise ModelError(
                "every operator of the model has an integer form", f"TensorFlow: {error}", "replace the operator"
            ) from error
        self.name = f"TensorFlow {answer['tensorflow']} converter"
        return blobs[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()


def with_ranges(model: bytes, ranges: Mapping[int, Range]) -> bytes:
    """The float .tflite with each range in its tensor, where TensorFlow's calibrator would have written it."""
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    tree = parse(model, "the float model")
    for index, found in ranges.items():
        quantization = QuantizationParametersT()
        quantization.min, quantization.max = [found.low], [found.high]
        graph_of(tree).tensors[index].quantization = quantization
    return serialise(tree)
