# SPDX-License-Identifier: Apache-2.0
"""The runtime adapter: who is preferred, why one cannot be used, what a refused model says."""

from __future__ import annotations

from importlib.machinery import ModuleSpec

import numpy as np
import pytest

from tinyq_deploy import runtimes
from tinyq_deploy.errors import ModelError, UsageError


def only(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda name: ModuleSpec(name, None) if name in modules else None)


def test_litert_is_preferred() -> None:
    assert runtimes.find_runtime().name == "ai_edge_litert"
    assert runtimes.installed()[0] == "ai_edge_litert"


def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "__version__", "1.26.4")
    only(monkeypatch, "tflite_runtime", "tensorflow")
    assert runtimes.installed() == ("tflite_runtime", "tf.lite")


def test_tflite_runtime_is_not_touched_beside_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "__version__", "2.4.6")
    only(monkeypatch, "tflite_runtime")
    assert runtimes.installed() == ()
    with pytest.raises(UsageError, match=r"numpy 2\.4\.6") as caught:
        runtimes.find_runtime("tflite_runtime")
    assert 'pip install tflite-runtime "numpy<2"' in caught.value.faults[0].hint


def test_unknown_and_absent_runtimes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"ai_edge_litert, tflite_runtime, tf\.lite"):
        runtimes.find_runtime("torch")
    only(monkeypatch)
    with pytest.raises(UsageError, match="pip install ai-edge-litert"):
        runtimes.find_runtime()
    with pytest.raises(UsageError, match="not installed"):
        runtimes.find_runtime("tf.lite")


def test_a_refused_model_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="ai_edge_litert 2"):
        runtimes.find_runtime().open(b"\x1c\x00\x00\x00TFL3 and nothing else")
