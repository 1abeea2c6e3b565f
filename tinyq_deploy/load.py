# SPDX-License-Identifier: Apache-2.0
"""What a model file is, by its content, and its bytes. Nothing from a model is executed here."""

from __future__ import annotations

import enum
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinyq_deploy.errors import ModelError, UsageError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.read import read

MAX_MODEL_BYTES = 64 << 20
_HEAD_BYTES = 4096
_PACKED = ("int8", "uint8", "int4", "int2", "float16")
_RULE = "a model is a .tflite, .keras or .h5 file or a SavedModel folder"


class Kind(enum.Enum):
    """The model files the tool takes."""

    INTEGER_TFLITE = "integer .tflite"
    FLOAT_TFLITE = "float .tflite"
    KERAS_ZIP = ".keras archive"
    KERAS_H5 = "Keras .h5 file"
    SAVED_MODEL = "SavedModel folder"

    @property
    def needs_trust(self) -> bool:
        """Whether reading it can run code that the file brings along."""
        return self in (Kind.KERAS_ZIP, Kind.KERAS_H5, Kind.SAVED_MODEL)


def identify(path: Path) -> Kind:
    """What `path` is, by its content; file names are not trusted.

    Raises UsageError when it cannot be read, ModelError with what it looks like when it is no model the tool takes.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return Kind.SAVED_MODEL
        raise UsageError(
            "a model path is a file or a SavedModel folder",
            f"{path}: a folder without saved_model.pb",
            "name the model file itself",
        )
    head = _head(path)
    if head[4:8] == b"TFL3":
        return classify(read_model(path), str(path))
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Kind.KERAS_H5
    if head.startswith(b"PK\x03\x04") and _is_keras_zip(path):
        return Kind.KERAS_ZIP
    raise _no_model(path, head)


def read_model(path: Path) -> bytes:
    """The bytes of a model file of at most 64 MiB. Raises UsageError, or ModelError for an empty or larger one."""
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(
                f"a model file has at most {MAX_MODEL_BYTES >> 20} MiB",
                f"{path}: {size} bytes",
                "no microcontroller holds it; use a smaller model",
            )
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not data:
        raise ModelError("a model file is not empty", f"{path}: 0 bytes", "copy or convert the file again")
    return data


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not head:
        raise ModelError("a model file is not empty", f"{path}: 0 bytes", "copy or convert the file again")
    return head


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError("a model path can be read", f"{path}: {error.strerror or error}", "check path and permissions")


def _is_keras_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "config.json" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _is_onnx(head: bytes) -> bool:
    """An ONNX ModelProto starts with field 1 (ir_version, below 32) and field 2 (producer) or 8 (opset)."""
    return len(head) > 3 and head[0] == 0x08 and head[1] < 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)


def _is_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _is_html(head: bytes) -> bool:
    return head.lstrip().lower().startswith((b"<!doctype", b"<html"))


@dataclass(frozen=True)
class _Look:
    """Something that is no model: how to tell, what to call it, what to do instead."""

    test: Callable[[bytes], bool]
    what: str
    hint: str


_CONVERT = "convert it to .tflite first"
_LOOKS = (
    _Look(lambda h: h.startswith(b"version https://git-lfs"), "a Git LFS pointer, not the file", "run: git lfs pull"),
    _Look(_is_html, "an HTML page, most likely of a failed download", 'download the file itself (the "raw" link)'),
    _Look(lambda h: h.startswith(b"PK\x03\x04"), "a zip archive without a Keras model (PyTorch saves such)", _CONVERT),
    _Look(_is_pickle, "a Python pickle, which can run any code and is never opened", "export the model to .tflite"),
    _Look(_is_onnx, "an ONNX model", "convert it, for example with onnx2tf, and pass the float .tflite"),
    _Look(lambda h: h.startswith(b"\x1f\x8b"), "a gzip archive", "unpack it first"),
    _Look(lambda h: h.startswith(b"GGUF"), "a GGUF language model", "use a model that fits a microcontroller"),
    _Look(lambda h: b"unsigned char" in h or b"alignas(" in h, "C source", "pass the .tflite it was made from"),
)


def _no_model(path: Path, head: bytes) -> ModelError:
    for look in _LOOKS:
        if look.test(head):
            return ModelError(_RULE, f"{path}: {look.what}", look.hint)
    if len(head) < 8:
        return ModelError("a model file is complete", f"{path}: {len(head)} bytes", "copy or convert the file again")
    return ModelError(
        _RULE,
        f"{path}: neither by its content (it starts with {head[:8].hex(' ')})",
        _CONVERT,
    )


def classify(data: bytes, where: str) -> Kind:
    """Whether a .tflite is integer or float. Raises ModelError for damaged files and for what is neither: dynamic
    range, float16 or int8 weights under float arithmetic, uint8, or a mixture; the message names tensors."""
    graph = read(data, where)
    core = [node for node in graph.nodes if node.op not in ("QUANTIZE", "DEQUANTIZE", "CAST")]
    computing = [node for node in core if not _moves_reals(node.op)]
    packed = _packed_weights(graph)
    if packed:
        raise ModelError(
            "a float model has float weights, an integer model integer activations",
            f"{where}: dynamic-range or weight-only quantisation: {_some(packed)}",
            "export it again without optimizations (float) or with full-integer quantisation",
        )
    if legacy := _tensors_of(graph, computing, ("uint8",)):
        raise ModelError(
            "an integer model is int8 or int16",
            f"{where}: uint8 arithmetic: {_some(legacy)}",
            "quantise the float model again",
        )
    floats = _tensors_of(graph, computing, ("float32", "float16", "float64"))
    integers = _tensors_of(graph, core, ("int8", "int16"))
    if floats and integers:
        raise ModelError(
            "a model is either float or integer throughout",
            f"{where}: {len(integers)} integer tensors beside {len(floats)} float ones: {_some(floats)}",
            "export it again, float or full-integer",
        )
    return Kind.FLOAT_TFLITE if floats else Kind.INTEGER_TFLITE


def _moves_reals(op: str) -> bool:
    operator = OPERATORS.get(op)
    return operator is not None and operator.takes_reals


def _packed_weights(graph: Graph) -> list[str]:
    """Constants stored in fewer bits that float arithmetic expands: as a float operator's input or by DEQUANTIZE."""
    found = []
    for node in graph.nodes:
        wide = any(graph.tensors[index].dtype == "float32" for index in node.outputs)
        for index in node.inputs if wide else ():
            tensor = graph.tensors[index] if index != NO_TENSOR else None
            if tensor is not None and tensor.dtype in _PACKED and tensor.data is not None:
                found.append(f"{tensor.dtype} {tensor.label} of {node.op}")
    return found


def _tensors_of(graph: Graph, nodes: list[Node], types: tuple[str, ...]) -> list[str]:
    """The tensors of `types` among the inputs and outputs of `nodes`."""
    used = {index for node in nodes for index in (*node.inputs, *node.outputs) if index != NO_TENSOR}
    return [graph.tensors[index].label for index in sorted(used) if graph.tensors[index].dtype in types]


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
