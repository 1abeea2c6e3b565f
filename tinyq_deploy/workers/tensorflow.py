# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's child process: reads Keras and SavedModel files and runs TensorFlow's converter and quantizer.

Requests: convert (path, kind: answers with a float .tflite of batch 1), quantize (precision; blob: a float .tflite with
the ranges in its tensors; answers with an integer .tflite). Semi-private names of TensorFlow used here, each held by
tests/quantizers/test_against_tensorflow.py: convert_variables_to_constants_v2, mlir_quantize,
Calibrator.calibrate_and_quantize.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tinyq_deploy.workers.framing import Message, serve


def handle(message: Message, blobs: list[bytes]) -> tuple[Message, Sequence[bytes]]:
    """Answer one request."""
    if message["do"] == "convert":
        data, reader = convert(message["path"], message["kind"])
        return {"reader": reader, "tensorflow": _tensorflow_version()}, [data]
    return {"tensorflow": _tensorflow_version()}, [quantize(blobs[0], message["precision"])]


def convert(path: str, kind: str) -> tuple[bytes, str]:
    """A float .tflite with batch 1 and the name of what read the file."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    if kind == "SAVED_MODEL":
        call, specs, reader = _saved_model(path)
    else:
        call, specs, reader = _keras(path)
    frozen = convert_variables_to_constants_v2(tf.function(call, input_signature=specs).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], None)
    return bytes(converter.convert()), reader


def _keras(path: str) -> tuple[Any, list[Any], str]:
    """The model as a function of its inputs: Keras 3 first, then tf_keras, which still reads Keras 2's layers."""
    import tensorflow as tf

    model, reader = _load_keras(path)

    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    specs = [tf.TensorSpec(_batch_of_one(tuple(i.shape)), i.dtype, name=f"x_{n}") for n, i in enumerate(model.inputs)]
    return call, specs, reader


def _load_keras(path: str) -> tuple[Any, str]:
    failures = []
    for module in ("keras", "tf_keras"):
        try:
            package = __import__(module)
            # The user vouched for the file; without that this process is never started.
            trust = {"safe_mode": False} if module == "keras" and path.endswith(".keras") else {}
            return package.models.load_model(path, compile=False, **trust), f"{module} {package.__version__}"
        except ImportError as error:
            failures.append(f"{module} is not installed ({error})")
        except Exception as error:  # Keras raises whatever a layer's constructor does
            failures.append(f"{module}: {type(error).__name__}: {str(error)[:300]}")
    raise ValueError(" | ".join(failures))


def _saved_model(path: str) -> tuple[Any, list[Any], str]:
    import tensorflow as tf

    with contextlib.suppress(ImportError):
        import tf_keras  # noqa: F401  registers the classes that Keras 2 SavedModels refer to
    loaded = tf.saved_model.load(path)
    if "serving_default" not in loaded.signatures:
        raise ValueError(f"no signature serving_default, only {sorted(loaded.signatures)}")
    signature = loaded.signatures["serving_default"]
    named = signature.structured_input_signature[1]
    names = sorted(named)
    specs = [tf.TensorSpec(_batch_of_one(tuple(named[name].shape)), named[name].dtype, name=name) for name in names]

    def call(*inputs: Any) -> Any:
        _keep = loaded  # the signature holds its variables weakly
        outputs = signature(**dict(zip(names, inputs, strict=True)))
        return [outputs[name] for name in sorted(outputs)]

    return call, specs, f"TensorFlow {_tensorflow_version()}"


def _batch_of_one(shape: tuple[int | None, ...]) -> list[int]:
    """The shape with batch 1. Raises ValueError when another axis is open."""
    if None in shape[1:]:
        raise ValueError(f"input shape {list(shape)} is open beyond the batch")
    return [1, *(int(size or 0) for size in shape[1:])]


def quantize(model: bytes, precision: str) -> bytes:
    """Full-integer quantisation from the ranges in the model's own tensors."""
    import tensorflow as tf

    if precision == "int8":
        from tensorflow.lite.python.convert import mlir_quantize

        return bytes(mlir_quantize(model, fully_quantize=True, input_data_type=tf.int8, output_data_type=tf.int8))
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    return bytes(
        Calibrator(model).calibrate_and_quantize(
            lambda: iter(()),
            tf.int16,
            tf.int16,
            False,
            tf.int16,
            tf.int64,
            disable_per_channel_quantization_for_dense_layers=True,
        )
    )


def _tensorflow_version() -> str:
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    serve(handle)
