# SPDX-License-Identifier: Apache-2.0
"""The TFLite interpreters that may be installed, behind one adapter: ai_edge_litert, tflite_runtime, tf.lite.

Delegates are always off: XNNPACK flips labels against what a microcontroller computes. Calibration asks for the
reference kernels: the optimised float kernels of two runtimes differ in the last places, the reference kernels do not
(measured on Linux x86-64 with ai_edge_litert 2.3, tflite_runtime 2.14 and tf.lite 2.21).
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from tinyq_deploy.errors import ModelError, UsageError

# Interpreter of any of the three packages; they share the API and have no types.
Interpreter = Any


@dataclass(frozen=True)
class _Package:
    module: str
    distributions: tuple[str, ...]
    install: str


_PACKAGES = {
    "ai_edge_litert": _Package("ai_edge_litert.interpreter", ("ai-edge-litert",), "pip install ai-edge-litert"),
    "tflite_runtime": _Package(
        "tflite_runtime.interpreter",
        ("tflite-runtime",),
        'pip install tflite-runtime "numpy<2" (Linux, Python <= 3.11)',
    ),
    "tf.lite": _Package(
        "tensorflow.lite.python.interpreter", ("tensorflow", "tensorflow-cpu"), "pip install tensorflow"
    ),
}
RUNTIMES = tuple(_PACKAGES)


@dataclass(frozen=True)
class Runtime:
    """One installed interpreter package; `open` makes an interpreter with tensors allocated."""

    name: str
    version: str
    _factory: Callable[..., Interpreter]
    _resolvers: Any

    def open(self, model: bytes, *, reference: bool = False) -> Interpreter:
        """An interpreter without delegates, one thread; `reference` takes the slow kernels that all runtimes share.

        Raises ModelError when the runtime refuses the model.
        """
        kernels = "BUILTIN_REF" if reference else "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                interpreter = self._factory(
                    model_content=model,
                    num_threads=1,
                    experimental_op_resolver_type=getattr(self._resolvers, kernels),
                )
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError, SystemError, TypeError) as error:
            raise ModelError(
                "the TFLite runtime can load the model",
                f"{self.name} {self.version}: {error}",
                "convert the model again, with builtin operators only",
            ) from error
        return interpreter


def installed() -> tuple[str, ...]:
    """The names of the runtimes that can be used here, the preferred one first."""
    return tuple(name for name in RUNTIMES if _reason_against(name) is None)


def find_runtime(name: str | None = None) -> Runtime:
    """The runtime called `name`, or the first one installed. Raises UsageError with the reason and what to install."""
    if name is not None and name not in _PACKAGES:
        raise UsageError("--runtime names a TFLite runtime", repr(name), f"use one of {', '.join(RUNTIMES)}")
    for candidate in (name,) if name else RUNTIMES:
        reason = _reason_against(candidate)
        if reason is None:
            return _load(candidate)
        if name is not None:
            raise UsageError(f"the runtime {name} is usable", reason, _PACKAGES[name].install)
    raise UsageError("a TFLite runtime is installed", "none of " + ", ".join(RUNTIMES), "pip install ai-edge-litert")


def _reason_against(name: str) -> str | None:
    """Why the runtime cannot be used, None when it can; imports nothing."""
    if find_spec(_PACKAGES[name].module.partition(".")[0]) is None:
        return "it is not installed"
    if name == "tflite_runtime" and int(np.__version__.partition(".")[0]) >= 2:
        return f"it was built for numpy 1 and every interpreter fails beside numpy {np.__version__}"
    return None


def _load(name: str) -> Runtime:
    module = importlib.import_module(_PACKAGES[name].module)
    return Runtime(name, _version(_PACKAGES[name].distributions), module.Interpreter, module.OpResolverType)


def _version(distributions: tuple[str, ...]) -> str:
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "unknown"
